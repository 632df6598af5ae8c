"""Power on an even grid against the register itself: exact energy, unknown where nobody measured."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from tests.stores import Spine, spine
from wattline.households.energy import grid
from wattline.households.energy.grid import power
from wattline.households.meters.model import LAYOUT
from wattline.model.clock import HOUR, MINUTE, SECOND, ManualClock
from wattline.model.record import Row
from wattline.registry.stream import Stream

Readings = list[tuple[int, float]]


@pytest.fixture
async def home(tmp_path: Path, clock: ManualClock) -> AsyncIterator[Spine]:
    async with spine(tmp_path, clock) as made:
        yield made


async def a_meter(home: Spine, user: str, readings: Sequence[tuple[int, float]], quality: int = 0) -> Stream:
    stream = await home.registry.register("t", user, "AA:BB:CC:DD:EE:01", LAYOUT)
    rows = [Row(stream.id, time, time, (total, None, None, total, None), quality) for time, total in readings]
    if rows:
        await home.pipeline.ingest.submit(rows)
    return stream


def expected(readings: Readings, start: int, end: int, width: int) -> list[float]:
    """By hand, one edge after the other."""

    def register(edge: int) -> float:
        for (t0, v0), (t1, v1) in pairwise(readings):
            if t0 <= edge <= t1 and (edge in (t0, t1) or t1 - t0 <= 5 * MINUTE):
                return v0 + (v1 - v0) * (edge - t0) / (t1 - t0)
        return dict(readings).get(edge, float("nan"))

    edges = [register(edge) for edge in range(start, end + 1, width)]
    return [(b - a) * 1000 * HOUR / width for a, b in pairwise(edges)]


def walk(choice: random.Random, start: int, end: int) -> Readings:
    """A register read now and then: mostly every 15 s or so, sometimes exactly on an edge or minutes later."""
    found: Readings = []
    at, total = start, 20_000.0
    while at < end:
        found.append((at, total))
        step = choice.choice([15 * SECOND, 21 * SECOND, choice.randrange(1, 2 * MINUTE), choice.randrange(MINUTE, 9 * MINUTE)])
        if choice.random() < 0.1:
            step = MINUTE - at % MINUTE
        at += step
        total += choice.uniform(0, 3) * step / HOUR
    return found


@pytest.mark.parametrize("case", range(3))
@pytest.mark.parametrize("tiered", [False, True], ids=["raw", "tiers"])
async def test_every_step_is_the_difference_of_the_register_at_its_edges(
    home: Spine, clock: ManualClock, case: int, tiered: bool
) -> None:
    choice = random.Random(case)
    end = clock.micros() // HOUR * HOUR
    start = end - 3 * HOUR
    every = [walk(choice, start - choice.randrange(20 * MINUTE), end + choice.randrange(20 * MINUTE)) for _ in range(3)]
    streams = [await a_meter(home, f"u{n}", readings) for n, readings in enumerate(every)]
    if tiered:
        await home.pipeline.rollup.advance()
    for width in (MINUTE, 5 * MINUTE, 15 * MINUTE, HOUR):
        # In an order that is not that of their numbers.
        found = await power(home.pipeline.series, streams[::-1], start, end, width)
        assert (found.start, found.width, found.watts.shape) == (start, width, (3, 3 * HOUR // width))
        for watts, readings in zip(found.watts, every[::-1], strict=True):
            np.testing.assert_allclose(watts, expected(readings, start, end, width), rtol=1e-6, atol=1e-3)


async def test_the_steps_of_a_span_sum_up_to_what_was_used(home: Spine, clock: ManualClock) -> None:
    end = clock.micros() // HOUR * HOUR
    readings = [(end - HOUR + n * 21 * SECOND, 500 + n * 0.0007 + (n > 100) * 0.3) for n in range(-20, 200)]
    stream = await a_meter(home, "u", readings)
    at = (np.array([end - HOUR, end]), *(np.array(each) for each in zip(*readings, strict=True)))
    first, last = np.interp(*at)
    for width in (MINUTE, 10 * MINUTE, HOUR):
        found = await power(home.pipeline.series, [stream], end - HOUR, end, width)
        assert found.watts.sum() * width / HOUR / 1000 == pytest.approx(last - first)


async def test_a_gap_of_five_minutes_is_bridged_and_a_longer_one_is_not(home: Spine, clock: ManualClock) -> None:
    start = clock.micros() // HOUR * HOUR - HOUR
    step = 5 * MINUTE
    readings = [(start, 10.0), (start + step, 10.1), (start + 2 * step + 1, 10.2), (start + 3 * step, 10.3)]
    stream = await a_meter(home, "u", readings)
    watts = (await power(home.pipeline.series, [stream], start - MINUTE, start + 16 * MINUTE)).watts[0]
    known = ~np.isnan(watts)
    # One minute before the first, five bridged, five and the one that the gap reaches into unknown, four, one after the last.
    assert known.tolist() == [False] + [True] * 5 + [False] * 6 + [True] * 4 + [False]
    np.testing.assert_allclose(watts[1:6], 1200)
    # Half an hour knows what was used in a gap that lies within it.
    whole = (await power(home.pipeline.series, [stream], start, start + 15 * MINUTE, 15 * MINUTE)).watts
    np.testing.assert_allclose(whole, [[1200]])


async def test_nothing_is_known_of_a_meter_without_readings_or_with_bad_ones(home: Spine, clock: ManualClock) -> None:
    end = clock.micros() // HOUR * HOUR
    readings = [(end - HOUR + n * MINUTE, 1.0 + n) for n in range(60)]
    bad = await a_meter(home, "bad", readings, quality=2)
    silent = await a_meter(home, "silent", [])
    found = await power(home.pipeline.series, [bad, silent], end - HOUR, end, 10 * MINUTE)
    assert np.isnan(found.watts).all()
    assert (await power(home.pipeline.series, [], end - HOUR, end)).watts.shape == (0, 60)
    assert (await power(home.pipeline.series, [bad], end, end)).watts.shape == (1, 0)


async def test_many_meters_are_read_in_pieces_with_the_same_result(
    home: Spine, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    end = clock.micros() // HOUR * HOUR
    choice = random.Random(5)
    every = [walk(choice, end - HOUR, end) for _ in range(5)]
    streams = [await a_meter(home, f"u{n}", readings) for n, readings in enumerate(every)]
    whole = await power(home.pipeline.series, streams, end - HOUR, end)
    monkeypatch.setattr(grid, "CHUNK_STEPS", 130)
    pieces = await power(home.pipeline.series, streams, end - HOUR, end)
    np.testing.assert_array_equal(whole.watts, pieces.watts)
    assert not np.isnan(whole.watts).all(axis=1).any()
