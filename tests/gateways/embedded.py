"""The embedded broker behind a gateway, with keys of two tenants, and what it was given."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from tests.gateways.device import Device
from tests.gateways.inbox import Inbox, KeyRing, Letters
from wattline.gateways.model import MqttOptions
from wattline.gateways.service import MqttGateway
from wattline.model.clock import ManualClock
from wattline.model.principal import Principal

WRITE = frozenset({"telemetry:write"})
BOTH = WRITE | {"query:read"}
NORTH = Principal("north", "k1", BOTH)
KEYS = {
    "north": NORTH,
    "north-writer": Principal("north", "k2", WRITE),
    "north-one": Principal("north", "k3", WRITE, frozenset({"one"})),
    "south": Principal("south", "k4", BOTH),
    "reader": Principal("north", "k5", frozenset({"query:read"})),
    "operator": Principal("north", "k6", BOTH | {"command:write"}),
}
TOPIC = "microlink/one/block-01/electrical/P"
OPTIONS = MqttOptions(port=0, retry_seconds=0.02, sweep_seconds=0.02)


class Running:
    """A gateway with its embedded broker, and what it was given."""

    def __init__(self, clock: ManualClock, options: MqttOptions) -> None:
        self.inbox, self.letters, self.keys = Inbox(), Letters(), KeyRing(**KEYS)
        self.gateway = MqttGateway(options, self.keys, self.letters, clock)  # type: ignore[arg-type]
        self.gateway.subscribe("microlink/#", self.inbox.handle)

    @property
    def port(self) -> int:
        assert self.gateway.port
        return self.gateway.port

    async def device(self, key: str = "north", client_id: str = "device", **more: Any) -> Device:
        return await Device.connected(self.port, client_id, password=key, **more)


@asynccontextmanager
async def running(clock: ManualClock, options: MqttOptions = OPTIONS) -> AsyncIterator[Running]:
    made = Running(clock, options)
    await made.gateway.start()
    try:
        yield made
    finally:
        await made.gateway.stop()
