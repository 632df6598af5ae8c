"""Random histories against brute force: late, duplicate, replaced and BAD readings, restarts and crashes at any point."""

from __future__ import annotations

import math
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.stores import Spine, fresh_telemetry_url
from wattline.model.clock import DAY, HOUR, MINUTE, SECOND, ManualClock, to_micros
from wattline.model.place import Layout, Quantity
from wattline.model.record import Row

NOW = datetime(2026, 6, 11, 14, 32, tzinfo=UTC)
LAYOUT = Layout("pair", (Quantity("a", "kW"), Quantity("b", "kW")))
WIDTHS = (MINUTE, 5 * MINUTE, HOUR, DAY, 2 * MINUTE, 17 * SECOND * 60)

# Few distinct instants, so that duplicates and replacements are common; some on the edges of buckets.
offsets = st.one_of(
    st.integers(0, 40).map(lambda n: n * 7 * SECOND),
    st.integers(0, 6).map(lambda n: n * 5 * MINUTE),
    st.integers(1, 3).map(lambda n: n * HOUR - 1),
    st.integers(0, 2).map(lambda n: n * DAY),
)
numbers = st.one_of(st.none(), st.integers(-3, 3).map(float), st.floats(-1e6, 1e6, allow_subnormal=False))
rows = st.tuples(st.integers(0, 1), offsets, st.tuples(numbers, numbers), st.sampled_from([0, 0, 0, 1, 2, (0, 2), (1, 0)]))
steps = st.one_of(
    st.lists(rows, min_size=1, max_size=6).map(lambda r: ("submit", r)),
    st.sampled_from(
        [("flush",), ("advance",), ("settle",), ("restart",), ("crash",), ("later", 61), ("later", 4000), ("query",)]
    ),
)

Truth = dict[tuple[int, int], tuple[float, int]]


def brute_force(truth: Truth, sensor: int, start: int, end: int, width: int) -> dict[int, tuple[float, ...]]:
    """The buckets of one sensor, computed the slow way."""
    buckets: dict[int, list[tuple[int, float, int]]] = {}
    for (owner, time), (value, quality) in truth.items():
        if owner == sensor and start <= time < end:
            buckets.setdefault(time // width * width, []).append((time, value, quality))
    found = {}
    for bucket, members in buckets.items():
        used = sorted((time, value) for time, value, quality in members if quality < 2)
        values = [value for _, value in used]
        shape = (
            (math.fsum(values), math.fsum(v * v for v in values), min(values), max(values), values[0], values[-1])
            if used
            else ()
        )
        good = sum(quality == 0 for _, _, quality in members)
        found[bucket] = (*shape, len(used), good, len(members) - len(used))
    return found


async def check(spine: Spine, truth: Truth, start: int) -> None:
    """Every tier, and the raw rows, equal the truth."""
    streams = [spine.registry.find("t", "s", f"d{i}", "pair") for i in range(2)]
    known = [stream for stream in streams if stream is not None]
    sensors = [sensor for stream in known for sensor in stream.sensor_ids]
    end = start + 3 * DAY
    for stream in known:
        for name, sensor in zip("ab", stream.sensor_ids, strict=True):
            raw = await spine.pipeline.series.rows([stream], start, end, [name])
            mine = {time: value for (owner, time), (value, _) in truth.items() if owner == sensor}
            assert dict(zip(raw.time.tolist(), raw.columns[name].tolist(), strict=True)) == mine
    for width in WIDTHS:
        got = await spine.pipeline.series.buckets(known, sensors, start, end, width)
        for sensor in sensors:
            expected = brute_force(truth, sensor, start, end, width)
            mine = np.flatnonzero(got.group == sensor)
            assert got.time[mine].tolist() == sorted(expected)
            for i in mine:
                want = expected[int(got.time[i])]
                assert (int(got.count[i]), int(got.good[i]), int(got.bad[i])) == want[-3:]
                if want[-3]:
                    exact = (got.low[i], got.high[i], got.first[i], got.last[i])
                    assert exact == want[2:6]
                    assert math.isclose(got.total[i], want[0], rel_tol=1e-9, abs_tol=1e-3)
                    assert math.isclose(got.squares[i], want[1], rel_tol=1e-9, abs_tol=1e-3)


async def play(history: list[tuple[object, ...]], directory: Path) -> None:
    clock = ManualClock(NOW)
    start = to_micros(NOW) // DAY * DAY - DAY
    spine = Spine(directory, clock, fresh_telemetry_url())
    await spine.open()
    truth: Truth = {}
    for step in history:
        match step:
            case ("submit", list(some)):
                made = []
                for device, offset, values, quality in some:
                    stream = await spine.registry.register("t", "s", f"d{device}", LAYOUT)
                    made.append(Row(stream.id, start + offset, clock.micros(), values, quality))
                    per_value = quality if isinstance(quality, tuple) else (quality, quality)
                    for sensor, value, flag in zip(stream.sensor_ids, values, per_value, strict=True):
                        if value is not None:
                            truth[sensor, start + offset] = (value, flag)
                await spine.pipeline.ingest.submit(made)
            case ("flush",):
                await spine.pipeline.writer.flush()
            case ("advance",):
                await spine.pipeline.rollup.advance()
            case ("settle",):
                await spine.pipeline.rollup.settle()
            case ("restart",):
                await spine.close()
                await spine.open()
            case ("crash",):
                await spine.crash()
                await spine.open()
            case ("later", int(seconds)):
                clock.advance(seconds)
            case ("query",):
                await check(spine, truth, start)
    await check(spine, truth, start)
    await spine.close()


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(steps, min_size=2, max_size=14))
async def test_every_tier_equals_brute_force_after_any_history(history: list[tuple[object, ...]]) -> None:
    with tempfile.TemporaryDirectory() as directory:
        await play(history, Path(directory))
