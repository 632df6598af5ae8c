"""An embedded broker with the contract's topics, on the platform that all tests of the contract share."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import pytest_asyncio
from starlette.types import ASGIApp

from tests.contracts.joulepoint.depot import Depot
from tests.contracts.joulepoint.ingestion.conftest import Meter, meter_in
from tests.gateways.device import Device
from wattline.contracts.joulepoint.device_door import Senders
from wattline.contracts.joulepoint.energy_data import doors
from wattline.contracts.joulepoint.gate import Gate
from wattline.contracts.joulepoint.mqtt.attach import attach
from wattline.contracts.joulepoint.mqtt.commands import Commands
from wattline.contracts.joulepoint.rates import Rates
from wattline.gateways.model import MqttOptions
from wattline.gateways.service import MqttGateway
from wattline.identity.limits import RateLimiter
from wattline.platform import Platform


@dataclass
class Broker:
    """The gateway, and the devices that a test connected to it."""

    gateway: MqttGateway
    commands: Commands
    devices: list[Device] = field(default_factory=list)

    async def connect(self, username: str, password: str, client_id: str = "device", *, level: int = 5, **more: Any) -> Device:
        """A device that the broker let in."""
        assert self.gateway.port
        device = await Device.connected(self.gateway.port, client_id, level, username=username, password=password, **more)
        self.devices.append(device)
        return device

    async def of(self, meter: Meter, **more: Any) -> Device:
        """The device of a meter."""
        return await self.connect(meter.key, meter.secret, **more)


def attached(platform: Platform, options: MqttOptions) -> tuple[MqttGateway, Commands]:
    """A gateway with the contract's topics, not started."""
    gateway = MqttGateway(options, platform.identity, platform.dead_letters, platform.clock)
    return gateway, attach(platform, gateway)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def gateway(platform: Platform) -> AsyncIterator[tuple[MqttGateway, Commands]]:
    """The gateway that the tests share."""
    made = attached(platform, MqttOptions(port=0, retry_seconds=0.02, sweep_seconds=0.02))
    await made[0].start()
    yield made
    await made[0].stop()


@pytest_asyncio.fixture(loop_scope="session")
async def broker(gateway: tuple[MqttGateway, Commands]) -> AsyncIterator[Broker]:
    """The broker; what a test connected is gone after it."""
    made = Broker(*gateway)
    yield made
    for device in made.devices:
        device.vanish()


@pytest.fixture
def hot(platform: Platform, gate: Gate) -> dict[str, ASGIApp]:
    """The doors of readings over HTTP."""
    rates = Rates(RateLimiter(platform.clock), "device", 0, 50)
    keys, failures = platform.metering.keys, platform.signature_failures
    senders = Senders(keys, gate, rates, failures, platform.clock, platform.metrics)
    return doors(platform.readings, senders, most_bytes=64 * 1024)


@pytest_asyncio.fixture(loop_scope="session")
async def meter(depot: Depot) -> Meter:
    """A three-phase meter at 230 V."""
    depot.clock.advance(1)
    return await meter_in(depot)


def topic(meter: Meter, what: str = "energy") -> str:
    """A topic of a meter."""
    return f"jp/v1/{meter.depot.tenant}/{meter.id}/{what}"


async def refusals(device: Device) -> dict[str, Any]:
    """The next message on the device's `errors`."""
    got = await device.message()
    assert got.topic.endswith("/errors")
    found: dict[str, Any] = json.loads(got.payload)
    return found
