"""Gathering what streams told: only what is new is looked at, and the result is as if all were."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from wattline.metering.fields import LAYOUT
from wattline.model.record import Quality, Row
from wattline.registry.stream import Stream
from wattline.topology.last_rows import Kept
from wattline.topology.measured import newest, rows_of
from wattline.topology.plan import Group, Pick, Plan

COLUMNS = (0, 2, 3)
STREAMS = 4
VALUES = st.lists(st.one_of(st.none(), st.integers(0, 99).map(float)), min_size=4, max_size=4).map(tuple)
ROWS = st.lists(
    st.tuples(st.integers(0, STREAMS - 1), st.integers(0, 9), VALUES, st.sampled_from((0, Quality.BAD))), max_size=4
)


def _plan(kept: list[Kept]) -> Plan:
    pick = Pick((0, 4, 10), COLUMNS, (1.0, 2.0, 0.5))
    places = np.arange(STREAMS)
    bounds = np.full(STREAMS, 100, np.int64)
    return Plan([Group(pick, places.tolist(), kept)], places, np.ones(STREAMS), places >= 0, bounds, False)


@settings(max_examples=150)
@given(st.lists(ROWS, min_size=1, max_size=6))
def test_what_was_gathered_before_is_as_good_as_new(turns: list[list[tuple[int, int, tuple[float | None, ...], int]]]) -> None:
    kept = [Kept(Stream(n, None, LAYOUT, ()), COLUMNS) for n in range(STREAMS)]  # type: ignore[arg-type]
    plan = _plan(kept)
    for rows in turns:
        for stream, time, values, quality in rows:
            kept[stream].take(Row(stream, time, 0, values, quality))
        fresh = _plan(kept)
        mine, other = (newest(each, rows_of(each), STREAMS, 50) for each in (plan, fresh))
        for name in ("power", "voltage", "current", "time", "stale"):
            np.testing.assert_array_equal(getattr(mine, name), getattr(other, name))
        for place, each in enumerate(kept):
            told = [row for row in each.newest() if row.values[0] is not None]
            good = bool(told) and told[0].quality != Quality.BAD
            assert mine.power[place] == told[0].values[0] if good else np.isnan(mine.power[place])
