"""GET /query/telemetry/latest, /query/telemetry/timeseries, /query/substations and /query/frequency/*."""

from __future__ import annotations

import json
import math
from datetime import timedelta
from typing import Any

import pytest

from tests.contracts.hop.utility import REQUIRED, Utility

SERIES = "/query/telemetry/timeseries"
LATEST = "/query/telemetry/latest"


async def fill(hop: Utility, count: int, step: float = 1.0, **changes: Any) -> list[dict[str, Any]]:
    """Write `count` readings, the last of them now, with values that differ; returns them as a query would show them."""
    shown = []
    records = []
    for i in range(count):
        seconds = (i - count + 1) * step
        values = {"voltage_kv": 200 + math.sin(i) * 10, "power_mw": i - 50.0, "frequency_hz": 60 + math.cos(i) / 100}
        records.append({**REQUIRED, **values, **changes, "timestamp": hop.iso(seconds)})
        shown.append({"time": hop.shown(seconds), **values})
    for start in range(0, count, 5000):
        await hop.send("/ingest/telemetry/batch", {"records": records[start : start + 5000]})
    return shown


async def test_the_latest_reading_has_the_published_form(hop: Utility) -> None:
    await hop.telemetry(-1)
    (row,) = await hop.get(LATEST)
    assert row == {
        "substation_id": "SUB001",
        "frequency_hz": 60.002,
        "voltage_kv": 229.8,
        "current_a": 1187.4,
        "power_mw": 274.2,
        "latitude": 45.5231,
        "longitude": -122.6765,
        "time": hop.shown(-1),
    }
    order = ["substation_id", "frequency_hz", "voltage_kv", "current_a", "power_mw", "latitude", "longitude", "time"]
    assert list(row) == order
    assert row["time"].endswith(" 14:31:59+00:00")


async def test_fractions_of_a_second_are_shown_only_where_there_are_some(hop: Utility) -> None:
    await hop.telemetry(-0.25)
    (row,) = await hop.get(LATEST)
    assert row["time"].endswith(" 14:31:59.750000+00:00")


@pytest.mark.parametrize(("age", "present"), [(59.9, True), (60, True), (60.000001, False), (60.1, False)])
async def test_the_latest_are_of_the_last_minute(hop: Utility, age: float, present: bool) -> None:
    await hop.telemetry(-age)
    assert len(await hop.get(LATEST)) == present


@pytest.mark.parametrize(("ahead", "present"), [(5, True), (5.000001, False)])
async def test_a_clock_that_runs_ahead_is_allowed_for(hop: Utility, ahead: float, present: bool) -> None:
    await hop.telemetry(ahead)
    assert len(await hop.get(LATEST)) == present


async def test_a_reading_from_the_future_does_not_hide_the_present_one(hop: Utility) -> None:
    await hop.telemetry(-2, voltage_kv=1.0)
    await hop.telemetry(120, voltage_kv=2.0)
    (row,) = await hop.get(LATEST)
    assert (row["voltage_kv"], row["time"]) == (1.0, hop.shown(-2))
    hop.clock.advance(118)
    (row,) = await hop.get(LATEST)
    assert row["voltage_kv"] == 2.0


async def test_there_is_one_row_a_substation_by_id_and_its_newest_feeder_wins(hop: Utility) -> None:
    for name in ("SUB002", "SUB001", "SUB010"):
        await hop.telemetry(-3, substation_id=name, feeder_id="F1", voltage_kv=1.0)
        await hop.telemetry(-1, substation_id=name, feeder_id="F2", voltage_kv=2.0)
        await hop.telemetry(-2, substation_id=name, feeder_id="F3", voltage_kv=3.0)
    rows = await hop.get(LATEST)
    assert [(row["substation_id"], row["voltage_kv"]) for row in rows] == [("SUB001", 2.0), ("SUB002", 2.0), ("SUB010", 2.0)]


