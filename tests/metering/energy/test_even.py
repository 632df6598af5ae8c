"""Registers that are read on the quarter hour: the short way gives what the long one does."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from wattline.ingest.edge_series import Edges
from wattline.metering.energy.cells import COLUMNS, INTERVAL, over
from wattline.metering.energy.lane import Lane
from wattline.metering.energy.reading import register_cells
from wattline.metering.energy.register import Rule, steps
from wattline.metering.energy.spread import spread
from wattline.model.clock import DAY, MINUTE


def edges(times: np.ndarray, values: np.ndarray) -> Edges:
    """Intervals with one reading in each."""
    return Edges(np.zeros(len(times), np.uint32), times, times, *([values] * 5), np.ones(len(times), np.int64))


@settings(deadline=None, max_examples=200)
@given(
    st.integers(-100, 200),
    st.lists(st.sampled_from([0.0, 0.25, 1.5, 3.0, 9.0]), max_size=120),
    st.sampled_from([None, 10.0, 40.0]),
    st.sampled_from([0, MINUTE]),
    st.integers(0, 30),
)
def test_the_same_as_any_register(first: int, rises: list[float], most: float | None, late: int, gap: int) -> None:
    times = (first + np.arange(len(rises) + 1, dtype=np.int64)) * INTERVAL + DAY + late
    if gap and gap < len(times):
        times = np.delete(times, gap)
    values = np.cumsum([100.001, *rises])[: len(times)]
    lane = Lane(1, (0,), (0,), 1.0, INTERVAL, Rule(None, most))
    found, _, _ = register_cells(lane, edges(times, values), None, None, None, 1, 1)
    expected = spread(steps(times, values, lane.rule or Rule()), over(DAY, 2 * DAY), 2 * INTERVAL)
    for name in ("energy", "covered", "estimated", "withheld", "odd"):
        np.testing.assert_allclose(found.full(name), expected.get(name, np.zeros(found.size)).astype(COLUMNS[name]), atol=1e-9)
    assert found.full("count").sum() == ((times >= DAY) & (times < 2 * DAY)).sum()
