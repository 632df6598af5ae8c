"""Who sent a message, and whether it may be believed: the topic says for whom, the key or the signature by whom.

At the embedded broker a device was let in with its key and could not have used another's topic. An external broker knows its
clients and we do not: what it brings is taken as its topic says, in the tenant that is configured, so its own access rules must
keep every device to its topics. It brings MQTT 3.1.1, which has no properties and so no signature: a meter whose keys all
require one is then not believed.
"""

from __future__ import annotations

from collections.abc import Sequence

from wattline.contracts.joulepoint.mqtt import topics
from wattline.contracts.joulepoint.mqtt.authority import key_of
from wattline.contracts.joulepoint.mqtt.topics import Place
from wattline.contracts.joulepoint.problem import Problem
from wattline.gateways.model import Message
from wattline.metering.devices import Subject
from wattline.metering.keys import Keys
from wattline.metering.meters import Meters
from wattline.metering.model import DeviceKey
from wattline.metering.readings.failures import SignatureFailures
from wattline.metering.readings.model import Sender
from wattline.metering.signature import is_signed
from wattline.model.clock import Clock
from wattline.model.errors import NotFound

SIGNATURE = "sig"


class Senders:
    """Tells the sender of a message."""

    def __init__(self, keys: Keys, meters: Meters, failures: SignatureFailures, clock: Clock) -> None:
        self._keys = keys
        self._meters = meters
        self._failures = failures
        self._clock = clock

    async def of(self, place: Place, message: Message) -> Sender:
        """For whom a message is. Raises `NotFound` for a device that is not there, `Problem` 401 for a signature that is wrong,
        or missing where there must be one."""
        key = key_of(self._keys, message.key_id)
        known = [key] if key is not None else self._of(place)
        if place.is_gateway and not known:
            raise NotFound("there is no such gateway")
        await self._check_signature(message, known)
        return Sender.of_key(known[0]) if place.is_gateway else Sender(place.tenant, frozenset((place.number,)))

    def _of(self, place: Place) -> Sequence[DeviceKey]:
        """The keys of a device whose sender showed none."""
        if not place.is_gateway:
            return self._keys.of_meter(place.tenant, place.number)
        key = self._keys.numbered(place.number)
        return [key] if key is not None and key.is_gateway and key.tenant == place.tenant else []

    async def _check_signature(self, message: Message, keys: Sequence[DeviceKey]) -> None:
        given = [value for name, value in message.user if name == SIGNATURE]
        if not given:
            if keys and all(key.require_signature for key in keys):
                raise Problem(
                    401, "signature_missing", f"this key signs what it sends: the user property {SIGNATURE} is missing"
                )
            return
        secrets = [secret for key in keys for secret in key.secrets(self._clock.micros())]
        if len(given) > 1 or not is_signed(given[0].strip(), message.payload, secrets):
            if len(keys) == 1:
                await self._failures.note(keys[0])
            raise Problem(401, "signature_wrong", f"{SIGNATURE} is not the HMAC-SHA256 of the payload as it came")

    def subject(self, place: Place) -> Subject:
        """The device of a topic as events name it. Raises `NotFound`."""
        if place.is_gateway:
            if not self._of(place):
                raise NotFound("there is no such gateway")
            return Subject(place.tenant, f"gateway:{place.number}")
        meter = self._meters.find(place.tenant, place.number)
        if meter is None:
            raise NotFound("there is no such meter")
        return Subject(place.tenant, f"meter:{meter.id}", meter.site, meter.device_key)


def answer_topic(place: Place) -> str:
    """Where a device hears what was refused of it."""
    return topics.topic(place.tenant, place.device, topics.ERRORS)
