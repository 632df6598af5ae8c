"""The model of the published page."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wattline.analytics.model import ZSCORE, Score
from wattline.analytics.zscore import score_of

from .windows import Matrix, calm_grid, judged, window_of


def compatible(readings: Matrix) -> list[Score]:
    """The page's scores of a 60 Hz grid."""
    return judged(readings)[0].scores


def with_latest(z: float) -> Matrix:
    """A baseline of mean 60 and some deviation, and a newest reading that many sigmas away."""
    readings = np.full((1, 1860), 60.0)
    readings[0, :1800:2] += 0.01
    readings[0, 1:1800:2] -= 0.01
    std = float(np.std(readings[0, :1800], ddof=1))
    readings[0, -1] = 60.0 + z * std
    return readings


@pytest.mark.parametrize(
    ("z", "score", "anomaly"), [(0, 0, False), (1.75, 0.7, True), (2.5, 1, True), (-3, 1, True), (0.58525, 0.2341, False)]
)
def test_the_published_points(z: float, score: float, anomaly: bool) -> None:
    assert float(score_of(np.array([z]))[0]) == pytest.approx(score, abs=1e-12)
    assert (float(score_of(np.array([z]))[0]) >= 0.7) == anomaly


@given(st.floats(-1e6, 1e6))
def test_the_score_is_the_capped_share_of_two_and_a_half_sigmas(z: float) -> None:
    score = float(score_of(np.array([z]))[0])
    assert score == min(1.0, abs(z) / 2.5)
    assert score == float(score_of(np.array([-z]))[0])


@given(st.floats(-6, 6))
def test_mean_deviation_and_z_describe_the_baseline_without_the_sample(z: float) -> None:
    readings = with_latest(z)
    score = compatible(readings)[0]
    assert score.model_version == ZSCORE
    assert score.baseline_mean == pytest.approx(float(np.mean(readings[0, :1800])), abs=1e-9)
    assert score.baseline_std == pytest.approx(float(np.std(readings[0, :1800], ddof=1)), abs=1e-12)
    assert score.latest_value == readings[0, -1]
    assert score.z_score == pytest.approx(z, abs=1e-6)
    assert score.anomaly_score == pytest.approx(min(1.0, abs(z) / 2.5), abs=1e-6)
    assert score.is_anomaly == (score.anomaly_score >= 0.7)
    assert score.reasons == (("z_score",) if score.is_anomaly else ())


def test_a_baseline_without_spread_gives_a_finite_z() -> None:
    readings = np.full((2, 1860), 60.0)
    readings[1, -1] = 60.001
    still, moved = compatible(readings)
    assert (still.z_score, still.anomaly_score) == (0.0, 0.0)
    assert moved.z_score == pytest.approx(10.0, abs=1e-6)
    assert moved.anomaly_score == 1.0


@pytest.mark.parametrize(
    ("readings", "span", "warming"), [(120, 600, False), (120, 599, True), (20, 600, False), (19, 1800, True)]
)
def test_ten_minutes_make_a_baseline_and_fewer_than_twenty_readings_never_do(readings: int, span: int, warming: bool) -> None:
    row = np.full((1, 1860), np.nan)
    row[0, np.linspace(1800 - span, 1799, readings).round().astype(int)] = 60.0
    row[0, -1] = 61.0
    score = compatible(row)[0]
    assert score.reasons == (("warming_up",) if warming else ("z_score",))
    assert score.anomaly_score == (0.0 if warming else 1.0)


def test_half_an_hour_of_a_seldom_reporter_is_a_baseline_too() -> None:
    readings = np.full((1, 1860), np.nan)
    readings[0, 29::30] = 60.0
    readings[0, -1] = 61.0
    assert compatible(readings)[0].reasons == ("z_score",)


def test_the_first_reading_of_all_is_answered_with_finite_figures() -> None:
    readings = np.full((1, 1860), np.nan)
    readings[0, -1] = 59.987
    score = compatible(readings)[0]
    assert (score.baseline_mean, score.baseline_std, score.z_score) == (59.987, 0.0, 0.0)
    assert score.reasons == ("warming_up",)


@given(st.floats(-0.5, 0.5), st.integers(0, 2**32 - 1))
def test_a_constant_added_to_everything_changes_nothing_but_the_level(shift: float, seed: int) -> None:
    readings = calm_grid(np.random.default_rng(seed), 1)
    before, after = compatible(readings)[0], compatible(readings + shift)[0]
    assert after.z_score == pytest.approx(before.z_score, abs=1e-6)
    assert after.baseline_mean == pytest.approx(before.baseline_mean + shift, abs=1e-9)


def test_the_windows_own_rows_are_left_as_they_are() -> None:
    readings = calm_grid(np.random.default_rng(5), 3)
    readings[0, 5] = np.inf
    copy = readings.copy()
    judged(readings)
    np.testing.assert_array_equal(readings, copy)
    assert window_of(readings).frequency_hz is readings
