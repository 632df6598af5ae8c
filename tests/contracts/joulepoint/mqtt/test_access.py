"""A device comes in with its key and secret, and has its own topics, nobody else's."""

from __future__ import annotations

import asyncio
import json

import pytest

from tests.contracts.joulepoint.depot import Depot
from tests.contracts.joulepoint.ingestion.conftest import Meter, meter_in
from tests.contracts.joulepoint.mqtt.conftest import Broker, attached, refusals, topic
from tests.gateways.device import Device
from wattline.gateways.model import MqttOptions
from wattline.model.errors import Invalid
from wattline.model.principal import ALL_SCOPES
from wattline.platform import Platform

BAD_CREDENTIALS, NOT_AUTHORISED = 0x86, 0x87


async def answer(broker: Broker, username: str, password: str | None) -> int:
    """What CONNACK says."""
    device = Device(5)
    assert broker.gateway.port
    await device.open(broker.gateway.port)
    broker.devices.append(device)
    return await device.connect(f"asking-{len(broker.devices)}", username=username, password=password)


async def test_only_a_key_with_its_own_secret_is_let_in(depot: Depot, stranger: Depot, broker: Broker, meter: Meter) -> None:
    other = await meter_in(stranger)
    assert await answer(broker, meter.key, meter.secret) == 0
    assert await answer(broker, meter.key.upper(), meter.secret) == 0
    for username, password in (
        (meter.key, other.secret), (other.key, meter.secret), (meter.key, ""), (meter.key, meter.key), ("", meter.secret),
        (meter.secret, meter.key), (meter.key, meter.secret.upper()), ("x" * 300, meter.secret), (meter.key, "é" * 32),
        (meter.key, depot.keys["all"]),
    ):  # fmt: skip
        assert await answer(broker, username, password) in (BAD_CREDENTIALS, NOT_AUTHORISED)


@pytest.mark.parametrize("what", ["energy", "pq", "protection", "status", "cmd/ack"])
async def test_another_device_and_another_tenant_have_topics_of_their_own(
    depot: Depot, stranger: Depot, broker: Broker, meter: Meter, what: str
) -> None:
    neighbour, foreign = await meter_in(depot), await meter_in(stranger)
    device = await broker.of(meter)
    payload = json.dumps({"total_power": 1.0}).encode()
    for number, there in enumerate((neighbour, foreign), 1):
        await device.publish(topic(there, what), payload, 1, number)
        assert await device.acknowledged(number) == NOT_AUTHORISED
        assert await device.subscribe(topic(there, what)) == NOT_AUTHORISED
        assert await device.subscribe(topic(there, "#")) == NOT_AUTHORISED
        assert there.stream.latest is None
    # Its own number, as another tenant's.
    await device.publish(f"jp/v1/{stranger.tenant}/{meter.id}/{what}", payload, 1, 9)
    assert await device.acknowledged(9) == NOT_AUTHORISED


async def test_what_is_for_devices_to_hear_is_not_theirs_to_send(broker: Broker, meter: Meter) -> None:
    device = await broker.of(meter)
    for number, what in enumerate(("cmd", "errors", "energy/x", "x", ""), 1):
        await device.publish(topic(meter, what), b"{}", 1, number)
        assert await device.acknowledged(number) == NOT_AUTHORISED


async def test_filters_beyond_its_own_topics_are_refused(broker: Broker, meter: Meter) -> None:
    device = await broker.of(meter)
    tenant = meter.depot.tenant
    below = f"jp/v1/{tenant}"
    foreign = ("#", "jp/#", "jp/v1/#", f"{below}/#", f"{below}/+/errors", f"jp/v1/+/{meter.id}/cmd", "microlink/#")
    for pattern in foreign:
        assert await device.subscribe(pattern) == NOT_AUTHORISED, pattern
    assert await device.subscribe(topic(meter, "#")) == 1


