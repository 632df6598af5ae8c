"""What the models say of a grid: healthy, disturbed, badly instrumented, small, or empty."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wattline.analytics.limits import FIFTY_HERTZ, FrequencyLimits, limits_for
from wattline.analytics.model import FrequencyWindow, Score
from wattline.analytics.settings import Interconnection, ScoringSettings, Sensitivity
from wattline.analytics.verdicts import judge
from wattline.model.clock import SECOND
from wattline.model.errors import Invalid

from .windows import Matrix, calm_grid, judged, robust_scores, window_of

RNG_SEED = 11


@pytest.fixture
def grid() -> Matrix:
    """Six healthy substations."""
    return calm_grid(np.random.default_rng(RNG_SEED), 6)


def flagged(scores: list[Score]) -> list[str]:
    """The substations that are anomalous."""
    return [score.site for score in scores if score.is_anomaly]


def test_a_healthy_grid_is_not_flagged(grid: Matrix) -> None:
    assert flagged(robust_scores(grid)) == []
    assert all(score.reasons == () for score in robust_scores(grid))


def test_a_local_offset_is_seen_by_the_others(grid: Matrix) -> None:
    grid[2, -90:] += 0.030
    scores = robust_scores(grid)
    assert flagged(scores) == ["SUB002"]
    assert "residual" in scores[2].reasons


def test_an_offset_that_fills_the_whole_window_is_still_one(grid: Matrix) -> None:
    grid[2] += 0.030
    assert robust_scores(grid)[2].reasons == ("residual",)


def test_a_drift_does_not_become_normal(grid: Matrix) -> None:
    grid[1] += 0.020 / 3600 * np.arange(600, 2460)
    scores = robust_scores(grid)
    assert flagged(scores) == ["SUB001"]
    assert "residual" in scores[1].reasons


def test_a_dip_between_two_passes_is_not_missed(grid: Matrix) -> None:
    grid[3, -40:-37] -= 0.1
    scores = robust_scores(grid)
    assert flagged(scores) == ["SUB003"]
    assert {"residual", "step"} <= set(scores[3].reasons)


def test_a_dip_of_the_whole_system_is_everybodys_and_nobodys_own(grid: Matrix) -> None:
    grid[:, -40:-35] -= 0.1
    robust = judged(grid)[1]
    assert len(flagged(robust.scores)) == 6
    assert robust.common.all()
    assert all("residual" not in score.reasons for score in robust.scores)
    onset = robust.onset_us - robust.scores[0].time
    assert (onset == -40 * SECOND).all()


def test_clocks_that_differ_by_a_second_are_no_fault(grid: Matrix) -> None:
    grid[:, -30:] -= 0.2 * np.minimum(np.arange(30) / 4, 1.0)
    grid[0] = np.roll(grid[0], 1)
    assert "residual" not in robust_scores(grid)[0].reasons


def test_a_stuck_sensor_is_flat_after_two_minutes(grid: Matrix) -> None:
    grid[4, -115:] = grid[4, -115]
    assert "flatline" not in robust_scores(grid)[4].reasons
    grid[4, -125:] = grid[4, -125]
    assert "flatline" in robust_scores(grid)[4].reasons


def test_a_stuck_sensor_alone_stays_flat_when_its_past_is_flat_too(grid: Matrix) -> None:
    alone = grid[:1].copy()
    alone[0, -300:] = 60.0
    assert robust_scores(alone)[0].reasons == ("flatline",)
    alone[0] = 60.0
    assert judged(alone, flat={("utility", "SUB000")})[1].scores[0].reasons == ("flatline",)


def test_a_coarse_instrument_on_a_quiet_grid_is_not_stuck(grid: Matrix) -> None:
    coarse = np.round(grid, 1)
    assert flagged(robust_scores(coarse)) == []
    assert flagged(robust_scores(coarse[:1])) == []


def test_silence_is_stale_after_fifteen_seconds(grid: Matrix) -> None:
    grid[0, -13:] = np.nan
    grid[1, -15:] = np.nan
    scores = robust_scores(grid)
    assert scores[0].reasons == ()
    assert scores[1].reasons == ("stale",)
    assert scores[1].latest_value == grid[1, -16]


def test_a_seldom_reporter_is_stale_only_by_its_own_measure(grid: Matrix) -> None:
    grid[0, np.arange(1860) % 30 != 0] = np.nan
    assert "stale" not in robust_scores(grid)[0].reasons
    grid[0, -90:] = np.nan
    assert robust_scores(grid)[0].reasons == ("stale",)


def test_the_limits_are_those_of_the_nominal_frequency(grid: Matrix) -> None:
    grid -= 10.0
    settings_50 = ScoringSettings(tenants={"utility": Interconnection("central", FIFTY_HERTZ)})
    assert flagged(judged(grid, settings_50)[1].scores) == []
    assert all("limit" in score.reasons for score in robust_scores(grid))


def test_a_limit_needs_no_baseline(grid: Matrix) -> None:
    grid[:, :-30] = np.nan
    grid[:, -30:] = 59.4
    scores = robust_scores(grid)
    assert all(score.is_anomaly for score in scores)
    assert scores[0].reasons == ("limit", "limit_warning", "warming_up")


def test_a_grid_that_begins_is_warming_up_and_scores_nothing(grid: Matrix) -> None:
    grid[:, :-300] = np.nan
    compatible, robust = judged(grid)
    assert all((score.anomaly_score, score.z_score) == (0.0, 0.0) for score in compatible.scores)
    # What needs no baseline is judged all the same; a healthy grid gives it nothing to say.
    assert all(score.anomaly_score < 0.5 for score in robust.scores)
    assert all(score.reasons == ("warming_up",) for score in (*compatible.scores, *robust.scores))


def test_outside_the_normal_band_is_a_warning_that_does_not_flag() -> None:
    # The whole grid has been low for long, so nothing but the warning stands out.
    readings = calm_grid(np.random.default_rng(RNG_SEED), 6, wander_hz=0.0002) - 0.07
    scores = robust_scores(readings)
    assert all(score.reasons == ("limit_warning",) for score in scores)
    assert all(0.5 <= score.anomaly_score < 0.7 for score in scores)


@pytest.mark.parametrize("count", [1, 2])
def test_too_few_to_vote_have_no_residual(grid: Matrix, count: int) -> None:
    grid[0] += 0.030
    assert all("residual" not in score.reasons for score in robust_scores(grid[:count]))


def test_nothing_at_all_gives_no_scores() -> None:
    for verdict in judged(np.zeros((0, 1860))):
        assert verdict.scores == []


def test_a_substation_that_never_reported_has_no_score(grid: Matrix) -> None:
    grid[2] = np.nan
    for verdict in judged(grid):
        assert [score.site for score in verdict.scores] == ["SUB000", "SUB001", "SUB003", "SUB004", "SUB005"]


def test_constant_readings_are_calm_until_they_are_known_to_be_stuck() -> None:
    scores = robust_scores(np.full((4, 1860), 60.0))
    assert flagged(scores) == []
    assert all(math.isfinite(score.baseline_std) and score.z_score == 0.0 for score in scores)


def test_what_is_not_finite_counts_as_missing(grid: Matrix) -> None:
    missing, infinite = grid.copy(), grid.copy()
    missing[0, 100:900:7] = np.nan
    infinite[0, 100:900:7] = np.inf
    assert robust_scores(missing) == robust_scores(infinite)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32 - 1), st.permutations(range(5)))
def test_the_order_of_substations_does_not_matter(seed: int, order: list[int]) -> None:
    readings = calm_grid(np.random.default_rng(seed), 5)
    readings[0, -70:] += 0.02
    keys = [("utility", f"SUB{row:03d}") for row in range(5)]
    straight = judge(window_of(readings), ScoringSettings())
    shuffled = judge(window_of(readings[order], keys=[keys[row] for row in order]), ScoringSettings())
    for one, two in zip(straight, shuffled, strict=True):
        assert sorted(one.scores, key=lambda score: score.site) == sorted(two.scores, key=lambda score: score.site)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(-0.01, 0.01))
def test_a_shift_of_the_whole_grid_changes_no_residual_and_no_z(seed: int, shift: float) -> None:
    readings = calm_grid(np.random.default_rng(seed), 4, noise_hz=0.0015)
    readings[0, -70:] += 0.02
    for before, after in zip(robust_scores(readings), robust_scores(readings + shift), strict=True):
        if "limit" not in before.reasons and "limit" not in after.reasons:
            assert after.z_score == pytest.approx(before.z_score, abs=1e-4)
            assert set(after.reasons) ^ set(before.reasons) <= {"limit_warning"}


def test_tenants_and_interconnections_never_vote_on_each_other(grid: Matrix) -> None:
    grid[3:] += 0.030
    keys = [("a", "S0"), ("a", "S1"), ("a", "S2"), ("b", "S0"), ("b", "S1"), ("b", "S2")]
    apart = judge(window_of(grid, keys=keys), ScoringSettings())[1]
    assert flagged(apart.scores) == []
    one = [("a", f"S{row}") for row in range(6)]
    east = Interconnection("east", ScoringSettings().default.limits)
    split = ScoringSettings(substations=dict.fromkeys(one[3:], east))
    assert flagged(judge(window_of(grid, keys=one), split)[1].scores) == []
    assert flagged(judge(window_of(grid, keys=one), ScoringSettings())[1].scores) != []


def test_more_substations_than_one_block_are_scored_like_few() -> None:
    grid = calm_grid(np.random.default_rng(RNG_SEED), 300)
    grid[299, -90:] += 0.030
    assert flagged(robust_scores(grid)) == ["SUB299"]


def test_a_window_that_does_not_fit_its_keys_is_refused(grid: Matrix) -> None:
    window = window_of(grid)
    with pytest.raises(Invalid):
        FrequencyWindow(window.keys[1:], grid, 0, window.newest_us, window.newest_hz)
    with pytest.raises(Invalid):
        FrequencyWindow([window.keys[0]] * 6, grid, 0, window.newest_us, window.newest_hz)
    with pytest.raises(Invalid):
        FrequencyWindow(window.keys, grid, 0, window.newest_us[1:], window.newest_hz)
    with pytest.raises(Invalid):
        judge(FrequencyWindow(window.keys, grid[:, 1:], 0, window.newest_us, window.newest_hz), ScoringSettings())


def test_limits_are_stated_and_never_guessed() -> None:
    assert limits_for(50.0).alert_hz == 0.2
    assert limits_for(60.0).band(0.1) == (59.9, 60.1)
    for wrong in (55.0, 0.0, math.nan):
        with pytest.raises(Invalid):
            limits_for(wrong)
    with pytest.raises(Invalid):
        FrequencyLimits(60.0, 0.1, 0.05, 0.5)
    with pytest.raises(Invalid):
        Sensitivity(z_sigmas=0.0)
    with pytest.raises(Invalid):
        ScoringSettings(alerting_model="other")
