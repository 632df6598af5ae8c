"""Half-cycle series, waveforms and events that a meter detected by itself."""

from __future__ import annotations

import math
from typing import Any

import pytest
from fastapi.routing import APIRoute
from starlette.types import ASGIApp

from tests.contracts.joulepoint.depot import Depot
from tests.contracts.joulepoint.quality.conftest import EVENTS, PROTECTION, RMS, WAVEFORM, Meter, meter_in
from wattline.contracts.joulepoint import pq_doors
from wattline.quality import intake


def series(meter: Meter, *levels: float, ago: float = 60.0, **more: Any) -> dict[str, Any]:
    """Three equal channels."""
    volts = [230 * level for level in levels]
    return {"start": meter.at(-ago), "channels": {"a": volts, "b": volts, "c": volts}, **more}


async def test_a_half_cycle_series_gives_exact_durations_and_categories(meter: Meter) -> None:
    await meter.config()
    answer = await meter.told(RMS, series(meter, *[1.0] * 10, *[0.5] * 20, *[1.0] * 10), 200)
    assert (answer["judged"], answer["late"]) == (40, 0)
    (event,) = answer["events"]
    assert (event["type"], event["category"], event["method"]) == ("sag", "instantaneous", "half_cycle_rms")
    assert (event["duration_s"], event["duration_range_s"], event["resolution_s"]) == (0.2, [0.2, 0.2], 0.01)
    assert (event["residual_pu"], event["itic"], event["semi_f47_must_ride_through"]) == (0.5, "no_damage", True)
    assert await meter.events() == [event]


@pytest.mark.parametrize(
    ("kind", "level", "half_cycles", "category"),
    [
        ("sag", 0.8, 1, "instantaneous"),
        ("sag", 0.8, 60, "instantaneous"),
        ("sag", 0.8, 61, "momentary"),
        ("sag", 0.8, 300, "momentary"),
        ("sag", 0.8, 301, "temporary"),
        ("sag", 0.8, 6000, "temporary"),
        ("undervoltage", 0.8, 6001, "undervoltage"),
        ("swell", 1.3, 60, "instantaneous"),
        ("swell", 1.3, 300, "momentary"),
        ("swell", 1.15, 301, "temporary"),
        ("overvoltage", 1.15, 6001, "overvoltage"),
        ("interruption", 0.0, 1, "momentary"),
        ("interruption", 0.0, 300, "momentary"),
        ("interruption", 0.0, 301, "temporary"),
        ("interruption", 0.0, 6001, "sustained"),
    ],
)
async def test_the_categories_of_ieee_1159(meter: Meter, kind: str, level: float, half_cycles: int, category: str) -> None:
    body = series(meter, 1.0, *[level] * half_cycles, 1.0, ago=600)
    (event,) = (await meter.told(RMS, body, 200))["events"]
    assert (event["type"], event["category"]) == (kind, category)


async def test_a_rapid_voltage_change_is_told_once_it_is_one_whole(meter: Meter) -> None:
    await meter.config()
    first = series(meter, *[1.0] * 100, *[0.94] * 60)
    assert (await meter.told(RMS, first, 200))["events"] == []
    assert await meter.events(open="true") == []
    (event,) = (await meter.told(RMS, series(meter, *[0.94] * 60, ago=58.4), 200))["events"]
    assert (event["type"], event["method"], event["standard"]) == ("rvc", "half_cycle_rms", "IEC 61000-4-30")
    assert (event["value_pct"], event["delta_u_max_pct"], event["delta_u_ss_pct"]) == (6.0, 6.0, 6.0)
    assert (event["start"], event["duration_s"], event["threshold"], event["hysteresis_pct"]) == (meter.at(-59), 0.0, 5.0, 2.5)
    assert await meter.events(type="rvc") == [event]
    assert [body["phase"] for body in await meter.logged("pq.event")] == ["start", "end"]


