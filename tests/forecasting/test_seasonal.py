"""The simple models, against a slow look-up value by value."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.forecasting.series import demand, grid
from wattline.forecasting import seasonal
from wattline.forecasting.grid import Grid

Known = Callable[[int, int], float]


def _known(of: Grid, origin: int) -> Known:
    def value(day: int, step: int) -> float:
        if day < 0 or (day, step) >= (origin, of.slot):
            return np.nan
        return float(of.values[day, step])

    return value


def _newest(value: Known, day: int, step: int, season: int, origin: int) -> list[float]:
    """Known values of a step's seasons, the newest first."""
    lags = range(season, day + 1, season)
    return [value(day - lag, step) for lag in lags if day - lag <= origin]


def _slow_naive(of: Grid, origin: int, day: int, step: int, season: int) -> float:
    value = _known(of, origin)
    for each in (season, 1):
        for candidate in _newest(value, day, step, each, origin):
            if not np.isnan(candidate):
                return candidate
    before = [value(d, s) for d in range(origin + 1) for s in range(of.per_day)]
    return next((one for one in reversed(before) if not np.isnan(one)), np.nan)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32), st.integers(3, 40), st.integers(0, 3), st.floats(0, 0.7))
def test_the_same_step_of_the_season_before_or_of_an_older_one(seed: int, days: int, slot: int, gaps: float) -> None:
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(days, 4))
    values[rng.random(values.shape) < gaps] = np.nan
    values[0, 0] = 1.0
    of = grid(values, slot)
    origins = np.array([of.today // 2, of.today])
    found = seasonal.seasonal_naive(of, origins, 8).reshape(2, 8, 4)
    for row, origin in enumerate(origins):
        season = 7 if origin + slot / 4 >= 14 else 1
        for ahead in range(8):
            for step in range(4):
                if (ahead, step) >= (0, slot):
                    wanted = _slow_naive(of, int(origin), int(origin) + ahead, step, season)
                    assert found[row, ahead, step] == pytest.approx(wanted, nan_ok=True)


def test_naive_repeats_the_last_known_value() -> None:
    values = demand(5)
    values[-1, 8:11] = np.nan
    of = grid(values, slot=11)
    assert (seasonal.naive(of, np.array([4]), 2) == values[-1, 7]).all()
    assert seasonal.naive(of, np.array([3]), 1)[0, 0] == values[3, 10]


def test_the_mean_is_of_the_known_ones_of_four_weeks() -> None:
    values = demand(40)
    values[33 - 7 : 33 - 6] = np.nan
    of = grid(values)
    found = seasonal.seasonal_mean(of, np.array([33, 40]), 1)
    assert found[0] == pytest.approx(values[[33 - 14, 33 - 21, 33 - 28]].mean(axis=0))
    assert found[1] == pytest.approx(np.nanmean(values[[33, 26, 19, 12]], axis=0))


def test_the_mean_of_a_short_history_is_of_days() -> None:
    values = demand(6)
    assert seasonal.seasonal_mean(grid(values), np.array([6]), 1)[0] == pytest.approx(values[-4:].mean(axis=0))


def test_a_forecast_of_a_week_ends_with_what_is_known_of_today() -> None:
    values = demand(30)
    of = grid(values, slot=5)
    found = seasonal.seasonal_naive(of, np.array([29]), 8).reshape(8, 24)
    assert found[7, :5] == pytest.approx(values[29, :5])
    assert found[0, 5:] == pytest.approx(values[22, 5:])


def test_a_whole_week_is_the_last_one_again() -> None:
    values = demand(28)
    found = seasonal.seasonal_naive(grid(values), np.array([28]), 7)
    assert found.ravel() == pytest.approx(values[-7:].ravel())
