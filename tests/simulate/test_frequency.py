"""The common frequency: distribution, memory, and independence of the sampling interval."""

from __future__ import annotations

import numpy as np
import pytest

from wattline.simulate.frequency import DEVIATION_HZ, MEMORY_SECONDS, SystemFrequency


def series(seed: int, seconds: float, count: int, nominal: float = 60.0) -> np.ndarray:
    process = SystemFrequency(np.random.default_rng(seed), nominal)
    return np.array([process.advance(seconds) for _ in range(count)])


@pytest.mark.parametrize("nominal", [50.0, 60.0])
def test_stands_about_nominal_with_the_stated_deviation(nominal: float) -> None:
    # Samples ten memories apart are independent: 4,000 of them give the deviation to about 1 percent.
    values = series(1, 10 * MEMORY_SECONDS, 4000, nominal)
    assert values.mean() == pytest.approx(nominal, abs=0.0015)
    assert values.std() == pytest.approx(DEVIATION_HZ, rel=0.05)


def test_forgets_with_the_stated_memory() -> None:
    values = series(2, MEMORY_SECONDS, 20_000) - 60.0
    correlation = np.corrcoef(values[:-1], values[1:])[0, 1]
    assert correlation == pytest.approx(np.exp(-1.0), abs=0.03)


def test_moves_little_within_a_second() -> None:
    steps = np.diff(series(3, 1.0, 5000))
    assert np.abs(steps).max() < 0.01
    assert steps.std() > 0.0005


def test_no_time_no_change() -> None:
    process = SystemFrequency(np.random.default_rng(4))
    first = process.advance(1.0)
    assert process.advance(0.0) == first
