"""Runs of sensors hold all that is asked for, and what they hold besides is thrown away."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from wattline.telemetry.runs import GAP, MOST, runs_of


@given(st.lists(st.integers(1, 3000)))
def test_every_sensor_is_in_a_run_and_few_others_are(sensors: list[int]) -> None:
    runs = runs_of(np.array(sensors, np.int64))
    some = [pair for bound in runs.bounds for pair in zip(bound["lows"], bound["highs"], strict=True)]
    held = [n for low, high in some for n in range(low, high)]
    assert held == sorted({*held})
    assert {*sensors} <= {*held}
    assert len(held) <= max(len({*sensors}), 1) * GAP
    every = np.arange(0, 3100, dtype=np.uint32)
    assert every[runs.has(every)].tolist() == sorted({*sensors})


def test_more_runs_than_a_query_takes_are_several_queries() -> None:
    sensors = np.arange(1, 2 * MOST + 2, dtype=np.int64) * 2 * GAP
    lows = [bound["lows"] for bound in runs_of(sensors).bounds]
    assert [len(each) for each in lows] == [MOST, MOST, 1]
    assert [low for each in lows for low in each] == sensors.tolist()
    assert [bound["lows"] for bound in runs_of([]).bounds] == [[]]
