"""Ridge regression of a day on the days before it: their same step, their level and end, the day of the week, the weather.

A day is forecast from its midnight. An origin within a day keeps what it knows, corrects the rest of the day by its last
residual, which fades, and goes on to the next day as if all of that had been measured; so each further day.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from wattline.forecasting.grid import Grid
from wattline.forecasting.model import Floats, Ints
from wattline.forecasting.ridge import Moments, Ridge

_REACH = 28
"""Days that a day looks back on."""
_FIRST = 14
"""The first day that has enough days before it."""
LEAST_DAYS = 42
_REFIT = 7
_FADES = np.append(0.0, 0.5 ** (1 / np.array([0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0])))
"""What may be left of a residual an hour later."""


@dataclass(frozen=True, slots=True)
class Regression:
    """Fits by the row from which they hold, ascending: each knows what was before.

    `fade` is what is left of a residual a step later.
    """

    since: Ints
    fits: tuple[Ridge, ...]
    fade: float


def fit(grid: Grid, known: Floats, weather: Floats | None, folds: Ints) -> Regression:
    """Fit for the origins `folds` (ascending rows), anew for each week of them, and for today.

    `known` are the grid's days without gaps; `weather` the features (days, steps, features) of the same days and the horizon.
    """
    rows = np.arange(_FIRST, grid.today)
    x = _design(_blocks(known, rows, 0), _REACH, grid.weekday[rows], _weather(weather, rows))
    y = grid.values[rows]
    since = np.unique(np.append(folds[::_REFIT], grid.today))
    begin, fits = 0, []
    moments = Moments(x[: max(1, int(since[0]) - _FIRST)])
    for row in since:
        end = int(row) - _FIRST
        moments.add(x[begin:end], y[begin:end])
        begin = end
        fits.append(moments.fit())
    unfading = Regression(since, tuple(fits), 0.0)
    errors = grid.values[folds] - _predict(unfading, folds, x[folds - _FIRST])
    return Regression(since, tuple(fits), _fade(errors))


def paths(grid: Grid, known: Floats, weather: Floats | None, origins: Ints, ahead: int, fitted: Regression) -> Floats:
    """Forecasts from each origin, at the grid's step of the day; shape (origins, ahead days x steps a day)."""
    block = _blocks(known, origins, ahead)
    slot = grid.slot
    for day in range(ahead):
        at = _REACH + day
        x = _design(block, at, grid.weekday[origins + day], _weather(weather, origins + day))
        block[:, at] = _predict(fitted, origins, x)
        if day == 0 and slot:
            seen = grid.values[origins][:, :slot]
            unknown = np.isnan(seen)
            residual = np.where(unknown[:, -1], 0.0, seen[:, -1] - block[:, at, slot - 1])
            left = fitted.fade ** np.arange(1, grid.per_day - slot + 1)
            block[:, at, slot:] += left * residual[:, None]
            block[:, at, :slot] = np.where(unknown, block[:, at, :slot], seen)
    return block[:, _REACH:].reshape(origins.size, -1)


def _blocks(known: Floats, rows: Ints, ahead: int) -> Floats:
    """The days before each row, and room for those ahead; before the first day there is NaN. Shape (rows, days, steps)."""
    padded = np.vstack([np.full((_REACH, known.shape[1]), np.nan), known])
    before = padded[rows[:, None] + np.arange(_REACH)]
    return np.concatenate([before, np.full((rows.size, ahead, known.shape[1]), np.nan)], axis=1)


def _design(block: Floats, at: int, weekday: Ints, weather: Floats | None) -> Floats:
    """The features of the day at this place of each block: shape (rows, steps, features)."""
    rows, _, steps = block.shape
    yesterday, week_ago, day_before_that = block[:, at - 1], block[:, at - 7], block[:, at - 8]
    two_hours, evening = -max(1, steps // 12), -max(1, steps // 4)
    same_weekday = block[:, [at - 7, at - 14, at - 21, at - 28]]
    of_steps = [yesterday, block[:, at - 2], week_ago, block[:, at - 14], _mean_of_known(same_weekday)]
    of_days = [
        yesterday[:, -1],
        day_before_that[:, -1],
        yesterday[:, two_hours:].mean(axis=1),
        day_before_that[:, two_hours:].mean(axis=1),
        yesterday[:, evening:].mean(axis=1),
        yesterday.mean(axis=1),
        week_ago.mean(axis=1),
        day_before_that.mean(axis=1),
        block[:, at - 7 : at].mean(axis=(1, 2)),
    ]
    made = np.concatenate([np.stack(of_days, axis=-1), np.eye(7)[weekday]], axis=-1)
    spread = np.broadcast_to(made[:, None, :], (rows, steps, made.shape[1]))
    parts = [np.stack(of_steps, axis=-1), spread]
    return np.concatenate(parts if weather is None else [*parts, weather], axis=-1)


def _mean_of_known(days: Floats) -> Floats:
    count = (~np.isnan(days)).sum(axis=1)
    return np.asarray(np.nansum(days, axis=1) / np.maximum(count, 1))


def _weather(features: Floats | None, rows: Ints) -> Floats | None:
    """Of the day itself, and of the days whose load it is compared with."""
    if features is None:
        return None
    return np.concatenate([features[rows], features[rows - 1], features[rows - 7]], axis=-1)


def _predict(fitted: Regression, origins: Ints, x: Floats) -> Floats:
    found = np.empty(x.shape[:2])
    which = np.searchsorted(fitted.since, origins, side="right") - 1
    for number in np.unique(which):
        of = which == number
        found[of] = fitted.fits[number].predict(x[of])
    return found


def _fade(errors: Floats) -> float:
    """How fast errors of a day fade from step to step: the rate that leaves the least of them."""
    steps = errors.shape[1]
    known = ~np.isnan(errors)
    error = np.where(known, errors, 0.0)
    lags = np.arange(1, steps)
    product = np.array([(error[:, lag:] * error[:, :-lag]).sum() for lag in lags])
    square = np.array([(error[:, :-lag] ** 2 * known[:, lag:]).sum() for lag in lags])
    rates = _FADES ** (24 / steps)
    left = rates[:, None] ** lags
    return float(rates[np.argmin((left**2 * square - 2 * left * product).sum(axis=1))])