async def test_a_rapid_change_that_the_meter_saw_too_is_shown_once(meter: Meter) -> None:
    await meter.config()
    seen = {"type": "rvc", "start": meter.at(-58.98), "end": meter.at(-58.98), "value_pct": 6.1}
    first = await meter.told(EVENTS, seen, 201)
    levels = [*[1.0] * 100, *[0.94] * 120, *[1.0] * 120]
    found, next_one = (await meter.told(RMS, series(meter, *levels), 200))["events"]
    assert (found["superseded_by"], next_one["superseded_by"]) == (first["id"], None)
    assert [event["id"] for event in await meter.events(type="rvc")] == [first["id"], next_one["id"]]


async def test_changes_a_second_apart_are_two_at_60_hz_too(depot: Depot) -> None:
    meter = await meter_in(depot, nominal_frequency=60)
    levels = [*[1.0] * 120, *[0.94] * 121, *[1.0] * 121]
    events = (await meter.told(RMS, series(meter, *levels), 200))["events"]
    assert [(event["type"], event["superseded_by"]) for event in events] == [("rvc", None)] * 2


async def test_thirty_cycles_are_of_the_meters_own_frequency(depot: Depot) -> None:
    meter = await meter_in(depot, nominal_frequency=60)
    body = series(meter, 1.0, *[0.8] * 63, 1.0)
    (event,) = (await meter.told(RMS, body, 200))["events"]
    assert (event["category"], event["resolution_s"]) == ("momentary", 0.008333)


async def test_an_event_goes_on_in_the_next_series_and_the_same_series_again_changes_nothing(meter: Meter) -> None:
    first = series(meter, 1.0, 0.5, 0.5, ago=60)
    (begun,) = (await meter.told(RMS, first, 200))["events"]
    assert begun["end"] is None
    again = await meter.told(RMS, first, 200)
    assert (again["judged"], again["late"], again["events"]) == (0, 3, [])
    (ended,) = (await meter.told(RMS, series(meter, 0.5, 1.0, ago=59), 200))["events"]
    assert (ended["id"], ended["duration_s"]) == (begun["id"], 1.0)
    assert len(await meter.logged("pq.event")) == 2


async def test_what_is_finer_shows_in_place_of_what_readings_told(meter: Meter) -> None:
    await meter.config()
    await meter.volts(1.0, 0.85, 1.0)
    (coarse,) = await meter.events()
    start = coarse["start"]
    levels = [230.0] * 10 + [115.0] * 20 + [230.0] * 10
    body = {"start": start, "channels": {"a": levels, "b": levels, "c": levels}}
    (fine,) = (await meter.told(RMS, body, 200))["events"]
    assert [event["id"] for event in await meter.events()] == [fine["id"]]
    hidden = (await meter.depot.call("GET", f"{EVENTS}/{coarse['id']}")).json()
    assert hidden["superseded_by"] == fine["id"]


async def test_readings_open_nothing_that_is_known_better(meter: Meter) -> None:
    await meter.config()
    await meter.volts(1.0)
    levels = [230.0] * 5 + [100.0] * 5
    await meter.told(RMS, {"start": meter.at(), "channels": {"a": levels}}, 200)
    await meter.volts(0.6, 0.6)
    (event,) = await meter.events()
    assert (event["method"], event["end"]) == ("half_cycle_rms", None)
    # Once the finer event has ended, what readings told beyond its end is an event of its own.
    ended = {"start": meter.at(-110), "channels": {"a": [230.0] * 3}}
    await meter.told(RMS, ended, 200)
    events = await meter.events()
    assert [(each["method"], each["end"] is None) for each in events] == [("half_cycle_rms", False), ("interval_rms", True)]
    kinds = [(body["phase"], body["method"]) for body in await meter.logged("pq.event")]
    assert sorted(kinds) == [("end", "half_cycle_rms"), ("start", "half_cycle_rms"), ("start", "interval_rms")]


