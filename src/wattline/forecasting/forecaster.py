"""A forecast from a grid: fit, forecast from every fold and from the origin, choose, and say how good it is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from wattline.forecasting import candidates, scores, seasonal, selection
from wattline.forecasting.candidates import Fitted, Ready
from wattline.forecasting.grid import Grid
from wattline.forecasting.intervals import measure, quantile_errors
from wattline.forecasting.model import Backtest, Floats, InsufficientHistory, Ints, Question, Skill

LEAST_DAYS = 2
_HOURS = 24
_NIGHT = 0.001
"""A step that gave less than this share of the peak in all of the last days is one without sun."""
_NIGHTS = 28


@dataclass(frozen=True, slots=True)
class Outlook:
    """Values and quantiles (levels, steps) in kW for the steps asked for, and how such forecasts fared."""

    weights: dict[str, float]
    season_h: int | None
    values: Floats
    quantiles: Floats
    backtest: Backtest
    skill: Skill


def check(grid: Grid) -> None:
    """Raise `InsufficientHistory` with less than two days of data."""
    steps = int(np.isfinite(grid.values).sum())
    if steps < LEAST_DAYS * grid.per_day or grid.today < LEAST_DAYS:
        have = steps / grid.per_day
        raise InsufficientHistory(f"there are {have:.1f} days of data before as_of, {LEAST_DAYS} days are needed")


def forecast(ready: Ready, fitted: Fitted, question: Question, places: Ints) -> Outlook:
    """Answer for the steps at `places`, which count from the first step of the origin's day on. See `candidates`."""
    grid = ready.grid
    ahead = int(places.max()) // grid.per_day + 1
    used = slice(grid.slot, ahead * grid.per_day)
    actual = _actual(grid, fitted.folds, ahead)[:, used]
    paths = {name: path[:, used] for name, path in _paths(ready, fitted, question, ahead).items()}
    if question.target == "generation":
        paths = {name: np.maximum(path, 0.0) for name, path in paths.items()}
    before = {name: path[:-1] for name, path in paths.items()}
    if not np.isfinite(actual).any():
        raise InsufficientHistory(f"there are no data in the {len(fitted.folds)} days before as_of")
    weights: dict[str, float] = {question.model: 1.0}
    if question.model == "auto":
        weights = selection.choose({name: path for name, path in before.items() if name != "naive"}, actual)
    path = selection.mix(before, weights)
    errors = actual - path
    spread = quantile_errors(errors, question.quantiles, question.step_s)
    at = places - grid.slot
    values = selection.mix(paths, weights)[-1][at]
    quantiles = values + _without_gaps(spread)[:, at]
    if question.target == "generation":
        dark = _dark(grid)[places % grid.per_day]
        values = np.where(dark, 0.0, values)
        quantiles = np.where(dark, 0.0, np.maximum(quantiles, 0.0))
    season = _season(grid, question, weights)
    covered, loss = measure(actual, path, question.quantiles, question.step_s)
    error = scores.mean_of_known(np.abs(errors))
    backtest = Backtest(
        folds=len(fitted.folds),
        mase=scores.mase(errors, grid.values.ravel(), (season or _HOURS) * grid.per_day // _HOURS),
        mae_kw=error,
        rmse_kw=scores.root_mean_square(errors),
        pinball=loss,
        coverage_80=covered,
    )
    skill = Skill(*(_skill(before[name], actual, error) for name in ("naive", "seasonal_naive")))
    return Outlook(
        weights=weights,
        season_h=season,
        values=np.clip(values, question.lower, question.upper),
        quantiles=np.clip(quantiles, question.lower, question.upper),
        backtest=backtest,
        skill=skill,
    )


def _paths(ready: Ready, fitted: Fitted, question: Question, ahead: int) -> dict[str, Floats]:
    grid = ready.grid
    origins = np.append(fitted.folds, grid.today)
    simple = {"naive": seasonal.naive(grid, origins, ahead)}
    if question.model == "auto":
        return simple | candidates.paths(ready, fitted, ahead)
    simple["seasonal_naive"] = seasonal.seasonal_naive(grid, origins, ahead)
    if question.model == "seasonal_mean":
        simple["seasonal_mean"] = seasonal.seasonal_mean(grid, origins, ahead)
    return simple


def _actual(grid: Grid, rows: Ints, ahead: int) -> Floats:
    """What came after each fold, NaN where that is not known yet; shape (folds, ahead days x steps a day)."""
    padded = np.vstack([grid.values, np.full((ahead, grid.per_day), np.nan)])
    return np.asarray(padded[rows[:, None] + np.arange(ahead)].reshape(rows.size, -1))


def _season(grid: Grid, question: Question, weights: dict[str, float]) -> int | None:
    if set(weights) == {"naive"}:
        return None
    short = grid.known_days < 2 * seasonal.WEEK
    return _HOURS if short else _HOURS * seasonal.WEEK


def _skill(path: Floats, actual: Floats, error: float) -> float | None:
    return scores.skill(error, scores.mean_of_known(np.abs(actual - path)))


def _without_gaps(spread: Floats) -> Floats:
    """A step that no fold knows the outcome of takes the errors of the last step before it that has some, or of the first."""
    known = np.isfinite(spread[0])
    at = np.maximum.accumulate(np.where(known, np.arange(known.size), -1))
    return spread[:, np.where(at >= 0, at, np.argmax(known))]


def _dark(grid: Grid) -> np.ndarray:
    """The steps of the day that gave nothing in the last four weeks, as far as is known."""
    recent = grid.values[-_NIGHTS - 1 :]
    highest = np.where(np.isnan(recent), -1.0, recent).max(axis=0)
    return np.asarray((highest >= 0) & (highest <= _NIGHT * max(float(highest.max()), 0.0)))
