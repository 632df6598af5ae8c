"""POST /ingest/telemetry and its alias."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.contracts.hop.utility import REQUIRED, TELEMETRY, Utility
from wattline.model.clock import DAY, SECOND
from wattline.model.record import Quality, Row

BOTH = ("/ingest/telemetry", "/scada/write")
WRITTEN = {"status": "telemetry written", "substation_id": "SUB001"}


def newest(hop: Utility) -> Row:
    """The newest row of the utility's only stream."""
    (stream,) = hop.platform.registry.streams(hop.tenant, "hop.telemetry")
    assert stream.latest is not None
    return stream.latest


def faults(answer: Any) -> dict[str, str]:
    """What a 422 says of each field."""
    assert answer.status_code == 422, answer.text
    return {each["loc"][-1]: each["type"] for each in answer.json()["detail"]}


@pytest.mark.parametrize("path", BOTH)
async def test_the_published_example_is_answered_as_published(hop: Utility, path: str) -> None:
    answer = await hop.post(path, {**TELEMETRY, "timestamp": hop.iso()})
    assert answer.status_code == 200
    assert answer.json() == WRITTEN
    assert list(answer.json()) == ["status", "substation_id"]
    assert answer.headers["content-type"] == "application/json"
    assert newest(hop).values == (229.8, 1187.4, 274.2, 60.002)
    assert newest(hop).status == "NORMAL"


@pytest.mark.parametrize(
    "content",
    [json.dumps(REQUIRED), "{", "", "[]", json.dumps({**REQUIRED, "frequency_hz": 200}), json.dumps({"voltage_kv": True})],
)
async def test_the_alias_answers_byte_for_byte_the_same(hop: Utility, content: str) -> None:
    first, second = [await hop.client.post(path, content=content) for path in BOTH]
    assert (first.status_code, first.content, first.headers) == (second.status_code, second.content, second.headers)


@pytest.mark.parametrize("gone", REQUIRED)
async def test_each_required_field_is_required(hop: Utility, gone: str) -> None:
    body = {name: value for name, value in REQUIRED.items() if name != gone}
    answer = await hop.post("/ingest/telemetry", body)
    assert answer.status_code == 422
    assert answer.json() == {"detail": [{"type": "missing", "loc": ["body", gone], "msg": "Field required", "input": body}]}


async def test_the_required_fields_are_enough(hop: Utility) -> None:
    await hop.send("/ingest/telemetry", REQUIRED)
    assert newest(hop).status is None


async def test_every_fault_is_named_at_once(hop: Utility) -> None:
    body = {"substation_id": "", "voltage_kv": "high", "current_a": None, "frequency_hz": 101, "latitude": 91, "timestamp": 5}
    assert faults(await hop.post("/ingest/telemetry", body)) == {
        "substation_id": "string_too_short",
        "voltage_kv": "float_type",
        "current_a": "float_type",
        "power_mw": "missing",
        "frequency_hz": "less_than_equal",
        "latitude": "less_than_equal",
        "timestamp": "string_type",
    }


@pytest.mark.parametrize(
    "content", ["{", '{"a": 1,}', "not json", '{"voltage_kv": NaN}', '{"voltage_kv": Infinity}', "[" * 60_000]
)
async def test_bad_json_is_422(hop: Utility, content: str) -> None:
    answer = await hop.client.post("/ingest/telemetry", content=content, headers={"Content-Type": "application/json"})
    (fault,) = answer.json()["detail"]
    assert (answer.status_code, fault["type"], fault["msg"]) == (422, "json_invalid", "JSON decode error")
    assert fault["loc"][0] == "body"


@pytest.mark.parametrize("content", ["", "null", "[]", "7", '"text"'])
async def test_json_that_is_no_object_is_422(hop: Utility, content: str) -> None:
    answer = await hop.client.post("/ingest/telemetry", content=content, headers={"Content-Type": "application/json"})
    assert answer.status_code == 422
    assert answer.json()["detail"][0]["loc"] == ["body"]


async def test_numbers_may_be_decimal_strings(hop: Utility) -> None:
    await hop.send("/ingest/telemetry", {**REQUIRED, "voltage_kv": "229.8", "power_mw": "-2.742e2"})
    assert newest(hop).values == (229.8, 1187.4, -274.2, 60.002)


