"""Random histories: late, duplicate, replaced and BAD readings; every tier that is answered equals a computation by hand."""

from __future__ import annotations

import math
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.contracts.mcs.halls import Building, Hall
from wattline.contracts.mcs.tiers import TIERS
from wattline.contracts.mcs.times import spell
from wattline.model.clock import DAY, HOUR, MINUTE, SECOND
from wattline.model.record import Row

TAGS = ("CDU-01-T-SUP", "P-MSB-TOTAL")
Truth = dict[tuple[str, int], tuple[float, int]]

# Few distinct instants, so that duplicates and replacements are common; some on the edges of buckets.
offsets = st.one_of(
    st.integers(0, 40).map(lambda n: n * 7 * SECOND),
    st.integers(0, 6).map(lambda n: n * 5 * MINUTE),
    st.integers(1, 3).map(lambda n: n * HOUR - 1),
    st.integers(0, 1).map(lambda n: n * DAY + 11 * HOUR),
)
values = st.one_of(st.integers(-3, 3).map(float), st.floats(-1e6, 1e6, allow_subnormal=False))
readings = st.lists(st.tuples(st.sampled_from(TAGS), offsets, values, st.sampled_from([0, 0, 0, 1, 2])), min_size=1, max_size=8)
steps = st.one_of(readings, st.sampled_from(["flush", "advance", "settle", "wait", "ask"]))


def by_hand(truth: Truth, tag: str, start: int, end: int, width: int) -> list[dict[str, Any]]:
    """The points of a tier, computed the slow way."""
    mine = sorted((time, value, quality) for (owner, time), (value, quality) in truth.items() if owner == tag)
    if not width:
        return [
            {
                "bucket": spell(time),
                **dict.fromkeys(("val_avg", "val_min", "val_max", "val_last"), value),
                "sample_count": 1,
                "quality_ratio": float(quality == 0),
            }
            for time, value, quality in mine
            if start <= time < end
        ]
    buckets: dict[int, list[tuple[int, float, int]]] = {}
    for reading in mine:
        if start <= reading[0] // width * width < end:
            buckets.setdefault(reading[0] // width * width, []).append(reading)
    points = []
    for bucket, members in sorted(buckets.items()):
        used = [value for _, value, quality in members if quality < 2]
        shape = [math.fsum(used) / len(used), min(used), max(used), used[-1]] if used else [None] * 4
        points.append(
            {
                "bucket": spell(bucket),
                **dict(zip(("val_avg", "val_min", "val_max", "val_last"), shape, strict=True)),
                "sample_count": len(members),
                "quality_ratio": sum(quality == 0 for _, _, quality in members) / len(members),
            }
        )
    return points


def same(found: list[dict[str, Any]], expected: list[dict[str, Any]]) -> bool:
    """Equal, but for the rounding of a mean."""
    exact = [{**point, "val_avg": None} for point in found] == [{**point, "val_avg": None} for point in expected]
    means = zip((point["val_avg"] for point in found), (point["val_avg"] for point in expected), strict=True)
    return exact and all(a == b or math.isclose(a, b, rel_tol=1e-9, abs_tol=1e-3) for a, b in means)


async def check(hall: Hall, truth: Truth, start: int, end: int) -> None:
    """Every tier, alone and side by side."""
    ids = ",".join(str(hall.points[tag].id) for tag in TAGS)
    for tier in TIERS:
        window = {"start": spell(start), "end": spell(end), "agg": tier.agg}
        multi = await hall.get("/telemetry/multi", sensor_ids=ids, **window)
        for tag in TAGS:
            sensor = hall.points[tag].id
            expected = by_hand(truth, tag, start, end, tier.width)
            alone = await hall.get("/telemetry", sensor_id=sensor, **window)
            assert same(alone["data"], expected), (tier.name, alone["data"], expected)
            assert alone["point_count"] == len(expected)
            assert multi["sensors"][str(sensor)] == alone["data"]


async def play(history: list[Any], hall: Hall) -> None:
    """The history, with questions in between and at its end."""
    begin = hall.clock.micros() // DAY * DAY - DAY
    truth: Truth = {}
    for step in history:
        match step:
            case list():
                rows = []
                for tag, offset, value, quality in step:
                    rows.append(Row(hall.points[tag].stream.id, begin + offset, hall.clock.micros(), (value,), quality))
                    truth[tag, begin + offset] = (value, quality)
                await hall.platform.ingest.submit(rows)
            case "flush":
                await hall.platform.pipeline.writer.flush()
            case "advance":
                await hall.platform.pipeline.rollup.advance()
            case "settle":
                await hall.platform.pipeline.rollup.settle()
            case "wait":
                hall.clock.advance(4000)
            case "ask":
                await check(hall, truth, begin, begin + 3 * DAY)
    await check(hall, truth, begin, begin + 3 * DAY)
    await check(hall, truth, begin + 90 * SECOND, begin + 2 * HOUR + 1)


@settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
@given(history=st.lists(steps, min_size=2, max_size=12))
async def test_every_tier_equals_a_computation_by_hand_after_any_history(served: Building, history: list[Any]) -> None:
    served.clock.advance(4 * 86_400)
    async with Hall(served).open() as hall:
        await play(history, hall)
