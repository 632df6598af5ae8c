"""GET /telemetry: the published answer, the choice of the tier, what belongs to a range."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.contracts.mcs.halls import Hall
from wattline.model.clock import DAY, HOUR, MINUTE, SECOND

KEYS = ["sensor_id", "sensor_tag", "unit", "tier", "start", "end", "point_count", "data"]
POINT = ["bucket", "val_avg", "val_min", "val_max", "val_last", "sample_count", "quality_ratio"]
TAG = "CDU-01-T-SUP"


async def fill(hall: Hall, seconds: int, every: int = 5, tag: str = TAG) -> None:
    """Readings of the last so many seconds, one every `every` seconds, the newest at that long ago."""
    rows = [hall.row(hall.points[tag], 32.0 + (n % 4) / 4, -seconds + n * every) for n in range(seconds // every)]
    await hall.platform.ingest.submit(rows)
    await hall.platform.pipeline.rollup.advance()


def range_of(hall: Hall, start: float, end: float | None = 0) -> dict[str, Any]:
    """The parameters of a range relative to now."""
    found = {"sensor_id": hall.points[TAG].id, "start": hall.iso(start)}
    return found if end is None else {**found, "end": hall.iso(end)}


async def test_the_published_example(hall: Hall) -> None:
    hall.clock.advance(-hall.clock.micros() / SECOND % 60)
    await fill(hall, 6 * 3600)
    found = await hall.get("/telemetry", **range_of(hall, -6 * 3600))
    assert list(found) == KEYS
    assert (found["sensor_tag"], found["unit"], found["tier"], found["point_count"]) == (TAG, "°C", "agg_1min", 360)
    assert (found["start"], found["end"]) == (hall.iso(-6 * 3600), hall.iso())
    assert len(found["data"]) == 360
    assert list(found["data"][0]) == POINT
    assert found["data"][0] == {
        "bucket": hall.iso(-6 * 3600),
        "val_avg": 32.375,
        "val_min": 32.0,
        "val_max": 32.75,
        "val_last": 32.75,
        "sample_count": 12,
        "quality_ratio": 1.0,
    }
    assert [point["bucket"] for point in found["data"]] == [hall.iso(-6 * 3600 + 60 * n) for n in range(360)]


SPANS = [
    (1, "telemetry"),
    (7199, "telemetry"),
    (7200, "agg_1min"),
    (43_199, "agg_1min"),
    (43_200, "agg_5min"),
    (259_199, "agg_5min"),
    (259_200, "agg_1hour"),
    (7_775_999, "agg_1hour"),
    (7_776_000, "agg_1day"),
    (31_622_400, "agg_1day"),
]


@pytest.mark.parametrize(("seconds", "tier"), SPANS)
async def test_the_tier_follows_the_length_of_the_range_to_the_second(hall: Hall, seconds: int, tier: str) -> None:
    assert (await hall.get("/telemetry", **range_of(hall, -seconds)))["tier"] == tier


@pytest.mark.parametrize(
    ("agg", "tier"),
    [("raw", "telemetry"), ("1min", "agg_1min"), ("5min", "agg_5min"), ("1hour", "agg_1hour"), ("1day", "agg_1day")],
)
async def test_a_tier_may_be_forced_and_is_called_by_its_own_name(hall: Hall, agg: str, tier: str) -> None:
    for seconds in (60, 86_400, 31_622_400):
        assert (await hall.get("/telemetry", **range_of(hall, -seconds), agg=agg))["tier"] == tier


async def test_a_bucket_belongs_to_a_range_where_it_begins_in_it_and_is_whole(hall: Hall) -> None:
    hall.clock.advance(3600 - hall.clock.micros() / SECOND % 3600)
    await fill(hall, 7200)
    start, end = hall.iso(-3600 + 90), hall.iso(-60 + 1)
    found = await hall.get("/telemetry", sensor_id=hall.points[TAG].id, start=start, end=end, agg="1min")
    assert found["data"][0]["bucket"] == hall.iso(-3600 + 120)
    assert found["data"][-1]["bucket"] == hall.iso(-60)
    assert {point["sample_count"] for point in found["data"]} == {12}


async def test_the_open_bucket_is_there_at_every_tier(hall: Hall) -> None:
    hall.clock.advance(86_400 - hall.clock.micros() / SECOND % 86_400 + 2 * 3600 + 7 * 60 + 33)
    await fill(hall, 3 * 3600)
    await hall.read(TAG, 99.0, -1)
    for agg, width in (("1min", MINUTE), ("5min", 5 * MINUTE), ("1hour", HOUR), ("1day", DAY)):
        found = await hall.get("/telemetry", **range_of(hall, -3 * 86_400, None), agg=agg)
        newest = found["data"][-1]
        into = hall.clock.micros() % width / SECOND
        assert newest["bucket"] == hall.iso(-into)
        assert (newest["val_last"], newest["val_max"]) == (99.0, 99.0)
        assert newest["sample_count"] == into // 5 + 1


async def test_a_raw_range_is_half_open_and_to_the_microsecond(hall: Hall) -> None:
    for seconds in (-10, -5.000001, -5, 0):
        await hall.read(TAG, seconds, seconds)
    found = await hall.get("/telemetry", **range_of(hall, -10, -5))
    assert [point["val_last"] for point in found["data"]] == [-10, -5.000001]
    assert [point["bucket"] for point in found["data"]] == [hall.iso(-10), hall.iso(-5.000001)]
    assert found["point_count"] == 2


async def test_a_raw_point_is_a_reading_as_it_was_sent(hall: Hall) -> None:
    for number, quality in enumerate((0, 1, 2)):
        await hall.read(TAG, 30.5 + number, -3 + number, quality)
    found = await hall.get("/telemetry", **range_of(hall, -10))
    assert found["data"][0] == {
        "bucket": hall.iso(-3),
        **dict.fromkeys(("val_avg", "val_min", "val_max", "val_last"), 30.5),
        "sample_count": 1,
        "quality_ratio": 1.0,
    }
    assert [(point["val_last"], point["quality_ratio"]) for point in found["data"]] == [(30.5, 1), (31.5, 0), (32.5, 0)]


async def test_bad_values_count_in_the_ratio_and_nowhere_else(hall: Hall) -> None:
    hall.clock.advance(60 - hall.clock.micros() / SECOND % 60)
    for at, value, quality in ((-120, 0.0, 2), (-60, 40.0, 0), (-50, 42.0, 1), (-40, 0.0, 2), (-30, 44.0, 0)):
        await hall.read(TAG, value, at, quality)
    await hall.platform.pipeline.rollup.advance()
    lost, mixed = (await hall.get("/telemetry", **range_of(hall, -120), agg="1min"))["data"]
    assert mixed["bucket"] == hall.iso(-60)
    assert [mixed[key] for key in POINT[1:]] == [42.0, 40.0, 44.0, 44.0, 4, 0.5]
    assert lost["bucket"] == hall.iso(-120)
    assert [lost[key] for key in POINT[1:]] == [None, None, None, None, 1, 0.0]


async def test_means_are_of_all_readings_at_every_tier_not_of_means(hall: Hall) -> None:
    hall.clock.advance(86_400 - hall.clock.micros() / SECOND % 86_400)
    await hall.read(TAG, 0.0, -7200)
    for n in range(9):
        await hall.read(TAG, 10.0, -3600 + n)
    await hall.platform.pipeline.rollup.advance()
    (day,) = (await hall.get("/telemetry", **range_of(hall, -86_400), agg="1day"))["data"]
    assert (day["val_avg"], day["sample_count"]) == (9.0, 10)


async def test_a_constant_series_has_exactly_that_mean(hall: Hall) -> None:
    hall.clock.advance(3600 - hall.clock.micros() / SECOND % 3600)
    await hall.platform.ingest.submit([hall.row(hall.points[TAG], 0.1, -3600 + 5 * n) for n in range(720)])
    (hour,) = (await hall.get("/telemetry", **range_of(hall, -3600), agg="1hour"))["data"]
    assert (hour["val_avg"], hour["sample_count"]) == (0.1, 720)


async def test_a_range_that_is_older_than_a_tier_holds_falls_to_the_finest_that_does(hall: Hall) -> None:
    day = 86_400
    for age, span, tier in (
        (89, 3600, "telemetry"),
        (100, 3600, "agg_1min"),
        (700, day, "agg_5min"),
        (731, 3600, "agg_1hour"),
        (2600, 3600, "agg_1day"),
    ):
        found = await hall.get("/telemetry", **range_of(hall, -age * day, -age * day + span))
        assert (found["tier"], age) == (tier, age)
    forced = await hall.get("/telemetry", **range_of(hall, -100 * day, -100 * day + 60), agg="raw")
    assert (forced["tier"], forced["data"]) == ("telemetry", [])


async def test_the_end_is_now_unless_given(hall: Hall) -> None:
    found = await hall.get("/telemetry", **range_of(hall, -3600, None))
    assert found["end"] == hall.iso()


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("2026-02-21T06:00:00Z", 0),
        ("2026-02-21T06:00:00", 0),
        ("2026-02-21 06:00", 0),
        ("2026-02-21T07:00:00+01:00", 0),
        ("2026-02-21T07:00:00 01:00", 0),
        ("2026-02-21T06:00:00.123456Z", 0.123456),
        ("1771653600", 0),
        ("1771653600000", 0),
        ("2026-02-21", -6 * 3600),
    ],
)
async def test_a_time_may_be_written_in_many_ways(hall: Hall, text: str, seconds: float) -> None:
    sensor = hall.points[TAG].id
    url = f"/telemetry?sensor_id={sensor}&start={text}&end=2026-02-21T08:00:00Z"
    answer = await hall.http.get(url)
    assert answer.status_code == 200, answer.text
    expected = hall.clock.now().replace(year=2026, month=2, day=21, hour=6, minute=0, second=0, microsecond=0)
    shown = (expected + timedelta(seconds=seconds)).isoformat().replace("+00:00", "Z")
    assert answer.json()["start"] == shown


async def test_a_sensor_may_be_named_by_its_tag(hall: Hall) -> None:
    await hall.read(TAG, 5.0, -1)
    by_id = await hall.get("/telemetry", **range_of(hall, -60))
    for more in ({}, {"block_slug": "block-01"}, {"block_id": "block-01"}, {"block_slug": "baldwinsville/block-01"}):
        found = await hall.get("/telemetry", sensor_tag=TAG, start=hall.iso(-60), end=hall.iso(), **more)
        assert found == by_id
    for query in ({"sensor_tag": "nothing"}, {"sensor_tag": TAG, "block_slug": "block-99"}):
        assert (await hall.http.get("/telemetry", params={**query, "start": hall.iso(-60)})).status_code == 404


async def test_a_tag_of_two_blocks_asks_for_the_block(hall: Hall) -> None:
    await hall.build(block="block-02")
    answer = await hall.http.get("/telemetry", params={"sensor_tag": TAG, "start": hall.iso(-60)})
    assert answer.status_code == 409
    assert "block-01" in answer.json()["detail"]
    assert "block-02" in answer.json()["detail"]


async def test_a_long_history_is_streamed_whole(hall: Hall) -> None:
    count = 50_000
    rows = [hall.row(hall.points[TAG], float(n), -count / 100 + n / 100) for n in range(count)]
    await hall.platform.ingest.submit(rows)
    answer = await hall.http.get("/telemetry", params=range_of(hall, -3600))
    found = answer.json()
    assert "content-length" not in answer.headers
    assert found["point_count"] == len(found["data"]) == count
    assert [point["val_avg"] for point in found["data"]] == [float(n) for n in range(count)]
    assert {*found} == {*KEYS}


async def test_a_long_history_of_buckets_is_streamed_whole(hall: Hall) -> None:
    await fill(hall, 7200, every=60)
    found = await hall.get("/telemetry", **range_of(hall, -30 * 86_400), agg="1min")
    short = await hall.get("/telemetry", **range_of(hall, -3 * 3600), agg="1min")
    assert (found["data"], found["point_count"]) == (short["data"], short["point_count"])
    assert found["point_count"] in (120, 121)
    empty = await hall.get("/telemetry", **range_of(hall, -300 * 86_400, -200 * 86_400), agg="1min")
    assert (empty["data"], empty["point_count"]) == ([], 0)
