"""Devices at the embedded broker: the user name is the key, the password its secret."""

from __future__ import annotations

import hmac

from wattline.contracts.joulepoint.mqtt import topics
from wattline.gateways.broker.access import OPEN
from wattline.metering.keys import Keys
from wattline.metering.model import DeviceKey
from wattline.model.clock import Clock
from wattline.model.principal import Principal

DEVICE = "device:"
LONGEST_KEY = 256


def key_of(keys: Keys, key_id: str | None) -> DeviceKey | None:
    """The key of a device that is connected as `key_id`, if it holds."""
    if key_id is None or not key_id.startswith(DEVICE):
        return None
    return keys.numbered(int(key_id.removeprefix(DEVICE)))


class DeviceAuthority:
    """A device sends and hears below its own topics, and nothing else; it sees no site of the other contracts.

    Where no key is asked for at all, a caller may be any device of its tenant.
    """

    def __init__(self, keys: Keys, clock: Clock) -> None:
        self._keys = keys
        self._clock = clock

    def authenticate(self, username: str | None, password: bytes | None) -> Principal | None:
        """The device of a key and its secret, present or former while that holds."""
        key = None if username is None or len(username) > LONGEST_KEY else self._keys.known(username)
        if key is None or password is None:
            return None
        secrets = key.secrets(self._clock.micros())
        # Every secret is tried, so that the time tells nothing about which one it was.
        if sum(hmac.compare_digest(secret.encode(), password) for secret in secrets) == 0:
            return None
        return Principal(key.tenant, f"{DEVICE}{key.id}", frozenset(), frozenset())

    def may_publish(self, principal: Principal, topic: str) -> bool:
        """Whether a caller may send this."""
        place = topics.read(topic)
        if place is None or place.what not in topics.SENT or place.tenant != principal.tenant:
            return False
        if principal.key_id == OPEN:
            return True
        key = key_of(self._keys, principal.key_id)
        return key is not None and topics.device_of(key) == place.device

    def may_subscribe(self, principal: Principal, pattern: str) -> bool:
        """Whether it may hear everything that the filter covers."""
        if principal.key_id == OPEN:
            return topics.is_below(pattern, principal.tenant, None)
        key = key_of(self._keys, principal.key_id)
        return key is not None and topics.is_below(pattern, principal.tenant, topics.device_of(key))
