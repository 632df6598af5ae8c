"""Runs of sensors hold all that is asked for, and what they hold besides is thrown away."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from wattline.telemetry.runs import GAP, runs_of


@given(st.lists(st.integers(1, 3000)))
def test_every_sensor_is_in_a_run_and_few_others_are(sensors: list[int]) -> None:
    runs = runs_of(np.array(sensors, np.int64))
    held = [n for low, high in zip(runs.bound["lows"], runs.bound["highs"], strict=True) for n in range(low, high)]
    assert held == sorted({*held})
    assert {*sensors} <= {*held}
    assert len(held) <= max(len({*sensors}), 1) * GAP
    every = np.arange(0, 3100, dtype=np.uint32)
    assert every[runs.has(every)].tolist() == sorted({*sensors})
