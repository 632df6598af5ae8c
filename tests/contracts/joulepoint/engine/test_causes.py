"""What was found in a reading says in which one: `causation_id` is the id of its entry in the log."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import Any

from tests.contracts.joulepoint.engine.place import ENERGY, Place

THRESHOLDS = {"sag_v_threshold": 0.9, "swell_v_threshold": 1.1, "thd_pct_threshold": 5.0}


async def watched(place: Place, **body: Any) -> int:
    """A meter with thresholds, and a reading in which nothing is wrong."""
    meter = await place.meter(nominal_voltage=230, interval_s=1, **body)
    await place.ask("POST", f"{ENERGY}/pq/config", 201, json={"meter_id": meter, **THRESHOLDS})
    return meter


async def judged(place: Place, meter: int, *readings: dict[str, Any], events: int) -> None:
    """Readings a second apart, and so many events that they lead to."""
    async with AsyncExitStack() as stack:
        heard = stack.enter_context(place.platform.bus.subscribe(["pq.event", "protection.event"], size=10))
        for each in readings:
            place.clock.advance(1)
            await place.read(meter, {"timestamp": place.iso(), **each})
        coming = aiter(heard)
        async with asyncio.timeout(30):
            for _ in range(events):
                await anext(coming)


async def told(place: Place, meter: int) -> tuple[dict[str, dict[str, Any]], list[dict[str, Any]]]:
    """The log of a meter: its readings by the id of their entry, and all else."""
    place.clock.advance(1)
    found = (await place.get("/api/events", meter_id=meter, limit=100))["results"]
    readings = {entry["id"]: entry["data"] for entry in found if entry["type"] == "data.ingested"}
    return readings, [entry for entry in found if entry["type"] != "data.ingested"]


async def test_an_event_found_in_readings_names_the_one_it_began_and_the_one_it_ended_with(place: Place) -> None:
    meter = await watched(place)
    await judged(place, meter, {"voltage_a": 230.0}, {"voltage_a": 150.0}, {"voltage_a": 229.0}, events=2)
    readings, (begin, end) = await told(place, meter)
    assert (begin["data"]["phase"], end["data"]["phase"]) == ("start", "end")
    assert readings[begin["causation_id"]]["voltage_a"] == 150.0
    assert readings[end["causation_id"]]["voltage_a"] == 229.0
    assert "causation_id" not in begin["data"]


async def test_of_two_messages_of_one_time_it_is_the_one_that_had_the_voltage(place: Place) -> None:
    meter = await watched(place)
    await judged(place, meter, {"voltage_a": 230.0}, {"total_power": 5.0}, events=0)
    now = place.iso()
    with place.platform.bus.subscribe(["pq.event"], size=10) as heard:
        body = {"meter_id": meter, "timestamp": now, "voltage_a": 150.0}
        assert (await place.ask("POST", f"{ENERGY}/energy-data", json=body))["status"] == "replaced"
        async with asyncio.timeout(30):
            await anext(aiter(heard))
    readings, (begin,) = await told(place, meter)
    assert (readings[begin["causation_id"]]["revision"], readings[begin["causation_id"]]["voltage_a"]) == (2, 150.0)


async def test_a_breaker_seen_in_a_reading_names_it_and_one_that_was_reported_follows_from_none(place: Place) -> None:
    meter = await place.meter()
    await judged(place, meter, {"total_power": 5.0, "breaker_state": "open"}, events=1)
    body = {"meter_id": meter, "kind": "breaker_state", "state": "closed", "source_event_id": "x-1"}
    await place.ask("POST", f"{ENERGY}/protection/events", 201, json={**body, "timestamp": place.iso()})
    readings, (seen, reported) = await told(place, meter)
    assert readings[seen["causation_id"]]["breaker_state"] == "open"
    assert reported["causation_id"] is None


async def test_a_series_that_a_request_brought_follows_from_no_reading(place: Place) -> None:
    meter = await watched(place)
    volts = [230.0] * 60 + [150.0] * 30 + [230.0] * 60
    channels = dict.fromkeys("abc", volts)
    body = {"meter_id": meter, "start": place.iso(-2), "step_s": 0.01, "channels": channels}
    await place.ask("POST", f"{ENERGY}/pq/rms", 200, json=body)
    _, found = await told(place, meter)
    assert [entry["causation_id"] for entry in found] == [None, None]


async def test_a_meter_that_reads_another_device_has_no_reading_of_its_own_to_name(place: Place) -> None:
    source = await place.meter(name="Real")
    place.clock.advance(1)
    await place.read(source, {"timestamp": place.iso(), "voltage_a": 230.0})
    fields = {"voltage_a": {"quantity": "voltage_a"}}
    reads = {"site": "main", "device": f"meter-{source}", "fields": fields}
    meter = await watched(place, source=reads)
    await judged(place, source, {"voltage_a": 230.0}, {"voltage_a": 150.0}, events=1)
    place.clock.advance(1)
    found = (await place.get("/api/events", type="pq.event"))["results"]
    assert [(entry["data"]["meter_id"], entry["causation_id"]) for entry in found] == [(meter, None)]
