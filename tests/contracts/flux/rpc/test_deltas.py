"""Interpolated advances of counters, against published vectors and a computation one reading at a time."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wattline.contracts.flux.rpc.deltas import Summary, blank, deltas, joined, summarise, taken

Reading = tuple[int, float | None]
SECOND = 1_000_000
HOUR = 3600
DAY = 24 * HOUR


def summary_of(places: np.ndarray, times: np.ndarray, values: np.ndarray, intervals: int) -> Summary:
    """Of one counter."""
    summary = blank((1, intervals))
    summarise(summary, np.zeros(len(places), np.int64), places, times, values)
    return summary


def advances(width: int, readings: Sequence[Reading]) -> list[float | None]:
    """What the module makes of the readings (seconds, value) of one device with one counter; None for no value."""
    times = np.array([time for time, _ in readings], np.int64) * SECOND
    buckets = np.unique(times // (width * SECOND)) * width * SECOND
    kept = np.array([value is not None for _, value in readings], bool)
    values = np.array([math.nan if value is None else value for _, value in readings], float)[kept]
    places = np.searchsorted(buckets, times[kept], "right") - 1
    summary = summary_of(places, times[kept], values, len(buckets))
    found = deltas(np.zeros(len(buckets), np.int64), buckets, width * SECOND, summary)
    return [float(value) if there else None for value, there in zip(found[0], summary.present[0], strict=True)]


def slowly(width: int, readings: Sequence[Reading]) -> list[float | None]:
    """The same, read from its definition."""
    groups: dict[int, list[tuple[int, float]]] = {}
    for time, value in sorted(readings, key=lambda reading: reading[0]):
        mine = groups.setdefault(time // width * width, [])
        if value is not None:
            mine.append((time, value))
    found: list[float | None] = []
    order = sorted(groups)
    for at, start in enumerate(order):
        mine = groups[start]
        if not mine:
            found.append(None)
            continue
        before = groups[order[at - 1]] if at else []
        after = groups[order[at + 1]] if at + 1 < len(order) else []
        resets = sum(a for (_, a), (_, b) in itertools.pairwise(mine) if b < a)
        first, last = mine[0], mine[-1]
        begin, end = first[1], last[1]
        if before and first[0] > start:
            begin = _between(before[-1], first, start)
            resets += begin if begin > first[1] else 0
        if after:
            end = _between(last, after[0], start + width)
            resets += last[1] if end < last[1] else 0
        found.append(end + resets - begin)
    return found


def _between(a: tuple[int, float], b: tuple[int, float], at: int) -> float:
    value = 0.0 if a[1] > b[1] else a[1]
    return value + (b[1] - value) * (at - a[0]) / (b[0] - a[0])


VECTORS = {
    "three days, one with a reset": (
        DAY,
        [
            (10 * HOUR, 10), (12 * HOUR, 40), (16 * HOUR, 20), (DAY + 4 * HOUR, 15), (DAY + 12 * HOUR, 50),
            (DAY + 20 * HOUR, 25), (2 * DAY + 4 * HOUR, 30), (2 * DAY + 12 * HOUR, 0), (2 * DAY + 16 * HOUR, 35),
        ],
        [60, 67.5, 37.5],
    ),
    "a reading on the edge": (
        DAY,
        [(10 * HOUR, 10), (12 * HOUR, 40), (16 * HOUR, 20), (DAY, 15), (DAY + 12 * HOUR, 50), (DAY + 20 * HOUR, 25)],
        [65, 60],
    ),
    "every minute on the minute": (300, [(60 * i, 100 + 0.5 * i) for i in range(16)], [2.5, 2.5, 2.5, 0]),
    "every minute between": (300, [(30 + 60 * i, 100 + 0.5 * i) for i in range(15)], [2.25, 2.5, 2.25]),
    "one reading each": (300, [(150, 10), (450, 13), (750, 19)], [1.5, 4.5, 3.0]),
    "a gap": (300, [(0, 10), (240, 14), (900, 30), (1140, 34)], [4 + 16 * 60 / 660, 4.0]),
    "a reset inside": (300, [(0, 10), (120, 14), (180, 1), (300, 3)], [7, 0]),
    "a reset across the edge": (300, [(0, 10), (240, 14), (360, 2), (540, 5)], [5, 4]),
    "an interval without a value": (300, [(0, 10), (240, 14), (300, None), (600, 20), (840, 24)], [4, None, 4]),
    "edges alone": (300, [(0, 10), (300, 15), (600, 21)], [5, 6, 0]),
}  # fmt: skip


@pytest.mark.parametrize("name", VECTORS)
def test_known_vectors(name: str) -> None:
    width, readings, expected = VECTORS[name]
    close = [value if value is None else pytest.approx(value, rel=1e-12) for value in expected]
    assert advances(width, readings) == close
    assert slowly(width, readings) == close


VALUES = st.one_of(st.none(), st.integers(-5, 40).map(float), st.floats(0, 1e6, width=32))
READINGS = st.dictionaries(st.integers(0, 4000), VALUES, min_size=1, max_size=30).map(lambda found: sorted(found.items()))


@given(READINGS, st.sampled_from([60, 300, 1800]))
def test_any_readings_are_as_by_definition(readings: list[Reading], width: int) -> None:
    expected = slowly(width, readings)
    found = advances(width, readings)
    assert [value is None for value in found] == [value is None for value in expected]
    assert [value for value in found if value is not None] == pytest.approx(
        [value for value in expected if value is not None], rel=1e-9, abs=1e-6
    )


STEPS = st.lists(st.tuples(st.integers(1, 250), st.integers(0, 50)), min_size=2, max_size=60)


def climbing(steps: list[tuple[int, int]]) -> list[Reading]:
    """Readings of a counter that never falls, with one in every interval of 300 s."""
    times = np.cumsum([gap for gap, _ in steps])
    values = np.cumsum([float(step) for _, step in steps])
    return list(zip(times.tolist(), values.tolist(), strict=True))


@given(STEPS)
def test_advances_add_up_where_nothing_is_missing(steps: list[tuple[int, int]]) -> None:
    readings = climbing(steps)
    total = sum(value for value in advances(300, readings) if value is not None)
    assert total == pytest.approx((readings[-1][1] or 0) - (readings[0][1] or 0), rel=1e-9, abs=1e-9)


@given(STEPS, st.floats(0, 1e6, width=32))
def test_a_constant_counter_does_not_advance(steps: list[tuple[int, int]], value: float) -> None:
    assert advances(300, [(time, value) for time, _ in climbing(steps)]) == pytest.approx(
        [0.0] * len({time // 300 for time, _ in climbing(steps)}), abs=1e-6
    )


@given(STEPS)
def test_an_interval_alone_has_no_more_than_with_its_neighbours(steps: list[tuple[int, int]]) -> None:
    readings = climbing(steps)
    together = advances(300, readings)
    for at, bucket in enumerate(sorted({time // 300 for time, _ in readings})):
        (alone,) = advances(300, [reading for reading in readings if reading[0] // 300 == bucket])
        assert (alone or 0) <= (together[at] or 0) + 1e-9


@given(READINGS, READINGS)
def test_devices_do_not_touch_each_other(one: list[Reading], other: list[Reading]) -> None:
    expected = [*advances(300, one), *advances(300, other)]
    parts, series, starts = [], [], []
    for number, readings in enumerate((one, other)):
        times = np.array([time for time, _ in readings], np.int64)
        buckets = np.unique(times // 300) * 300
        kept = [(time, value) for time, value in readings if value is not None]
        at = np.array([time for time, _ in kept], np.int64)
        values = np.array([value for _, value in kept], float)
        places = np.searchsorted(buckets, at, "right") - 1
        parts.append(summary_of(places, at, values, len(buckets)))
        series.append(np.full(len(buckets), number))
        starts.append(buckets)
    whole = joined(parts)
    found = deltas(np.concatenate(series), np.concatenate(starts), 300, whole)[0]
    shown = [float(value) if there else None for value, there in zip(found, whole.present[0], strict=True)]
    assert shown == [value if value is None else pytest.approx(value, rel=1e-9, abs=1e-6) for value in expected]


@given(READINGS, st.integers(1, 5))
def test_intervals_are_the_same_in_pieces_that_overlap_by_their_neighbours(readings: list[Reading], step: int) -> None:
    times = np.array([time for time, _ in readings], np.int64)
    buckets = np.unique(times // 300) * 300
    kept = [(time, value) for time, value in readings if value is not None]
    at = np.array([time for time, _ in kept], np.int64)
    places = np.searchsorted(buckets, at, "right") - 1
    summary = summary_of(places, at, np.array([value for _, value in kept], float), len(buckets))
    series = np.zeros(len(buckets), np.int64)
    whole = deltas(series, buckets, 300, summary)[0]
    for low in range(0, len(buckets), step):
        part = slice(max(low - 1, 0), low + step + 1)
        found = deltas(series[part], buckets[part], 300, taken(summary, part))[0]
        first = low - part.start
        mine = found[first : first + step][: len(buckets) - low]
        there = summary.present[0][low : low + step]
        np.testing.assert_allclose(mine[there], whole[low : low + step][there])


def test_numbers_that_are_none_stay_so() -> None:
    found = advances(300, [(0, 1.0), (100, math.nan), (300, 2.0), (400, math.inf)])
    assert found[0] is not None
    assert found[1] == math.inf