async def test_late_data_does_not_become_the_latest(hop: Utility) -> None:
    await hop.telemetry(-1, voltage_kv=2.0)
    await hop.telemetry(-30, voltage_kv=1.0)
    (row,) = await hop.get(LATEST)
    assert row["voltage_kv"] == 2.0


async def test_a_score_is_no_reading(hop: Utility) -> None:
    await hop.telemetry(-70)
    score = {"substation_id": "SUB001", "model_version": "m", "anomaly_score": 0, "is_anomaly": False, "z_score": 0}
    await hop.send("/ingest/scores", {**score, "baseline_mean": 60, "baseline_std": 1, "latest_value": 60})
    assert await hop.get(LATEST) == []


async def test_a_place_that_was_never_sent_is_null(hop: Utility) -> None:
    await hop.send("/ingest/telemetry", REQUIRED)
    (row,) = await hop.get(LATEST)
    assert (row["latitude"], row["longitude"]) == (None, None)


async def test_by_feeder_gives_a_row_for_each_with_four_keys_more(hop: Utility) -> None:
    await hop.telemetry(-3, feeder_id="FDR002")
    await hop.telemetry(-2, feeder_id="FDR001", status_code="OUTAGE", device_id=None)
    await hop.telemetry(-100, feeder_id="FDR003")
    rows = await hop.get(LATEST, by="feeder")
    assert [(r["feeder_id"], r["device_id"], r["site_name"], r["status_code"]) for r in rows] == [
        ("FDR001", None, "Portland North", "OUTAGE"),
        ("FDR002", "SUB001-FDR002", "Portland North", "NORMAL"),
    ]
    assert list(rows[0])[:8] == list((await hop.get(LATEST))[0])


async def test_max_age_s_widens_and_narrows_the_window(hop: Utility) -> None:
    await hop.telemetry(-100)
    assert len(await hop.get(LATEST, max_age_s=100)) == 1
    assert await hop.get(LATEST, max_age_s=99) == []
    for value in ("0", "3601", "x"):
        answer = await hop.client.get(LATEST, params={"max_age_s": value})
        assert (answer.status_code, answer.json()["detail"][0]["loc"]) == (422, ["query", "max_age_s"])


async def test_a_series_has_the_published_quantities_ascending(hop: Utility) -> None:
    written = await fill(hop, 30)
    rows = await hop.get(SERIES, substation_id="SUB001")
    assert rows == written
    assert list(rows[0]) == ["time", "voltage_kv", "power_mw", "frequency_hz"]


@pytest.mark.parametrize("minutes", [5, 15, 30, 60, 360, 1440, 10080])
async def test_each_published_window_is_accepted_and_its_edge_is_inside(hop: Utility, minutes: int) -> None:
    for seconds in (-minutes * 60 - 0.1, -minutes * 60, -1):
        await hop.telemetry(seconds)
    rows = await hop.get(SERIES, substation_id="SUB001", minutes=minutes)
    assert [row["time"] for row in rows] == [hop.shown(-minutes * 60), hop.shown(-1)]


async def test_the_window_is_30_minutes_unless_told_otherwise(hop: Utility) -> None:
    for seconds in (-1801, -1800):
        await hop.telemetry(seconds)
    assert len(await hop.get(SERIES, substation_id="SUB001")) == 1


@pytest.mark.parametrize("minutes", ["0", "10", "61", "-5", "1e1", "5.5", "x", ""])
async def test_another_window_is_422(hop: Utility, minutes: str) -> None:
    answer = await hop.client.get(SERIES, params={"substation_id": "SUB001", "minutes": minutes})
    (fault,) = answer.json()["detail"]
    assert (answer.status_code, fault["loc"]) == (422, ["query", "minutes"])
    assert fault["input"] == minutes


async def test_a_series_needs_a_substation(hop: Utility) -> None:
    answer = await hop.client.get(SERIES)
    assert answer.status_code == 422
    assert answer.json()["detail"] == [
        {"type": "missing", "loc": ["query", "substation_id"], "msg": "Field required", "input": None}
    ]


