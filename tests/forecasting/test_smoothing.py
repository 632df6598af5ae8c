"""The smoothing, against its equations taken step by step."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.forecasting.series import demand, grid
from wattline.forecasting import smoothing
from wattline.forecasting.grid import Grid
from wattline.forecasting.model import Floats
from wattline.forecasting.smoothing import Parameters, Smoothing


def _slowly(of: Grid, origin: int, given: Parameters, steps: int) -> list[float]:
    """Forecasts from the grid's slot of the row `origin`, whose first steps before it are known."""
    per_day = of.per_day
    values = of.values[: origin + 1].copy()
    begun = values[:14]
    level = float(begun.mean())
    day = begun.mean(axis=0) - level
    week = np.array([begun[n::7].mean(axis=0) - level - day for n in range(7)])
    residual = 0.0
    for row in range(origin + 1):
        for step in range(per_day):
            if (row, step) == (origin, of.slot):
                ahead = [divmod(row * per_day + step + k, per_day) for k in range(steps)]
                return [level + day[s] + week[r % 7, s] + given.phi ** (k + 1) * residual for k, (r, s) in enumerate(ahead)]
            surprise = values[row, step] - level - day[step] - week[row % 7, step]
            level += given.level * surprise
            day[step] += given.day * surprise
            week[row % 7, step] += given.week * surprise
            residual = surprise
    raise AssertionError


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 99), st.tuples(*[st.floats(0, 0.9)] * 4), st.integers(0, 7))
def test_a_day_at_once_is_a_day_step_by_step(seed: int, shares: tuple[float, float, float, float], slot: int) -> None:
    of = grid(demand(30, 8, seed), slot)
    given_shares = Parameters(*shares)
    rows = np.array([25, of.today])
    states = smoothing.midnights(of, rows, given_shares)
    found = smoothing.paths(of, 9, Smoothing(rows, (given_shares,) * 2, tuple(states)))
    for row, origin in enumerate(rows):
        wanted = _slowly(of, int(origin), given_shares, 8 * 8)
        assert found[row, slot : slot + 64] == pytest.approx(wanted, rel=1e-9, abs=1e-9)


def _off(values: Floats, fitted: Smoothing, days: int) -> float:
    found = smoothing.paths(grid(values), 1, fitted)[:-1]
    return float(np.abs(found - values[-days:]).mean())


def test_it_learns_what_demand_is_made_of() -> None:
    values = demand(84)
    of = grid(values)
    folds = np.arange(56, 84)
    fitted = smoothing.fit(of, folds, np.random.default_rng(0))
    naive = float(np.abs(values[56:] - values[49:77]).mean())
    assert _off(values, fitted, 28) < 0.7 * naive
    lazy = Parameters(0.0, 0.0, 0.0, 0.0)
    still = Smoothing(folds, (lazy,) * 28, tuple(smoothing.midnights(of, folds, lazy)))
    assert float(np.abs(smoothing.paths(of, 1, still) - values[56:]).mean()) > _off(values, fitted, 28)


def test_gaps_leave_what_was_learnt() -> None:
    values = demand(60)
    gappy = values.copy()
    gappy[50, 6:18] = np.nan
    gappy[55] = np.nan
    folds = np.arange(40, 60)
    whole, holed = (smoothing.fit(grid(each), folds, np.random.default_rng(0)) for each in (values, gappy))
    assert np.isfinite(smoothing.paths(grid(gappy), 8, holed)).all()
    assert _off(values, holed, 20) < 1.5 * _off(values, whole, 20)


def test_the_parameters_of_the_backtest_know_nothing_of_it() -> None:
    values = demand(60)
    other = values.copy()
    other[40:] += 100
    folds = np.arange(40, 60)
    one, two = (smoothing.fit(grid(each), folds, np.random.default_rng(0)) for each in (values, other))
    assert one.parameters[0] == two.parameters[0]
    assert one.parameters[-1] != two.parameters[-1]