@pytest.mark.parametrize("value", ["nan", "NaN", "inf", "-Infinity", "1e999", "", "1,5", "0x1F", True, False, None, [], {}])
async def test_what_is_no_finite_number_is_422(hop: Utility, value: Any) -> None:
    for name in ("voltage_kv", "current_a", "power_mw", "frequency_hz"):
        assert name in faults(await hop.post("/ingest/telemetry", {**REQUIRED, name: value}))


async def test_power_may_flow_backwards(hop: Utility) -> None:
    await hop.send("/ingest/telemetry", {**REQUIRED, "power_mw": -12.5, "current_a": -3})
    assert newest(hop).values[1:3] == (-3, -12.5)


@pytest.mark.parametrize(("value", "accepted"), [(0, True), (100, True), (-0.001, False), (100.001, False)])
async def test_an_impossible_frequency_is_422(hop: Utility, value: float, accepted: bool) -> None:
    answer = await hop.post("/ingest/telemetry", {**REQUIRED, "frequency_hz": value})
    assert answer.status_code == (200 if accepted else 422)


@pytest.mark.parametrize(
    ("value", "quality"), [(44.999, Quality.UNCERTAIN), (45, Quality.GOOD), (65, Quality.GOOD), (65.001, Quality.UNCERTAIN)]
)
async def test_an_unlikely_frequency_is_kept_and_flagged(hop: Utility, value: float, quality: Quality) -> None:
    for changes in ({}, {"status_code": "SECOND"}):
        await hop.send("/ingest/telemetry", {**REQUIRED, "frequency_hz": value, **changes})
        row = newest(hop)
        assert row.values[3] == value
        assert (row.quality if isinstance(row.quality, int) else row.quality[3]) == quality
        assert row.quality in (0, (0, 0, 0, 1))


@pytest.mark.parametrize("name", ["substation_id", "feeder_id", "device_id"])
@pytest.mark.parametrize(
    ("value", "accepted"),
    [
        ("x" * 128, True),
        ("é" * 128, True),
        ("a b/c%2F", True),
        ("x" * 129, False),
        ("", False),
        ("a\n", False),
        ("\x85", False),
    ],
)
async def test_identifiers_have_1_to_128_characters_and_no_control_character(
    hop: Utility, name: str, value: str, accepted: bool
) -> None:
    answer = await hop.post("/ingest/telemetry", {**REQUIRED, name: value})
    assert answer.status_code == (200 if accepted else 422)
    if not accepted:
        assert name in faults(answer)


@pytest.mark.parametrize(("name", "most"), [("latitude", 90), ("longitude", 180)])
async def test_a_place_lies_on_the_earth(hop: Utility, name: str, most: float) -> None:
    for value in (most, -most, str(most)):
        await hop.send("/ingest/telemetry", {**REQUIRED, "latitude": 0, "longitude": 0, name: value})
    for value in (most + 0.0001, -most - 0.0001, "nan", True):
        assert name in faults(await hop.post("/ingest/telemetry", {**REQUIRED, name: value}))


async def test_without_a_timestamp_the_time_is_that_of_receipt(hop: Utility) -> None:
    await hop.send("/ingest/telemetry", REQUIRED)
    row = newest(hop)
    assert row.time == row.received == hop.clock.micros()
    assert row.quality == Quality.GOOD


async def test_a_timestamp_without_an_offset_is_utc_and_uncertain(hop: Utility) -> None:
    for ago in (2, 1):
        await hop.send("/ingest/telemetry", {**REQUIRED, "timestamp": hop.iso(-ago).rstrip("Z")})
        assert (newest(hop).time, newest(hop).quality) == (hop.clock.micros() - ago * SECOND, Quality.UNCERTAIN)


@pytest.mark.parametrize("value", [1781188320, 1781188320.5, "1781188320", "yesterday", "2026-06-11", "", True, {}])
async def test_a_timestamp_that_is_no_iso_8601_text_is_422(hop: Utility, value: Any) -> None:
    assert "timestamp" in faults(await hop.post("/ingest/telemetry", {**REQUIRED, "timestamp": value}))


