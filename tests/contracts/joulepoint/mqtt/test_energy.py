"""Readings over MQTT: the same rows as over HTTP, durable before they are acknowledged, refused with the same words."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest

from tests.contracts.joulepoint.depot import Depot
from tests.contracts.joulepoint.ingestion.conftest import Meter, meter_in
from tests.contracts.joulepoint.mqtt.conftest import Broker, refusals, topic
from wattline.metering.signature import signature

READING = {
    "total_power": 3600.0, "total_energy": 1500.0, "voltage_a": 230.1, "breaker_state": "closed", "quality": "uncertain",
    "seq": 7, "extra": {"humidity": 0.4},
}  # fmt: skip


def row(meter: Meter) -> tuple[Any, ...]:
    """The newest row of a meter, without its stream."""
    found = meter.stream.latest
    assert found is not None
    return found.time, found.values, found.status, getattr(found, "quality", None)


async def test_a_reading_by_mqtt_is_the_row_that_it_is_by_http(depot: Depot, broker: Broker, meter: Meter) -> None:
    other = await meter_in(depot)
    reading = {**READING, "timestamp": meter.at(seconds=10)}
    await meter.told(reading, 201)
    device = await broker.of(other)
    await device.publish(topic(other), json.dumps(reading).encode())
    assert await device.acknowledged(1) == 0
    assert row(other) == row(meter)
    assert await other.stored() == await meter.stored() != {}

    again = await broker.of(meter, client_id="again")
    await again.publish(topic(meter), json.dumps(reading).encode())
    assert await again.acknowledged(1) == 0
    assert (await other.told(reading, 200))["status"] == "duplicate"
    assert await meter.stored() == await other.stored()
    assert len(await meter.stored()) == 1


async def test_an_acknowledged_reading_is_there_and_a_repetition_is_no_second_one(broker: Broker, meter: Meter) -> None:
    device = await broker.of(meter, level=4)
    payload = json.dumps({"total_power": 5.0, "timestamp": meter.at(seconds=3)}).encode()
    for attempt in range(3):
        await device.publish(topic(meter), payload, 1, 1, duplicate=attempt > 0)
        await device.acknowledged(1)
        assert meter.stream.latest is not None
        assert len(await meter.stored()) == 1


async def test_an_array_is_many_readings_and_those_that_are_wrong_are_told_by_their_index(broker: Broker, meter: Meter) -> None:
    device = await broker.of(meter)
    await device.subscribe(topic(meter, "errors"))
    readings = [{"total_power": float(n), "timestamp": meter.at(seconds=20 - n)} for n in range(5)]
    readings[3]["total_power"] = 1e12
    payload = json.dumps(readings).encode()
    await device.publish(topic(meter), payload)
    told = await refusals(device)
    assert await device.acknowledged(1) == 0
    assert [(e["index"], e["pointer"], e["code"]) for e in told["errors"]] == [(3, "/total_power", "out_of_range")]
    assert told["topic"] == topic(meter)
    assert told["payload_sha256"] == hashlib.sha256(payload).hexdigest()
    assert (told["status"], told["more_errors"]) == (422, 0)
    assert sorted(each["total_power"] for each in (await meter.stored()).values()) == [0.0, 1.0, 2.0, 4.0]


async def test_readings_of_now_are_of_two_moments(depot: Depot, broker: Broker, meter: Meter) -> None:
    device = await broker.of(meter)
    await device.subscribe(topic(meter, "errors"))
    for number in (1, 2):
        await device.publish(topic(meter), json.dumps({"total_power": float(number)}).encode(), 1, number)
        await device.acknowledged(number)
        depot.clock.advance(1)
    assert [each["total_power"] for _, each in sorted((await meter.stored()).items())] == [1.0, 2.0]


async def test_a_burst_keeps_the_order_of_a_device(broker: Broker, meter: Meter) -> None:
    device = await broker.of(meter)
    moment = meter.at(seconds=5)
    for number in range(1, 31):
        reading = {"total_power": float(number), "timestamp": moment}
        await device.publish(topic(meter), json.dumps(reading).encode(), 1, number)
    for number in range(1, 31):
        await device.acknowledged(number)
    assert [each["total_power"] for each in (await meter.stored()).values()] == [30.0]


@pytest.mark.parametrize(
    ("payload", "status", "code", "pointer"),
    [
        (b"{", 400, "malformed_json", None),
        (b"", 400, "malformed_json", None),
        (b"\xff", 400, "malformed_json", None),
        (b"[[" * 20_000, 400, "malformed_json", None),
        (b"[]", 422, "invalid", ""),
        (b"5", 422, "invalid", ""),
        (b"{}", 422, "invalid", ""),
        (b'{"total_power": NaN}', 422, "invalid", "/total_power"),
        (b'{"total_power": 1, "total_power": 2}', 422, "invalid", "/total_power"),
        (b'{"total_power": 1, "timestamp": "2030-01-01T00:00:00Z"}', 422, "invalid", "/timestamp"),
    ],
)
async def test_what_is_no_reading_is_told_to_its_sender_and_acknowledged(
    broker: Broker, meter: Meter, payload: bytes, status: int, code: str, pointer: str | None
) -> None:
    device = await broker.of(meter)
    await device.subscribe(topic(meter, "errors"))
    await device.publish(topic(meter), payload)
    told = await refusals(device)
    assert (told["status"], told["code"]) == (status, code)
    assert [error["pointer"] for error in told["errors"]] == ([] if pointer is None else [pointer])
    assert await device.acknowledged(1) == 0


async def test_a_refusal_is_told_to_its_device_alone(depot: Depot, broker: Broker, meter: Meter) -> None:
    other = await meter_in(depot)
    device, neighbour = await broker.of(meter), await broker.of(other, client_id="neighbour")
    await device.subscribe(topic(meter, "errors"))
    await neighbour.subscribe(topic(other, "#"))
    await device.publish(topic(meter), b"{")
    await refusals(device)
    await neighbour.ping()


async def test_a_meter_of_another_is_not_written(depot: Depot, broker: Broker, meter: Meter) -> None:
    other = await meter_in(depot)
    device = await broker.of(meter)
    await device.subscribe(topic(meter, "errors"))
    await device.publish(topic(meter), json.dumps({"meter_id": other.id, "total_power": 1.0}).encode())
    assert [error["code"] for error in (await refusals(device))["errors"]] == ["not_allowed"]


async def test_a_gateway_writes_for_its_meters(depot: Depot, broker: Broker, meter: Meter) -> None:
    other, stranger = await meter_in(depot), await meter_in(depot)
    keys = depot.platform.metering.keys
    made = await keys.create_gateway(depot.tenant, [meter.id, other.id])
    device = await broker.connect(made.text, made.key.secret)
    below = f"jp/v1/{depot.tenant}/gw-{made.key.id}"
    assert await device.subscribe(f"{below}/#") == 1
    readings = [{"meter_id": each.id, "total_power": 9.0, "timestamp": meter.at()} for each in (meter, other, stranger)]
    await device.publish(f"{below}/energy", json.dumps([*readings, {"total_power": 1.0}]).encode())
    # It hears all of its own topics, its own publication too.
    assert (await device.message()).topic == f"{below}/energy"
    told = await refusals(device)
    assert [(error["index"], error["code"]) for error in told["errors"]] == [(2, "not_allowed"), (3, "required")]
    for each in (meter, other):
        assert [values["total_power"] for values in (await each.stored()).values()] == [9.0]


async def test_a_signature_is_checked_where_there_is_one_and_asked_for_where_the_key_says_so(
    depot: Depot, broker: Broker, meter: Meter
) -> None:
    strict = await meter_in(depot, signed=True)
    cases = (
        (meter, "none", True),
        (meter, "good", True),
        (meter, "wrong", False),
        (meter, "twice", False),
        (strict, "good", True),
        (strict, "prefixed", True),
        (strict, "none", False),
        (strict, "wrong", False),
    )
    for number, (each, given, stored) in enumerate(cases):
        depot.clock.advance(1)
        payload = json.dumps({"total_power": float(number), "timestamp": each.at()}).encode()
        good = signature(each.secret, payload)
        properties = {
            "none": (), "good": (("sig", good), ("other", "x")), "wrong": (("sig", good[:-1] + "g"),),
            "twice": (("sig", good), ("sig", good)), "prefixed": (("sig", f"sha256={good.upper()}"),),
        }[given]  # fmt: skip
        device = await broker.of(each, client_id=f"device-{number}")
        await device.subscribe(topic(each, "errors"))
        await device.publish(topic(each), payload, user=properties)
        if not stored:
            told = await refusals(device)
            missing = "signature_missing" if given == "none" else "signature_wrong"
            assert (told["status"], told["code"]) == (401, missing)
        await device.acknowledged(1)
        written = [values["total_power"] for values in (await each.stored()).values()]
        assert (float(number) in written) == stored


async def test_a_key_that_signs_cannot_use_a_protocol_without_properties(depot: Depot, broker: Broker) -> None:
    strict = await meter_in(depot, signed=True)
    device = await broker.of(strict, level=4)
    await device.subscribe(topic(strict, "errors"))
    await device.publish(topic(strict), b'{"total_power": 1.0}')
    assert (await refusals(device))["code"] == "signature_missing"
