"""The regression: its sums against a plain solution, its origins, its weather."""

from __future__ import annotations

import numpy as np
import pytest

from tests.forecasting.series import demand, grid
from wattline.forecasting import regression, ridge, weather
from wattline.forecasting.grid import filled
from wattline.forecasting.model import Column, Floats


def _plain(x: Floats, y: Floats, wanted: Floats) -> Floats:
    """Predictions of a ridge regression of each step, weighted and centred as documented, one step at a time."""
    days, steps, count = x.shape
    hours = 24 / steps * np.arange(steps)
    centred = x - x.mean(axis=0)
    scale = np.sqrt((centred**2).sum(axis=(0, 1)) / (days * steps))
    centred, aim = centred / scale, y - y.mean(axis=0)
    found = np.empty(wanted.shape[:2])
    for step in range(steps):
        kernel = np.exp(-0.5 * ((hours - hours[step]) / 0.5) ** 2)
        kernel /= kernel.sum()
        xx = sum(kernel[s] * centred[:, s].T @ centred[:, s] for s in range(steps))
        xy = sum(kernel[s] * centred[:, s].T @ aim[:, s] for s in range(steps))
        beta = np.linalg.solve(xx + ridge.PENALTY * days * np.eye(count), xy)
        found[:, step] = y[:, step].mean() + ((wanted[:, step] - x[:, step].mean(axis=0)) / scale) @ beta
    return found


def test_sums_give_the_ridge_regression() -> None:
    rng = np.random.default_rng(1)
    x, wanted = rng.normal(5, 2, (40, 6, 3)), rng.normal(5, 2, (2, 6, 3))
    y = x @ np.array([1.0, -2.0, 0.5]) + rng.normal(0, 0.1, (40, 6))
    moments = ridge.Moments(x[:7])
    moments.add(x[:25], y[:25])
    moments.add(x[25:], y[25:])
    assert moments.fit().predict(wanted) == pytest.approx(_plain(x, y, wanted), rel=1e-9)


def test_unknown_targets_and_features_that_never_change_do_no_harm() -> None:
    rng = np.random.default_rng(2)
    x = rng.normal(0, 1, (60, 4, 3))
    x[:, :, 2] = 7.1
    y = 3 * x[:, :, 0]
    y[::5] = np.nan
    moments = ridge.Moments(x)
    moments.add(x, y)
    wanted = x[:2].copy()
    wanted[:, :, 2] = 1e6
    assert moments.fit().predict(wanted) == pytest.approx(3 * x[:2, :, 0], abs=0.1)


def test_each_origin_knows_only_what_is_before_it() -> None:
    values = demand(90)
    folds = np.arange(62, 90)
    of = grid(values)
    fitted = regression.fit(of, filled(values), None, folds)
    one = regression.paths(of, filled(values), None, folds[:10], 1, fitted)
    changed = values.copy()
    changed[72:] = 1000.0
    other = grid(changed)
    refitted = regression.fit(other, filled(changed), None, folds)
    # The row of errors fades by one rate for all, which plays no part at midnight.
    assert (regression.paths(other, filled(changed), None, folds[:10], 1, refitted) == one).all()


def test_a_history_that_repeats_itself_goes_on() -> None:
    week = demand(7)
    values = np.tile(week, (12, 1))
    of = grid(values)
    fitted = regression.fit(of, filled(values), None, np.arange(56, 84))
    found = regression.paths(of, filled(values), None, np.array([84]), 8, fitted).reshape(8, 24)
    assert found[:7] == pytest.approx(week, abs=0.2)


def test_an_origin_within_a_day_keeps_what_it_knows_and_corrects_the_rest() -> None:
    values = demand(90)
    values[-1, :12] += 5
    midnight, noon = grid(values[:-1]), grid(values, slot=12)
    known = filled(values[:-1])
    fitted = regression.fit(noon, known, None, np.arange(61, 89))
    assert 0 < fitted.fade < 1
    origin = np.array([89])
    before = regression.paths(midnight, known, None, origin, 2, fitted)[0]
    after = regression.paths(noon, known, None, origin, 2, fitted)[0]
    assert (after[:12] == values[-1, :12]).all()
    lift = after[12:24] - before[12:24]
    assert lift[0] > 2
    assert lift == pytest.approx((values[-1, 11] - before[11]) * fitted.fade ** np.arange(1, 13))
    assert after[24:48].mean() > before[24:48].mean()


def test_what_the_weather_explains_is_forecast_with_it() -> None:
    rng = np.random.default_rng(5)
    degrees = np.repeat(rng.uniform(0, 35, 100)[:, None], 24, axis=1)
    values = demand(99) + 0.5 * np.maximum(degrees[:99] - 18, 0) + 0.3 * np.maximum(16 - degrees[:99], 0)
    of, known, folds = grid(values), filled(values), np.arange(71, 99)
    made = np.concatenate([weather.features(("temperature",), degrees[:, :, None])])
    off = {}
    for name, features in (("without", None), ("with", made)):
        fitted = regression.fit(of, known, features, folds)
        found = regression.paths(of, known, features, folds, 1, fitted)
        off[name] = float(np.abs(found - values[71:]).mean())
    assert off["with"] < 0.4 * off["without"]


def test_weather_has_a_memory_of_its_own_past_alone() -> None:
    rng = np.random.default_rng(6)
    column = rng.uniform(0, 30, (6, 24, 1))
    made = weather.features(("temperature",), column)
    changed = column.copy()
    changed[4:] = 99
    assert (weather.features(("temperature",), changed)[:4] == made[:4]).all()
    flat = column.ravel()
    share, last = 1 - np.exp(-1 / 6), float(column[0].mean())
    slow = []
    for value in flat:
        last += share * (value - last)
        slow.append(last)
    assert any(np.allclose(made[:, :, number].ravel(), slow) for number in range(made.shape[2]))


def test_weather_between_two_values_lies_on_a_line() -> None:
    column = Column(np.array([0, 100]), np.array([10.0, 20.0]))
    found = weather.at_steps({"temperature": column, "humidity": column}, np.array([-5, 0, 50, 100, 200]))
    assert found[:, 0].tolist() == [10, 10, 15, 20, 20]
    assert (found[:, 1] == found[:, 0]).all()