def waves(frequency: float, seconds: float, rate: float, harmonics: dict[int, float], dip: tuple[float, float] | None) -> Any:
    channels = {}
    for place, name in enumerate("abc"):
        values = []
        for number in range(round(seconds * rate)):
            t = number / rate
            turn = 2 * math.pi * (frequency * t - place / 3)
            value = math.sin(turn) + sum(share * math.sin(order * turn) for order, share in harmonics.items())
            depth = 0.5 if dip is not None and dip[0] <= t < dip[1] else 1.0
            values.append(round(230 * math.sqrt(2) * depth * value, 4))
        channels[name] = values
    return channels


async def test_a_waveform_is_measured_and_its_dip_found(meter: Meter) -> None:
    await meter.config()
    body = {
        "start": meter.at(-10),
        "sample_rate_hz": 6400,
        "channels": waves(50.2, 2.0, 6400, {5: 0.04, 7: 0.03, 11: 0.025}, (1.0, 1.2)),
    }
    answer = await meter.told(WAVEFORM, body, 200)
    assert answer["frequency_hz"] == pytest.approx(50.2, abs=0.005)
    sags = [event for event in answer["events"] if event["type"] == "sag"]
    assert len(sags) == 1
    assert (sags[0]["method"], sags[0]["phases"]) == ("waveform", ["a", "b", "c"])
    assert sags[0]["duration_s"] == pytest.approx(0.2, abs=0.02)
    assert sags[0]["residual_pu"] == pytest.approx(0.5 * math.sqrt(1 + 0.04**2 + 0.03**2 + 0.025**2), abs=0.002)
    (distortion,) = [event for event in answer["events"] if event["type"] == "thd"]
    assert distortion["value_pct"] == pytest.approx(5.590, abs=0.002)


@pytest.mark.parametrize(
    ("path", "change", "pointer"),
    [
        (RMS, {"channels": {}}, "/channels"),
        (RMS, {"channels": {"x": [1.0]}}, "/channels"),
        (RMS, {"channels": {"a": [1.0], "ab": [1.0]}}, "/channels"),
        (RMS, {"channels": {"a": [1.0], "b": [1.0, 2.0]}}, "/channels"),
        (RMS, {"channels": {"a": []}}, "/channels/a"),
        (RMS, {"channels": {"a": ["1"]}}, "/channels/a"),
        (RMS, {"channels": {"a": [True]}}, "/channels/a"),
        (RMS, {"channels": {"a": [-1.0]}}, "/channels/a"),
        (RMS, {"channels": {"a": [10**400]}}, "/channels/a"),
        (RMS, {"step_s": 0.5}, "/step_s"),
        (RMS, {"step_s": 0}, "/step_s"),
        (RMS, {"start": "yesterday"}, "/start"),
        (RMS, {"start": None}, "/start"),
        (RMS, {"start": "2036-01-01T00:00:00Z"}, "/start"),
        (RMS, {"start": "2016-01-01T00:00:00Z"}, "/start"),
        (RMS, {"more": 1}, "/more"),
        (WAVEFORM, {"sample_rate_hz": 3199}, "/sample_rate_hz"),
        (WAVEFORM, {"sample_rate_hz": None}, "/sample_rate_hz"),
        (WAVEFORM, {"channels": {"a": [1.0] * 128}}, "/channels"),
        (WAVEFORM, {"channels": {"a": [None] * 300}}, "/channels/a"),
        (EVENTS, {"type": "dip"}, "/type"),
        (EVENTS, {"end": "2026-06-01T00:00:00Z"}, "/end"),
        (EVENTS, {"residual_pu": 1.2}, "/residual_pu"),
        (EVENTS, {"phases": ["a", "a"]}, "/phases/1"),
    ],
)
async def test_every_door_names_what_is_wrong(meter: Meter, path: str, change: dict[str, Any], pointer: str) -> None:
    bodies: dict[str, dict[str, Any]] = {
        RMS: {"start": meter.at(-60), "channels": {"a": [230.0]}},
        WAVEFORM: {"start": meter.at(-60), "sample_rate_hz": 3200, "channels": {"a": [0.0] * 300}},
        EVENTS: {"type": "sag", "start": meter.at(-60)},
    }
    answer = await meter.told(path, {**bodies[path], **change}, 422)
    assert [error["pointer"] for error in answer["errors"]] == [pointer]