@pytest.mark.parametrize(("seconds", "accepted"), [(300, True), (300.000001, False)])
async def test_a_time_over_5_minutes_ahead_is_422(hop: Utility, seconds: float, accepted: bool) -> None:
    answer = await hop.post("/ingest/telemetry", {**REQUIRED, "timestamp": hop.iso(seconds)})
    assert answer.status_code == (200 if accepted else 422)


@pytest.mark.parametrize(("days", "accepted"), [(90, True), (90.0001, False)])
async def test_a_time_before_what_is_kept_is_422(hop: Utility, days: float, accepted: bool) -> None:
    answer = await hop.post("/ingest/telemetry", {**REQUIRED, "timestamp": hop.iso(-days * DAY / SECOND)})
    assert answer.status_code == (200 if accepted else 422)


async def test_fields_that_are_not_named_are_ignored_and_counted(hop: Utility) -> None:
    before = hop.platform.metrics.unknown_fields.values.get(("hop",), 0)
    await hop.send("/ingest/telemetry", {**REQUIRED, "gateway": "x", "raw": {"deep": [1]}})
    await hop.send("/ingest/telemetry", {**REQUIRED, "gateway": "x"})
    assert hop.platform.metrics.unknown_fields.values[("hop",)] - before == 3


async def test_what_is_refused_leaves_no_trace(hop: Utility) -> None:
    await hop.post("/ingest/telemetry", {**TELEMETRY, "frequency_hz": "x"})
    assert hop.platform.registry.sites(hop.tenant) == []
    assert hop.platform.registry.streams(hop.tenant, "hop.telemetry") == []


async def test_a_retry_with_its_timestamp_is_one_reading(hop: Utility) -> None:
    for _ in range(3):
        await hop.telemetry(-10)
    assert len(await hop.get("/query/telemetry/timeseries", substation_id="SUB001")) == 1


async def test_the_same_identity_again_replaces_the_reading(hop: Utility) -> None:
    await hop.telemetry(-10, voltage_kv=1.0)
    await hop.telemetry(-10, voltage_kv=2.0)
    (row,) = await hop.get("/query/telemetry/timeseries", substation_id="SUB001")
    assert row["voltage_kv"] == 2.0


async def test_feeder_and_device_are_part_of_the_identity_and_the_site_name_is_not(hop: Utility) -> None:
    await hop.telemetry()
    await hop.telemetry(site_name="Portland North East")
    assert len(hop.platform.registry.streams(hop.tenant, "hop.telemetry")) == 1
    await hop.telemetry(feeder_id="FDR003")
    await hop.telemetry(device_id=None)
    await hop.telemetry(feeder_id=None)
    await hop.telemetry(feeder_id=None, device_id=None)
    assert len(hop.platform.registry.streams(hop.tenant, "hop.telemetry")) == 5


async def test_identifiers_that_look_alike_joined_stay_apart(hop: Utility) -> None:
    pairs = [("a/b", "c"), ("a", "b/c"), ("a%2Fb", "c"), ("a", "b%2Fc")]
    for feeder, device in pairs:
        await hop.telemetry(feeder_id=feeder, device_id=device)
    streams = hop.platform.registry.streams(hop.tenant, "hop.telemetry")
    assert {(s.device.attributes["feeder_id"], s.device.attributes["device_id"]) for s in streams} == set(pairs)


async def test_the_newest_name_and_place_of_a_site_count(hop: Utility) -> None:
    await hop.telemetry(-5)
    await hop.telemetry(-4, site_name=None, latitude=None, longitude=None)
    await hop.telemetry(-3, site_name="New name", latitude=1.5, longitude=2.5)
    await hop.telemetry(-60, site_name="Old name", latitude=9.0, longitude=9.0)
    await hop.telemetry(-2, latitude=3.5, longitude=None)
    (site,) = hop.platform.registry.sites(hop.tenant)
    assert (site.name, site.latitude, site.longitude) == ("Portland North", 1.5, 2.5)


async def test_feeders_that_describe_their_site_differently_do_not_fight(hop: Utility) -> None:
    for _ in range(3):
        await hop.telemetry(feeder_id="FDR001", site_name="By one")
        await hop.telemetry(feeder_id="FDR002", site_name="By two")
    (site,) = hop.platform.registry.sites(hop.tenant)
    assert site.name == "By two"
    await hop.telemetry(1, feeder_id="FDR001", site_name="Renamed by one")
    assert site.name == "Renamed by one"
