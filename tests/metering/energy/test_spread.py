"""From the steps of a register to intervals: exact sums, gaps as estimates, what is not known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wattline.metering.energy.cells import INTERVAL, Cells, over
from wattline.metering.energy.register import Rule, steps
from wattline.metering.energy.spread import spread
from wattline.model.clock import HOUR, MINUTE


def cells(times: list[int], values: list[float], until: int, *, gap: int = 2 * INTERVAL, rule: Rule | None = None) -> Cells:
    found = steps(np.array(times, np.int64), np.array(values, float), rule or Rule())
    return Cells.of(until // INTERVAL, spread(found, over(0, until), gap))


def test_readings_on_the_edges_are_the_intervals() -> None:
    found = cells([0, INTERVAL, 2 * INTERVAL], [5.0, 6.0, 8.5], HOUR)
    assert found.full("energy").tolist() == [1.0, 2.5, 0.0, 0.0]
    assert found.full("covered").tolist() == [1.0, 1.0, 0.0, 0.0]
    assert found.estimated is None


def test_an_edge_between_two_readings_is_interpolated() -> None:
    found = cells([10 * MINUTE, 25 * MINUTE], [0.0, 3.0], HOUR)
    assert found.full("energy").tolist() == pytest.approx([1.0, 2.0, 0.0, 0.0])
    assert found.full("covered").tolist() == pytest.approx([1 / 3, 2 / 3, 0.0, 0.0])


def test_the_energy_of_a_gap_is_known_and_its_profile_is_estimated() -> None:
    found = cells([0, INTERVAL, 4 * INTERVAL], [0.0, 1.0, 7.0], HOUR)
    assert found.full("energy").tolist() == pytest.approx([1.0, 2.0, 2.0, 2.0])
    assert found.full("estimated").tolist() == pytest.approx([0.0, 2.0, 2.0, 2.0])
    assert found.full("covered").tolist() == [1.0] * 4


def test_what_is_withheld_is_not_known() -> None:
    found = cells([0, INTERVAL, 2 * INTERVAL, 3 * INTERVAL], [0.125, 1.125, 900.125, 901.125], HOUR, rule=Rule(most_kw=10.0))
    assert found.full("energy").tolist() == [1.0, 0.0, 1.0, 0.0]
    assert found.full("covered").tolist() == [1.0, 0.0, 1.0, 0.0]
    assert found.full("withheld").tolist() == [0.0, 899.0, 0.0, 0.0]


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(1, 200), st.integers(0, 5000)), min_size=2, max_size=40), st.integers(0, 12))
def test_every_interval_is_the_sum_over_its_minutes(readings: list[tuple[int, int]], first: int) -> None:
    """Against a minute by minute account of the same steps."""
    times = np.cumsum([gap for gap, _ in readings]) * MINUTE
    values = np.cumsum([amount for _, amount in readings]) / 1000.0
    minutes = np.zeros(300 * 60)
    known = np.zeros(300 * 60, bool)
    for a, b, x, y in zip(times[:-1], times[1:], values[:-1], values[1:], strict=True):
        begin, stop = int(a) // MINUTE, int(b) // MINUTE
        minutes[begin:stop] = (y - x) / (stop - begin)
        known[begin:stop] = True
    grid = over(first * INTERVAL, 300 * HOUR // INTERVAL * INTERVAL)
    found = Cells.of(grid.size, spread(steps(times.astype(np.int64), values, Rule()), grid, 2 * INTERVAL))
    expected = minutes.reshape(-1, 15).sum(axis=1)[first:]
    assert found.full("energy") == pytest.approx(expected, abs=1e-9)
    assert found.full("covered") == pytest.approx(known.reshape(-1, 15).mean(axis=1)[first:], abs=1e-6)
