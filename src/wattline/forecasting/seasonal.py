"""Models that repeat what was: the last value, the season before, the mean of four seasons."""

from __future__ import annotations

import numpy as np

from wattline.forecasting.grid import Grid
from wattline.forecasting.model import Floats, Ints

WEEK = 7
_MEAN_OF = 4


def naive(grid: Grid, origins: Ints, ahead: int) -> Floats:
    """The last known value before each origin, for every step; shape (origins, ahead days x steps a day)."""
    flat = grid.values.ravel()
    latest = np.maximum.accumulate(np.where(np.isnan(flat), -1, np.arange(flat.size)))
    at = latest[np.maximum(origins * grid.per_day + grid.slot - 1, 0)]
    last = np.where(at >= 0, flat[at], np.nan)
    return np.repeat(last[:, None], ahead * grid.per_day, axis=1)


def seasonal_naive(grid: Grid, origins: Ints, ahead: int) -> Floats:
    """The same step one week before, or one day before with less than two weeks of history; see `naive` for the shape.

    Where that is unknown, the next older season; where all are, the same step of the latest day that has it, and then `naive`.
    """
    weekly = _seasons(grid, origins, ahead, WEEK, False)
    daily = _seasons(grid, origins, ahead, 1, False)
    return _first_known(grid, origins, ahead, weekly, daily)


def seasonal_mean(grid: Grid, origins: Ints, ahead: int) -> Floats:
    """The mean of the same step of the last four weeks, or days with less than two weeks; of those that are known.

    Where none is, what `seasonal_naive` says. See `naive` for the shape.
    """
    weekly = _seasons(grid, origins, ahead, WEEK, True)
    daily = _seasons(grid, origins, ahead, 1, True)
    means = _pick(grid, origins, weekly, daily)
    return np.where(np.isnan(means), seasonal_naive(grid, origins, ahead), means)


def _pick(grid: Grid, origins: Ints, weekly: Floats, daily: Floats) -> Floats:
    begun = grid.known_days - (grid.today - origins)
    return np.where((begun >= 2 * WEEK)[:, None], weekly, daily)


def _first_known(grid: Grid, origins: Ints, ahead: int, weekly: Floats, daily: Floats) -> Floats:
    best = _pick(grid, origins, weekly, daily)
    for other in (daily, naive(grid, origins, ahead)):
        best = np.where(np.isnan(best), other, best)
    return best


def _seasons(grid: Grid, origins: Ints, ahead: int, season: int, mean: bool) -> Floats:
    """The newest known value of each step's season, or the mean of the four newest seasons, of what an origin knows."""
    found = np.full((origins.size, ahead, grid.per_day), np.nan)
    for day in range(ahead):
        # The newest season that lies before the origin, at least in part.
        first = max(1, -(-day // season)) * season
        depth = first + (_MEAN_OF - 1) * season if mean else int(origins.max(initial=0)) + day
        past = (_past(grid, origins, origins + day - lag) for lag in range(first, depth + 1, season))
        if mean:
            found[:, day] = _mean(list(past))
        else:
            for values in past:
                found[:, day] = np.where(np.isnan(found[:, day]), values, found[:, day])
                if not np.isnan(found[:, day]).any():
                    break
    return found.reshape(origins.size, -1)


def _past(grid: Grid, origins: Ints, rows: Ints) -> Floats:
    """Rows of the history as an origin knows them: NaN before the beginning and from the origin on."""
    values = grid.values[np.clip(rows, 0, grid.today)]
    steps = np.arange(grid.per_day)
    known = (rows >= 0)[:, None] & ((rows < origins)[:, None] | ((rows == origins)[:, None] & (steps < grid.slot)))
    return np.where(known, values, np.nan)


def _mean(past: list[Floats]) -> Floats:
    stack = np.stack(past)
    count = (~np.isnan(stack)).sum(axis=0)
    return np.where(count > 0, np.nansum(stack, axis=0) / np.maximum(count, 1), np.nan)