async def test_the_document_names_what_each_door_takes_and_no_more(made: dict[str, ASGIApp]) -> None:
    taken = {RMS: intake.SERIES, WAVEFORM: intake.CAPTURE, EVENTS: intake.EVENT, PROTECTION: intake.PROTECTION}
    for route in pq_doors.build(made).routes:
        assert isinstance(route, APIRoute)
        assert route.openapi_extra is not None
        schema = route.openapi_extra["requestBody"]["content"]["application/json"]["schema"]
        assert (set(schema["properties"]), schema["additionalProperties"]) == (set(taken[route.path]), False)


async def test_a_dead_waveform_is_an_interruption_and_nothing_else(meter: Meter) -> None:
    body = {"start": meter.at(-60), "sample_rate_hz": 3200, "channels": {name: [0.0] * 3200 for name in "abc"}}
    answer = await meter.told(WAVEFORM, body, 200)
    assert [event["type"] for event in answer["events"]] == ["interruption"]


async def test_the_doors_ask_for_a_key_a_signature_and_a_scope(depot: Depot, stranger: Depot) -> None:
    meter = await meter_in(depot, name="Signed")
    signed = await meter_in(depot, signed=True)
    body = {"type": "sag", "start": meter.at(-60), "end": meter.at(-59)}
    assert (await signed.post(EVENTS, body, signed=False)).json()["code"] == "signature_missing"
    assert (await meter.post(EVENTS, {**body, "meter_id": signed.id})).status_code == 403
    named = {**body, "meter_id": meter.id}
    assert (await depot.call("POST", EVENTS, json=named, key=None)).status_code == 401
    assert (await depot.call("POST", EVENTS, json=named, key=await depot.key("energy:write"))).status_code == 403
    assert (await stranger.call("POST", EVENTS, json=named)).status_code == 404
    assert (await depot.call("POST", EVENTS, json=body)).json()["errors"][0]["pointer"] == "/meter_id"
    elsewhere = await depot.key("pq:write", sites=["elsewhere"])
    assert (await depot.call("POST", EVENTS, json=named, key=elsewhere)).status_code == 404
    assert (await depot.call("POST", f"{EVENTS}/", json=named)).status_code == 201
    assert (await meter.post(EVENTS, b"{")).status_code == 400


async def test_an_event_of_a_meter_is_one_however_often_it_is_sent(meter: Meter) -> None:
    begun = {"type": "sag", "start": meter.at(-60), "residual_pu": 0.7, "phases": ["b"], "source_event_id": "e-1"}
    first = await meter.told(EVENTS, begun, 201)
    assert (first["method"], first["category"], first["end"]) == ("meter", None, None)
    assert (await meter.told(EVENTS, begun, 200))["id"] == first["id"]
    ended = await meter.told(EVENTS, {**begun, "end": meter.at(-59.7)}, 200)
    assert (ended["id"], ended["category"], ended["duration_s"]) == (first["id"], "instantaneous", 0.3)
    assert (await meter.told(EVENTS, begun, 200))["end"] == ended["end"]
    await meter.told(EVENTS, {**begun, "end": meter.at(-58)}, 409)
    await meter.told(EVENTS, {**begun, "start": meter.at(-61)}, 409)
    assert await meter.events() == [ended]
    assert [body["phase"] for body in await meter.logged("pq.event")] == ["start", "end"]


async def test_of_two_equals_the_first_is_shown(meter: Meter) -> None:
    body = {"type": "swell", "start": meter.at(-60), "end": meter.at(-50), "max_pu": 1.2}
    first = await meter.told(EVENTS, body, 201)
    second = await meter.told(EVENTS, {**body, "start": meter.at(-55), "source_event_id": "other"}, 201)
    assert second["superseded_by"] == first["id"]
    assert [event["id"] for event in await meter.events()] == [first["id"]]
