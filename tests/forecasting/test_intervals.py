"""Quantiles: never crossing, as wide as errors are, wider where few are known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wattline.forecasting.intervals import measure, quantile_errors
from wattline.forecasting.model import Floats
from wattline.forecasting.scores import coverage

LEVELS = (0.1, 0.5, 0.9)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 30), st.floats(0, 0.5), st.lists(st.floats(0.01, 0.99), min_size=1, max_size=6))
def test_quantiles_never_cross(seed: int, folds: int, gaps: float, levels: list[float]) -> None:
    rng = np.random.default_rng(seed)
    errors = rng.normal(size=(folds, 10))
    errors[rng.random(errors.shape) < gaps] = np.nan
    found = quantile_errors(errors, sorted(levels), 3600)
    known = np.isfinite(found).all(axis=0)
    assert (np.diff(found[:, known], axis=0) >= 0).all()
    near = np.array([np.isfinite(errors[:, max(0, n - 1) : n + 2]).any() for n in range(10)])
    assert (known == near).all()


@pytest.mark.parametrize("folds", [7, 28])
def test_intervals_cover_what_they_say(folds: int) -> None:
    rng = np.random.default_rng(1)
    scale = np.linspace(1, 5, 24)

    def day() -> Floats:
        """Errors that last for hours, as those of a load do, and grow."""
        return np.asarray(scale * (2 * rng.normal() + np.cumsum(rng.normal(0, 0.3, 24))))

    covered = []
    for _ in range(400):
        low, _, high = quantile_errors(np.array([day() for _ in range(folds)]), LEVELS, 3600)
        covered.append(coverage(day(), low, high))
    assert 77 <= np.mean(covered) <= 84


def test_quantiles_follow_the_horizon() -> None:
    errors = np.random.default_rng(2).normal(0, np.where(np.arange(24) < 12, 1.0, 10.0), (28, 24))
    low, middle, high = quantile_errors(errors, LEVELS, 3600)
    assert (high - low)[16:].mean() > 5 * (high - low)[:8].mean()
    assert np.abs(middle[:8]).max() < 1


def test_one_fold_gives_its_own_errors() -> None:
    low, middle, high = quantile_errors(np.array([[1.0, 2.0, 3.0, 4.0]]), LEVELS, 3600)
    assert low.tolist() == [1, 1, 2, 3]
    assert middle.tolist() == pytest.approx([1.5, 2, 3, 3.5])
    assert high.tolist() == [2, 3, 4, 4]


def test_what_is_measured_is_measured_on_folds_left_out() -> None:
    rng = np.random.default_rng(3)
    path = rng.normal(size=(28, 24))
    covered, loss = measure(path + rng.normal(0, 2, path.shape), path, LEVELS, 3600)
    assert covered is not None
    assert loss is not None
    assert 74 <= covered <= 90
    # The mean pinball loss of a normal error at these quantiles is 0.250 of its deviation.
    assert loss == pytest.approx(2 * (0.1755 * 2 + 0.3989) / 3, rel=0.1)
    # One week unlike all others is not covered by what only it has taught.
    errors = rng.normal(0, 1, path.shape)
    errors[:4] += 50
    odd, _ = measure(path + errors, path, LEVELS, 3600)
    assert odd is not None
    assert odd < 82


def test_one_fold_measures_nothing() -> None:
    assert measure(np.ones((1, 4)), np.zeros((1, 4)), LEVELS, 3600) == (None, None)
    assert measure(np.full((4, 4), np.nan), np.zeros((4, 4)), LEVELS, 3600) == (None, None)