async def test_a_device_has_no_topic_of_another_contract(broker: Broker, meter: Meter) -> None:
    device = await broker.of(meter)
    await device.publish("microlink/main/block-01/electrical/P", b'{"v": 1}', 1, 1)
    assert await device.acknowledged(1) == NOT_AUTHORISED


async def test_an_api_key_has_no_device_topics(depot: Depot, broker: Broker, meter: Meter) -> None:
    device = await broker.connect("anyone", await depot.key(*ALL_SCOPES))
    await device.publish(topic(meter), b'{"total_power": 1.0}', 1, 1)
    assert await device.acknowledged(1) == NOT_AUTHORISED
    assert await device.subscribe(topic(meter, "#")) == NOT_AUTHORISED


async def test_a_gateway_does_not_use_the_topics_of_its_meters(depot: Depot, broker: Broker, meter: Meter) -> None:
    made = await depot.platform.metering.keys.create_gateway(depot.tenant, None)
    device = await broker.connect(made.text, made.key.secret)
    await device.publish(topic(meter), b'{"total_power": 1.0}', 1, 1)
    assert await device.acknowledged(1) == NOT_AUTHORISED
    assert await device.subscribe(topic(meter, "cmd")) == NOT_AUTHORISED


async def test_a_revoked_key_is_cut_off(depot: Depot, broker: Broker, meter: Meter) -> None:
    device = await broker.of(meter)
    await depot.platform.metering.keys.revoke(depot.tenant, meter.key_id, meter.id)
    assert await device.closed()
    assert await answer(broker, meter.key, meter.secret) == BAD_CREDENTIALS


async def test_a_former_secret_holds_until_its_end(depot: Depot, broker: Broker, meter: Meter) -> None:
    rotated = await depot.platform.metering.keys.rotate(depot.tenant, meter.key_id, meter.id, grace=60_000_000)
    device = await broker.of(meter)
    assert await answer(broker, meter.key, rotated.secret) == 0
    await device.ping()
    depot.clock.advance(60)
    assert await device.closed()
    assert await answer(broker, meter.key, meter.secret) == BAD_CREDENTIALS
    assert await answer(broker, meter.key, rotated.secret) == 0


async def test_many_properties_are_read_in_no_time(broker: Broker, meter: Meter) -> None:
    device = await broker.of(meter)
    async with asyncio.timeout(5):
        await device.publish(topic(meter), b'{"total_power": 1.0}', user=(("", ""),) * 10_000)
        assert await device.acknowledged(1) == 0


async def test_where_nobody_is_asked_a_caller_is_any_device_of_the_default_tenant(
    platform: Platform, depot: Depot, stranger: Depot
) -> None:
    meter, foreign = await meter_in(depot), await meter_in(stranger)
    strict = await meter_in(depot, signed=True)
    gateway, commands = attached(platform, MqttOptions(port=0, open=True, tenant=depot.tenant))
    await gateway.start()
    broker = Broker(gateway, commands)
    device = await broker.connect("anyone", "nothing")
    assert await device.subscribe(f"jp/v1/{depot.tenant}/+/errors") == 1
    assert await device.subscribe(topic(foreign, "#")) == NOT_AUTHORISED
    await device.publish(topic(meter), b'{"total_power": 4.0}', 1, 1)
    assert await device.acknowledged(1) == 0
    assert [values["total_power"] for values in (await meter.stored()).values()] == [4.0]
    await device.publish(topic(foreign), b'{"total_power": 4.0}', 1, 2)
    assert await device.acknowledged(2) == NOT_AUTHORISED
    await device.publish(topic(strict), b'{"total_power": 4.0}', 1, 3)
    assert (await refusals(device))["code"] == "signature_missing"
    device.vanish()
    await gateway.stop()


async def test_the_topics_of_another_contract_cannot_begin_alike(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = platform.settings.model_copy(update={"mqtt_prefix": "jp"})
    monkeypatch.setattr(platform, "settings", settings)
    with pytest.raises(Invalid, match="mqtt_prefix"):
        attached(platform, MqttOptions(port=0))
