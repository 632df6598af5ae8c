"""Energy of meters without a register: the trapezoid, both directions, gaps that stay open."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wattline.metering.energy.cells import INTERVAL, Cells, over
from wattline.metering.energy.power import Line, bridged, power
from wattline.model.clock import HOUR, MINUTE, SECOND


def cells(times: list[int], watts: list[float], until: int = HOUR, longest: int = 5 * MINUTE) -> Cells:
    return Cells.of(
        until // INTERVAL, power(Line.of(np.array(times, np.int64), np.array(watts, float)), over(0, until), longest)
    )


def back(found: Cells) -> list[float]:
    return found.full("back").tolist()


def test_a_constant_power_is_energy() -> None:
    found = cells([m * MINUTE for m in range(61)], [4000.0] * 61)
    assert found.full("energy").tolist() == pytest.approx([1.0] * 4)
    assert found.full("covered").tolist() == pytest.approx([1.0] * 4)


def test_a_ramp_is_cut_exactly_at_the_edge() -> None:
    found = cells([10 * MINUTE, 20 * MINUTE], [0.0, 6000.0], longest=10 * MINUTE)
    assert found.full("energy").tolist() == pytest.approx([0.125, 0.375, 0.0, 0.0])


def test_a_gap_of_more_than_five_minutes_is_not_bridged() -> None:
    found = cells([0, 5 * MINUTE, 10 * MINUTE + SECOND, 15 * MINUTE], [1200.0] * 4)
    assert found.full("energy")[0] == pytest.approx(0.1 + 1.2 * (5 * MINUTE - SECOND) / HOUR)
    assert found.full("covered")[0] == pytest.approx(1 - (5 * MINUTE + SECOND) / INTERVAL)


def test_a_meter_of_15_minutes_is_bridged() -> None:
    assert bridged(15 * MINUTE) == 30 * MINUTE
    assert bridged(10 * SECOND) == 5 * MINUTE
    found = cells([i * INTERVAL for i in range(5)], [1000.0] * 5, longest=bridged(INTERVAL))
    assert found.full("energy").tolist() == pytest.approx([0.25] * 4)


def test_import_and_export_are_parted_where_the_power_turns() -> None:
    found = cells([0, 5 * MINUTE], [-1200.0, 1200.0])
    assert found.full("energy")[0] == pytest.approx(0.025)
    assert back(found)[0] == pytest.approx(0.025)


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(1, 12), st.integers(-5000, 5000)), min_size=2, max_size=60), st.sampled_from([5, 9]))
def test_the_same_as_second_by_second(readings: list[tuple[int, int]], longest: int) -> None:
    """Against the mean of a straight line in every ten seconds, which is exact where the power does not turn within."""
    times = np.cumsum([gap for gap, _ in readings]) * MINUTE
    watts = np.array([value for _, value in readings], float)
    grid = over(0, 13 * HOUR)
    found = Cells.of(grid.size, power(Line.of(times.astype(np.int64), watts), grid, longest * MINUTE))
    net = np.zeros(13 * 360)
    seen = np.zeros(13 * 360)
    for a, b, x, y in zip(times[:-1], times[1:], watts[:-1], watts[1:], strict=True):
        if b - a <= longest * MINUTE:
            first, last = int(a) // (10 * SECOND), int(b) // (10 * SECOND)
            middle = (np.arange(last - first) + 0.5) / (last - first)
            net[first:last] = x + (y - x) * middle
            seen[first:last] = 1
    expected = net.reshape(-1, 90).sum(axis=1) / 360_000
    assert found.full("energy") - np.array(back(found)) == pytest.approx(expected, abs=1e-9)
    assert found.full("covered") == pytest.approx(seen.reshape(-1, 90).mean(axis=1), abs=1e-6)
    assert (found.full("energy") >= 0).all()
    assert min(back(found)) >= 0


def test_what_lies_between_two_ends_has_its_mean() -> None:
    line = Line(np.array([0]), np.array([INTERVAL]), np.array([0.0]), np.array([0.0]), np.array([2000.0]))
    assert power(line, over(0, HOUR), 5 * MINUTE)["energy"].tolist() == [0.5, 0.0, 0.0, 0.0]
