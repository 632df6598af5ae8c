"""Scores, by worked examples and by their definitions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wattline.forecasting import scores

HISTORY = np.array([10, 12, 14, 11, 11, 13, 15, 12, 12, 14, 16, 13], np.float64)
NUMBERS = st.floats(-1e6, 1e6)


def test_mase_of_a_worked_example() -> None:
    actual = np.array([13, 15, 17, 15.0])
    assert scores.seasonal_scale(HISTORY, 4) == 1.0
    errors = actual - HISTORY[-4:]
    assert np.abs(errors).mean() == 1.25
    assert scores.mase(errors, HISTORY, 4) == 1.25


def test_mase_is_not_told_where_the_history_repeats_itself() -> None:
    assert scores.mase(np.ones(3), np.ones(12), 4) is None
    assert scores.mase(np.ones(3), np.ones(3), 4) is None


@pytest.mark.parametrize(("actual", "quantile", "tau", "loss"), [(15, 13, 0.9, 1.8), (11, 13, 0.9, 0.2), (15, 13, 0.1, 0.2)])
def test_pinball_of_worked_examples(actual: float, quantile: float, tau: float, loss: float) -> None:
    assert scores.pinball(np.array([actual], float), np.array([quantile], float), tau)[0] == pytest.approx(loss)


@given(st.lists(NUMBERS, min_size=3, max_size=30), st.sampled_from([0.1, 0.25, 0.5, 0.9]))
def test_the_quantile_of_a_sample_has_the_least_pinball_loss(sample: list[float], tau: float) -> None:
    values = np.array(sample)
    best = np.quantile(values, tau, method="inverted_cdf")
    least = scores.pinball(values, np.full(values.size, best), tau).sum()
    others = [scores.pinball(values, np.full(values.size, other), tau).sum() for other in values]
    assert least <= min(others) + 1e-6 * (1 + abs(least))


def test_unknown_values_count_for_nothing() -> None:
    gap = np.array([1.0, np.nan, 3.0])
    assert scores.mean_of_known(gap) == 2
    assert np.isnan(scores.mean_of_known(np.array([np.nan])))
    assert scores.coverage(gap, np.zeros(3), np.full(3, 2.0)) == 50
    assert np.isnan(scores.coverage(gap, np.full(3, np.nan), gap))
    assert scores.root_mean_square(np.array([3.0, np.nan, 4.0])) == pytest.approx(np.sqrt(12.5))


def test_skill() -> None:
    assert scores.skill(1.0, 4.0) == 0.75
    assert scores.skill(4.0, 2.0) == -1
    assert scores.skill(1.0, 0.0) is None