async def test_the_series_of_an_unknown_substation_is_empty(hop: Utility) -> None:
    answer = await hop.client.get(SERIES, params={"substation_id": "NOWHERE"})
    assert (answer.status_code, answer.json()) == (200, [])


async def test_the_series_may_be_of_one_feeder(hop: Utility) -> None:
    await hop.telemetry(-2, feeder_id="F1", voltage_kv=1.0)
    await hop.telemetry(-1, feeder_id="F2", voltage_kv=2.0)
    assert [row["voltage_kv"] for row in await hop.get(SERIES, substation_id="SUB001")] == [1.0, 2.0]
    assert [row["voltage_kv"] for row in await hop.get(SERIES, substation_id="SUB001", feeder_id="F2")] == [2.0]
    assert await hop.get(SERIES, substation_id="SUB001", feeder_id="F3") == []


@pytest.mark.parametrize(("count", "buckets"), [(2_000, False), (2_001, True)])
async def test_2000_readings_come_as_they_are_and_more_in_buckets(hop: Utility, count: int, buckets: bool) -> None:
    written = await fill(hop, count)
    answer = await hop.client.get(SERIES, params={"substation_id": "SUB001", "minutes": 60})
    assert answer.headers["x-downsampled"] == str(buckets).lower()
    assert answer.headers.get("x-bucket-seconds") == ("2" if buckets else None)
    if not buckets:
        assert answer.json() == written


