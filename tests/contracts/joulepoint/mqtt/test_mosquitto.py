"""Devices at a broker that is not ours, a real Mosquitto: what it brings is taken as its topics say."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.contracts.joulepoint.depot import Depot
from tests.contracts.joulepoint.ingestion.conftest import meter_in
from tests.contracts.joulepoint.mqtt.conftest import attached, topic
from tests.gateways.device import Device
from tests.gateways.inbox import until
from tests.gateways.mosquitto import Mosquitto, mosquitto
from wattline.contracts.joulepoint.mqtt.commands import Commands
from wattline.gateways.model import MqttOptions
from wattline.platform import Platform


@pytest.fixture
def outside(tmp_path: Path) -> Any:
    """The broker."""
    with mosquitto(tmp_path / "broker") as broker:
        yield broker


@pytest_asyncio.fixture(loop_scope="session")
async def commands(platform: Platform, depot: Depot, outside: Mosquitto) -> AsyncIterator[Commands]:
    """The gateway takes what it brings as the depot's."""
    gateway, made = attached(platform, MqttOptions(url=outside.url, tenant=depot.tenant, client_id=depot.tenant))
    await gateway.start()
    await until(lambda: gateway.health.connected)
    yield made
    await gateway.stop()


WRONG = b'{"total_power": 1e12}'


async def told(device: Device) -> dict[str, Any]:
    """The next message of those that it subscribed to."""
    found: dict[str, Any] = json.loads((await device.message()).payload)
    return found


async def test_an_external_brokers_devices_write_hear_and_are_told(
    platform: Platform, depot: Depot, stranger: Depot, outside: Mosquitto, commands: Commands
) -> None:
    depot.clock.advance(1)
    meter, other, strict, foreign = (
        await meter_in(depot), await meter_in(depot), await meter_in(depot, signed=True), await meter_in(stranger),
    )  # fmt: skip
    gateway_key = await platform.metering.keys.create_gateway(depot.tenant, [other.id])
    device = await Device.connected(outside.port, "meters")
    await device.subscribe(f"jp/v1/{depot.tenant}/+/errors")
    reading = {"total_power": 3600.0, "timestamp": meter.at(seconds=5)}
    payload = json.dumps(reading).encode()

    async def refused(where: str, content: bytes) -> dict[str, Any]:
        await device.publish(where, content, 0)
        return await told(device)

    def codes(found: dict[str, Any]) -> list[str]:
        return [error["code"] for error in found["errors"]]

    # What is wrong with a reading is told when those before it in its device's topic are stored.
    await device.publish(topic(meter), payload, 0)
    assert codes(await refused(topic(meter), WRONG)) == ["out_of_range"]
    assert [values["total_power"] for values in (await meter.stored()).values()] == [3600.0]

    # A meter whose keys all sign is not believed: 3.1.1 has no properties.
    assert (await refused(topic(strict), payload))["code"] == "signature_missing"
    assert strict.stream.latest is None

    # Another tenant's topic is nobody's here, and another tenant's meter is not there.
    await device.publish(topic(foreign), payload, 0)
    assert codes(await refused(f"jp/v1/{depot.tenant}/{foreign.id}/energy", payload)) == ["unknown_meter"]
    assert foreign.stream.latest is None

    # A gateway's subtree is for the meters of its key.
    below = f"jp/v1/{depot.tenant}/gw-{gateway_key.key.id}/energy"
    assert codes(await refused(below, json.dumps({**reading, "meter_id": meter.id}).encode())) == ["not_allowed"]
    assert (await refused(f"jp/v1/{depot.tenant}/gw-999999999/energy", payload))["status"] == 404
    await device.publish(below, json.dumps({**reading, "meter_id": other.id}).encode(), 0)
    assert codes(await refused(below, WRONG)) == ["out_of_range"]
    assert [values["total_power"] for values in (await other.stored()).values()] == [3600.0]

    await device.subscribe(topic(meter, "cmd"))
    number = await commands.send(platform.metering.meters.get(depot.tenant, meter.id), "read_register", {})
    assert (await told(device))["id"] == number
    await device.close()


async def test_a_retained_reading_without_its_time_is_of_no_known_moment(
    platform: Platform, depot: Depot, outside: Mosquitto
) -> None:
    depot.clock.advance(1)
    meter = await meter_in(depot)
    device = await Device.connected(outside.port, "meters")
    await device.subscribe(topic(meter, "errors"))
    await device.publish(topic(meter), b'{"total_power": 7.0}', 1, 1, retain=True)
    await device.acknowledged(1)
    gateway, _ = attached(platform, MqttOptions(url=outside.url, tenant=depot.tenant, client_id=depot.tenant))
    await gateway.start()
    assert [error["pointer"] for error in (await told(device))["errors"]] == ["/timestamp"]
    await gateway.stop()
    assert meter.stream.latest is None
    await device.close()
