"""What devices say of themselves, what they are told, and what else they report."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.contracts.joulepoint.depot import Depot
from tests.contracts.joulepoint.ingestion.conftest import Meter, meter_in
from tests.contracts.joulepoint.mqtt.conftest import Broker, refusals, topic
from wattline.events.model import Event
from wattline.metering.devices import ACKNOWLEDGED, COMMAND, STATUS
from wattline.model.errors import Invalid
from wattline.quality.store import Which


async def events(meter: Meter, kind: str) -> list[Event]:
    """The events of a kind of a meter, oldest first."""
    found = await meter.depot.platform.events.query(meter.depot.tenant, kinds=[kind], subject=f"meter:{meter.id}")
    return [*reversed(found.events)]


async def test_a_status_is_an_event_when_it_changes_and_the_last_will_is_one(
    depot: Depot, broker: Broker, meter: Meter
) -> None:
    where = topic(meter, "status")
    device = await broker.of(meter, will=(where, b"offline"), will_retain=True)
    for number, payload in enumerate((b"online", b'{"status": "online"}', b'"online"'), 1):
        await device.publish(where, payload, 1, number, retain=True)
        await device.acknowledged(number)
    assert [event.event_type for event in await events(meter, STATUS)] == ["online"]

    watcher = await broker.of(meter, client_id="watcher")
    await watcher.subscribe(where)
    assert (await watcher.message()).payload == b'"online"'
    device.vanish()
    assert (await watcher.message()).payload == b"offline"
    # Whatever comes after the will is handled after it.
    after = await broker.of(meter, client_id="after")
    await after.publish(where, b"offline", 1, 1, retain=True)
    await after.acknowledged(1)
    found = await events(meter, STATUS)
    assert [(event.event_type, event.severity) for event in found] == [("online", "info"), ("offline", "warning")]
    assert found[1].body == {"status": "offline", "previous": "online"}
    late = await broker.of(meter, client_id="late")
    await late.subscribe(where)
    got = await late.message()
    assert (got.payload, got.retain) == (b"offline", True)


@pytest.mark.parametrize("payload", [b"", b"ON LINE", b"{}", b'{"status": 5}', b"{", b"x" * 40, b"\xff"])
async def test_a_status_that_is_none_is_refused(broker: Broker, meter: Meter, payload: bytes) -> None:
    device = await broker.of(meter)
    await device.subscribe(topic(meter, "errors"))
    await device.publish(topic(meter, "status"), payload)
    assert (await refusals(device))["status"] in (400, 422)
    assert await events(meter, STATUS) == []


async def test_a_command_goes_to_its_device_and_is_answered_once(depot: Depot, broker: Broker, meter: Meter) -> None:
    other = await meter_in(depot)
    device, neighbour = await broker.of(meter), await broker.of(other, client_id="neighbour")
    await device.subscribe(topic(meter, "cmd"))
    await neighbour.subscribe(topic(other, "#"))
    held = depot.platform.metering.meters.get(depot.tenant, meter.id)
    number = await broker.commands.send(held, "open_relay", {"relay": 1})
    got = await device.message()
    told = json.loads(got.payload)
    assert (got.topic, got.retain) == (topic(meter, "cmd"), False)
    assert (told["id"], told["command"], told["params"]) == (number, "open_relay", {"relay": 1})
    await neighbour.ping()

    answer = json.dumps({"id": number, "status": "done", "detail": "open"}).encode()
    for attempt in (1, 2):
        await device.publish(topic(meter, "cmd/ack"), answer, 1, attempt)
        assert await device.acknowledged(attempt) == 0
    (logged,) = await events(meter, COMMAND)
    (answered,) = await events(meter, ACKNOWLEDGED)
    assert logged.body["id"] == answered.body["id"] == number
    assert answered.body == {"id": number, "status": "done", "detail": "open"}

    await neighbour.subscribe(topic(other, "errors"))
    await neighbour.publish(topic(other, "cmd/ack"), answer, 0)
    assert (await neighbour.message()).topic == topic(other, "cmd/ack")
    assert (await refusals(neighbour))["status"] == 404
    assert await events(other, ACKNOWLEDGED) == []


@pytest.mark.parametrize(
    ("answer", "pointers"),
    [
        ([], ["/id", "/status"]),
        ({"id": 5, "status": "done"}, ["/id"]),
        ({"id": "0" * 36, "status": "Done", "detail": 5}, ["/status", "/detail"]),
    ],
)
async def test_an_answer_that_is_none_is_refused(broker: Broker, meter: Meter, answer: Any, pointers: list[str]) -> None:
    device = await broker.of(meter)
    await device.subscribe(topic(meter, "errors"))
    await device.publish(topic(meter, "cmd/ack"), json.dumps(answer).encode())
    assert [error["pointer"] for error in (await refusals(device))["errors"]] == pointers


async def test_a_command_that_cannot_be_is_not_logged(depot: Depot, broker: Broker, meter: Meter) -> None:
    held = depot.platform.metering.meters.get(depot.tenant, meter.id)
    for command, parameters in (("", {}), ("x" * 65, {}), ("a\nb", {}), ("ok", {"x": "y" * 20_000}), ("ok", {"x": object()})):
        with pytest.raises(Invalid):
            await broker.commands.send(held, command, parameters)
    assert await events(meter, COMMAND) == []


async def test_power_quality_and_protection_come_in_as_over_http(depot: Depot, broker: Broker, meter: Meter) -> None:
    device = await broker.of(meter)
    await device.subscribe(topic(meter, "errors"))
    sag = {"type": "sag", "start": meter.at(seconds=5), "end": meter.at(seconds=4), "phases": ["a"], "residual_pu": 0.5}
    series = {"start": meter.at(seconds=3), "step_s": 0.01, "channels": {"a": [230.0] * 20}}
    trip = {"kind": "trip_overcurrent", "timestamp": meter.at(seconds=2), "cause": "main fuse"}
    for number, (what, document) in enumerate(
        (("pq", sag), ("pq", [sag, series]), ("protection", trip), ("protection", [trip])), 1
    ):
        await device.publish(topic(meter, what), json.dumps(document).encode(), 1, number)
        assert await device.acknowledged(number) == 0
    assert [event.event_type for event in await events(meter, "protection.event")] == ["trip_overcurrent"]
    found = await depot.platform.quality.query(Which(depot.tenant))
    assert [(event.meter, event.type) for event in found.rows] == [(meter.id, "sag")]
    assert found.total == 1


async def test_power_quality_that_is_wrong_is_told_with_its_place(broker: Broker, meter: Meter) -> None:
    device = await broker.of(meter)
    await device.subscribe(topic(meter, "errors"))
    bad = {"type": "nothing", "start": meter.at(seconds=5)}
    await device.publish(topic(meter, "pq"), json.dumps([bad, {"meter_id": 10**9, **bad}]).encode())
    told = await refusals(device)
    assert await device.acknowledged(1) == 0
    assert [error["index"] for error in told["errors"]] == [0, 1]
    assert told["errors"][0]["pointer"] == "/type"
    await device.publish(topic(meter, "protection"), b'{"kind": "trip_overcurrent"', 1, 2)
    assert (await refusals(device))["code"] == "malformed_json"
    await device.acknowledged(2)
    await device.publish(topic(meter, "pq"), b"[]", 1, 3)
    assert (await refusals(device))["status"] == 422
