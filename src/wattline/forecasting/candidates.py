"""What is fitted to a history, and the forecasts of every model that it is long enough for."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from wattline.forecasting import regression, seasonal, smoothing
from wattline.forecasting.grid import Grid, filled
from wattline.forecasting.model import Floats, InsufficientHistory, Ints
from wattline.forecasting.weather import features

FOLDS = 28
_SEED = 20_030
"""The search for parameters is the same search each time."""
_FEW = 7
"""Folds that are worth a shorter training."""


@dataclass(frozen=True, slots=True)
class Ready:
    """A grid with what every fit and forecast needs: its whole days without gaps, the features of its weather."""

    grid: Grid
    known: Floats
    weather: Floats | None


@dataclass(frozen=True, slots=True)
class Fitted:
    """Parameters for a history up to the beginning of its last day, and the rows from which the backtest sets out."""

    folds: Ints
    smoothing: smoothing.Smoothing | None = None
    regression: regression.Regression | None = None


def prepare(grid: Grid, names: tuple[str, ...] = ()) -> Ready:
    """`names` are the columns of the grid's weather."""
    weather = None if grid.weather is None else features(names, grid.weather)
    return Ready(grid, filled(grid.values[:-1]), weather)


def folds(days: int) -> Ints:
    """The rows of the backtest in a history of so many whole days: the last 28, or fewer where the models would starve."""
    for least in (regression.LEAST_DAYS, smoothing.LEAST_DAYS, 2 * seasonal.WEEK):
        if days - least >= _FEW:
            return np.arange(max(least, days - FOLDS), days)
    return np.arange(1, days)


def fit(ready: Ready) -> Fitted:
    """Fit every model that may be blended to the days before the last row of the grid.

    For the backtest with what is before it: the smoothing once, the regression for each of its weeks. Raises
    `InsufficientHistory` where there is weather and too little history to learn from it.
    """
    grid = ready.grid
    rows = folds(grid.today)
    first = int(rows[0])
    smooth, regress = None, None
    if first >= smoothing.LEAST_DAYS:
        smooth = smoothing.fit(grid, rows, np.random.default_rng(_SEED))
    if first >= regression.LEAST_DAYS:
        regress = regression.fit(grid, ready.known, ready.weather, rows)
    elif ready.weather is not None:
        need = regression.LEAST_DAYS + _FEW
        raise InsufficientHistory(
            f"a forecast with weather needs {need} days of it beside the history, there are {grid.today}", "/weather"
        )
    return Fitted(rows, smooth, regress)


def paths(ready: Ready, fitted: Fitted, ahead: int) -> dict[str, Floats]:
    """The forecasts of each candidate: from every fold and, in the last row, from the origin itself."""
    grid = ready.grid
    origins = np.append(fitted.folds, grid.today)
    found = {
        "seasonal_naive": seasonal.seasonal_naive(grid, origins, ahead),
        "seasonal_mean": seasonal.seasonal_mean(grid, origins, ahead),
    }
    if fitted.smoothing is not None:
        found["smoothing"] = smoothing.paths(grid, ahead, fitted.smoothing)
    if fitted.regression is not None:
        found["regression"] = regression.paths(grid, ready.known, ready.weather, origins, ahead, fitted.regression)
    return found
