"""`cmd`: what a device is told to do. Its answer comes on `cmd/ack`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from wattline.contracts.joulepoint.mqtt import topics
from wattline.contracts.joulepoint.mqtt.rejections import Publisher
from wattline.contracts.joulepoint.query import spell
from wattline.metering.devices import Devices, Subject
from wattline.metering.model import Meter
from wattline.model.errors import Invalid

MOST_BYTES = 16_384
LONGEST_COMMAND = 64


class Commands:
    """Sends commands to the devices of meters with QoS 1, and logs them first: what may have been sent is in the log."""

    def __init__(self, publisher: Publisher, devices: Devices) -> None:
        self._publisher = publisher
        self._devices = devices

    async def send(self, meter: Meter, command: str, parameters: Mapping[str, Any]) -> str:
        """Send a command; its id. That it returns means that the broker has it, not that anybody has done it.

        Never retained: a device that comes back later must not do what was meant for an earlier moment. Raises `Invalid`, and
        `Unavailable` where the broker did not confirm it: then it may or may not have been sent.
        """
        if not 1 <= len(command) <= LONGEST_COMMAND or not command.isprintable():
            raise Invalid(f"a command has 1 to {LONGEST_COMMAND} printable characters", "command")
        try:
            size = len(msgspec.json.encode(dict(parameters)))
        except (TypeError, ValueError, RecursionError):
            raise Invalid("params must be a JSON object", "params") from None
        if size > MOST_BYTES:
            raise Invalid(f"params have at most {MOST_BYTES} bytes", "params")
        subject = Subject(meter.tenant, f"meter:{meter.id}", meter.site, meter.device_key)
        number, time = await self._devices.command(subject, command, parameters)
        document = {"id": number, "command": command, "params": dict(parameters), "issued_at": spell(time)}
        where = topics.topic(meter.tenant, str(meter.id), topics.COMMAND)
        await self._publisher.publish(where, msgspec.json.encode(document), tenant=meter.tenant)
        return number
