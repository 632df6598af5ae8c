"""A fleet's messages: the page's words, trips with their outages, faults, and repeatability."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import numpy as np
import pytest

from wattline.model.clock import HOUR, SECOND, to_micros
from wattline.simulate.faults import LocalFaults
from wattline.simulate.fleet import Fleet, Weather
from wattline.simulate.plan import DEMO_PLAN
from wattline.simulate.trips import Trips
from wattline.simulate.words import EVENT, OUTAGE, TELEMETRY, Message, iso_utc

START = to_micros(datetime(2026, 6, 9, 18, 0, tzinfo=UTC))
CALM = Weather(trips_per_hour=0, faults_per_hour=0)
STORMY = Weather(trips_per_hour=60, faults_per_hour=0, first_trip_after_seconds=10)


def history(seed: int, weather: Weather, seconds: int, step: int = 1) -> list[Message]:
    fleet = Fleet(seed, weather=weather)
    return [message for k in range(0, seconds, step) for message in fleet.poll(START + k * SECOND)]


def test_a_cycle_is_one_record_per_feeder_in_the_pages_words() -> None:
    messages = history(1, CALM, 1)
    assert [message.path for message in messages] == [TELEMETRY] * 12
    body = messages[1].body
    assert set(body) == {
        "substation_id", "feeder_id", "device_id", "site_name", "latitude", "longitude", "voltage_kv", "current_a",
        "power_mw", "frequency_hz", "status_code", "timestamp",
    }  # fmt: skip
    assert body["substation_id"] == "SUB001"
    assert body["device_id"] == "SUB001-FDR002"
    assert (body["latitude"], body["longitude"]) == (45.5231, -122.6765)
    assert body["timestamp"] == "2026-06-09T18:00:00Z"
    assert body["status_code"] == "NORMAL"
    assert 220 < body["voltage_kv"] < 240
    assert 59.8 < body["frequency_hz"] < 60.2
    assert {message.body["substation_id"] for message in messages} == {"SUB001", "SUB002", "SUB003"}
    json.dumps([message.body for message in messages], allow_nan=False)


def test_the_same_seed_says_the_same() -> None:
    assert history(7, STORMY, 600) == history(7, STORMY, 600)
    assert history(7, STORMY, 20) != history(8, STORMY, 20)


def test_weather_leaves_the_physics_alone() -> None:
    calm = [m.body["frequency_hz"] for m in history(3, CALM, 60) if m.path == TELEMETRY]
    wild = [m.body["frequency_hz"] for m in history(3, STORMY, 60) if m.path == TELEMETRY]
    assert calm == wild


def test_every_trip_is_told_as_event_and_outage_and_every_restore_too() -> None:
    fleet = Fleet(2, weather=STORMY)
    messages = [m for k in range(3600) for m in fleet.poll(START + k * SECOND)]
    messages += fleet.settle(START + 3600 * SECOND)
    events = [m.body for m in messages if m.path == EVENT and m.body["event_type"].startswith("FEEDER")]
    outages = [m.body for m in messages if m.path == OUTAGE]
    trips = [e for e in events if e["event_type"] == "FEEDER_TRIP"]
    assert len(trips) > 10
    assert trips[0]["timestamp"] == iso_utc(START + 10 * SECOND)
    assert all((e["severity"], e["old_state"], e["new_state"]) == ("ALARM", "CLOSED", "OPEN") for e in trips)
    tripped: set[str] = set()
    for event in events:
        device = event["device_id"]
        assert (event["event_type"] == "FEEDER_TRIP") == (device not in tripped)
        tripped ^= {device}
    assert not tripped
    begun = {o["outage_id"]: o for o in reversed(outages) if o["status"] == "ACTIVE"}
    ended = {o["outage_id"] for o in outages if o["status"] == "RESTORED"}
    assert len(begun) == len(trips)
    assert set(begun) == ended
    assert all(o["customers_out"] > 0 and o["mw_interrupted"] > 0 and o["etr_time"] > o["timestamp"] for o in begun.values())
    assert all(o["customers_out"] == 0 for o in outages if o["status"] == "RESTORED")
    assert any(o["customers_out"] < begun[o["outage_id"]]["customers_out"] for o in outages if o["status"] == "ACTIVE")


def test_telemetry_shows_what_the_events_say() -> None:
    open_now: set[str] = set()
    seen = 0
    for message in history(2, STORMY, 1200):
        body = message.body
        if message.path == EVENT and body["event_type"].startswith("FEEDER"):
            open_now ^= {body["device_id"]}
        if message.path == TELEMETRY:
            out = body["device_id"] in open_now
            assert (body["status_code"] == "OUTAGE") == out
            assert (body["current_a"] == 0 and body["power_mw"] == 0) == out
            seen += out
    assert seen > 20


@pytest.mark.parametrize(("kind", "least", "most"), [("offset", 0.029, 0.031), ("dip", -0.101, -0.099), ("stuck", -0.2, 0.2)])
def test_a_local_fault_shows_at_one_substation_only(kind: str, least: float, most: float) -> None:
    faults = LocalFaults(np.random.default_rng(11), 3, per_hour=20)
    stations = np.repeat(np.arange(3), 4)
    found = 0
    held: list[float] = []
    for k in range(6 * 3600):
        true = np.full(12, 60.0 + 0.00001 * k)
        shown = faults.apply(START + k * SECOND, true, stations)
        fault = faults.current
        if fault is None:
            assert (shown == true).all()
        elif fault.kind == kind:
            here = stations == fault.substation
            assert (shown[~here] == true[~here]).all()
            assert ((shown - true)[here] >= least).all()
            assert ((shown - true)[here] <= most).all()
            if kind == "stuck" and found < 100:
                held.append(float(shown[here][0]))
            found += 1
    assert found > 20
    if kind == "stuck":
        assert len(set(held)) == 1


def test_trips_come_at_the_stated_rate_and_never_twice_at_once() -> None:
    trips = Trips(np.random.default_rng(3), 12, per_hour=12)
    begun = 0
    for k in range(0, 200 * 3600, 5):
        for step in trips.advance(START + k * SECOND):
            if step.kind == "trip":
                begun += 1
                assert 45 * SECOND <= step.trip.end - step.trip.start <= HOUR // 2
        assert len(trips.open) <= 12
    assert 200 * 12 * 0.85 < begun < 200 * 12 * 1.15


def test_outage_identifiers_are_unique_and_in_the_published_form() -> None:
    begun = [m.body for m in history(9, STORMY, 3600) if m.path == EVENT and m.body.get("event_type") == "FEEDER_TRIP"]
    ids = {m.body["outage_id"] for m in history(9, STORMY, 3600) if m.path == OUTAGE}
    assert len(ids) == len(begun)
    devices = {station.device_id(feeder) for station in DEMO_PLAN for feeder in station.feeders}
    assert {i.removeprefix("OUT-").rpartition("-")[0] for i in ids} <= devices


def test_times_are_whole_seconds_or_microseconds() -> None:
    assert iso_utc(START) == "2026-06-09T18:00:00Z"
    assert iso_utc(START + 250_000) == "2026-06-09T18:00:00.250000Z"