@pytest.mark.parametrize("tiers", [False, True])
@pytest.mark.parametrize(("minutes", "seconds"), [(60, 2), (360, 11), (1440, 44), (10080, 303)])
async def test_buckets_keep_means_and_extremes_exactly(hop: Utility, minutes: int, seconds: int, tiers: bool) -> None:
    step = minutes * 60 / 2_100
    written = await fill(hop, 2_100, step)
    if tiers:
        await hop.platform.pipeline.rollup.advance()
    answer = await hop.client.get(SERIES, params={"substation_id": "SUB001", "minutes": minutes})
    rows = answer.json()
    assert answer.headers["x-bucket-seconds"] == str(seconds)
    assert len(rows) <= 2_000
    assert list(rows[0])[:4] == ["time", "voltage_kv", "power_mw", "frequency_hz"]
    expected: dict[float, list[dict[str, Any]]] = {}
    for i, row in enumerate(written):
        moment = hop.clock.now() + timedelta(seconds=(i - 2_099) * step)
        expected.setdefault(moment.timestamp() // seconds * seconds, []).append(row)
    assert len(rows) == len(expected)
    for row, members in zip(rows, expected.values(), strict=True):
        for name in ("voltage_kv", "power_mw", "frequency_hz"):
            values = [member[name] for member in members]
            assert row[name] == pytest.approx(sum(values) / len(values), rel=1e-12)
            assert (row[f"{name}_min"], row[f"{name}_max"]) == (min(values), max(values))


async def test_a_spike_survives_the_buckets(hop: Utility) -> None:
    await fill(hop, 2_500)
    await hop.telemetry(-1000, feeder_id="SPIKE", voltage_kv=999.0)
    rows = await hop.get(SERIES, substation_id="SUB001", minutes=60)
    assert max(row["voltage_kv_max"] for row in rows) == 999.0


async def test_raw_gives_every_reading_and_its_source(hop: Utility) -> None:
    written = await fill(hop, 2_500, feeder_id="F1")
    answer = await hop.client.get(SERIES, params={"substation_id": "SUB001", "minutes": 60, "resolution": "raw"})
    assert answer.headers["x-downsampled"] == "false"
    rows = answer.json()
    assert [{name: row[name] for name in ("time", "voltage_kv", "power_mw", "frequency_hz")} for row in rows] == written
    assert {(row["feeder_id"], row["device_id"], row["current_a"]) for row in rows} == {("F1", None, 1187.4)}


async def test_the_raw_series_of_nothing_is_an_empty_array(hop: Utility) -> None:
    assert await hop.get(SERIES, substation_id="NOWHERE", resolution="raw") == []
    await hop.telemetry(-4000)
    assert await hop.get(SERIES, substation_id="SUB001", resolution="raw") == []


async def test_frequencies_are_of_all_substations_by_time_then_id(hop: Utility) -> None:
    await hop.telemetry(-1, substation_id="B", frequency_hz=60.1)
    await hop.telemetry(-1, substation_id="A", frequency_hz=60.2)
    await hop.telemetry(-2, substation_id="C", frequency_hz=60.3)
    rows = await hop.get("/query/frequency/thresholds")
    assert rows == [
        {"time": hop.shown(-2), "substation_id": "C", "frequency_hz": 60.3},
        {"time": hop.shown(-1), "substation_id": "A", "frequency_hz": 60.2},
        {"time": hop.shown(-1), "substation_id": "B", "frequency_hz": 60.1},
    ]
    assert list(rows[0]) == ["time", "substation_id", "frequency_hz"]


async def test_no_frequency_is_left_out_however_many_there_are(hop: Utility) -> None:
    await fill(hop, 30_000, 0.01)
    assert len(await hop.get("/query/frequency/thresholds", minutes=10)) == 30_000


@pytest.mark.parametrize("path", ["/query/frequency/thresholds", "/query/ml/trend", "/query/events"])
@pytest.mark.parametrize(
    ("minutes", "status"), [("1", 200), ("7", 200), ("10080", 200), ("0", 422), ("10081", 422), ("x", 422)]
)
async def test_other_lookbacks_are_1_to_10080_minutes(hop: Utility, path: str, minutes: str, status: int) -> None:
    answer = await hop.client.get(path, params={"minutes": minutes})
    assert answer.status_code == status
    if status == 422:
        assert answer.json()["detail"][0]["loc"] == ["query", "minutes"]


async def test_the_frequency_window_is_30_minutes_and_its_edge_is_inside(hop: Utility) -> None:
    for seconds in (-1800.1, -1800, -60.1, -60):
        await hop.telemetry(seconds)
    assert len(await hop.get("/query/frequency/thresholds")) == 3
    assert len(await hop.get("/query/frequency/thresholds", minutes=1)) == 1


async def test_the_limits_are_told_beside_the_frequencies(hop: Utility) -> None:
    bands = await hop.get("/query/frequency/limits")
    assert bands == {
        "nominal_hz": 60.0,
        "normal_hz": [59.95, 60.05],
        "alert_hz": [59.9, 60.1],
        "emergency_hz": [59.5, 60.5],
        "warning_seconds": 10,
    }
    answer = await hop.client.get("/query/frequency/thresholds")
    assert json.loads(answer.headers["x-frequency-limits"]) == bands


async def test_substations_are_those_of_the_last_hour_by_id(hop: Utility) -> None:
    await hop.telemetry(-3600, substation_id="SUB002", latitude=45.5152, longitude=-122.6784)
    await hop.telemetry(-1, substation_id="SUB001")
    await hop.telemetry(-3600.1, substation_id="SUB003")
    await hop.telemetry(-1, substation_id="SUB004", latitude=None, longitude=None)
    rows = await hop.get("/query/substations")
    assert rows == [
        {"substation_id": "SUB001", "latitude": 45.5231, "longitude": -122.6765},
        {"substation_id": "SUB002", "latitude": 45.5152, "longitude": -122.6784},
        {"substation_id": "SUB004", "latitude": None, "longitude": None},
    ]
    assert list(rows[0]) == ["substation_id", "latitude", "longitude"]


@pytest.mark.parametrize(
    "path", [LATEST, "/query/substations", "/query/frequency/thresholds", "/query/ml/latest", "/query/events"]
)
async def test_nothing_known_is_an_empty_array(hop: Utility, path: str) -> None:
    assert await hop.get(path) == []
