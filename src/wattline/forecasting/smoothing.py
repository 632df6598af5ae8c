"""Exponential smoothing with two seasons, of a day and of a week, and an autoregressive residual (Taylor 2003, additive).

A forecast is level + step of the day + step of the week + phi^k x the last residual. Within a day each step of a season changes
once, so the level is a first-order filter of what the seasons leave, which a triangular matrix applies to a whole day at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from wattline.forecasting.grid import Grid
from wattline.forecasting.model import Floats, Ints

WEEK = 7
LEAST_DAYS = 21
"""Two weeks for the first seasons, and one to learn from."""
LONGEST_DAYS = 84
"""Twelve weeks: what is older says little about the seasons now, and costs time."""
_CANDIDATES = 40
_BEST = 6
_ROUNDS = 5
_HIGHEST = np.array([1.0, 1.0, 1.0, 0.995])
_START = np.array([0.2, 0.6, 0.6, 0.995])
"""The first candidates are spread up to here: the level of a load is slow, its seasons less so."""


class Parameters(NamedTuple):
    """Shares of a surprise that the level, the season of the day and that of the week take, and the residual's memory."""

    level: float
    day: float
    week: float
    phi: float


@dataclass(slots=True)
class _State:
    """Of K candidates at once: the level (K), the seasons (K, steps) and (weekday, K, steps), the last residual (K)."""

    level: Floats
    day: Floats
    week: Floats
    residual: Floats

    def copy(self) -> _State:
        """One that changes by itself."""
        return _State(self.level.copy(), self.day.copy(), self.week.copy(), self.residual.copy())


@dataclass(frozen=True, slots=True)
class Smoothing:
    """The state at the midnight of each row of `origins`, and what it goes on with."""

    origins: Ints
    parameters: tuple[Parameters, ...]
    states: tuple[_State, ...]


class _Filter:
    """What K sets of parameters make of days."""

    def __init__(self, parameters: Floats, per_day: int) -> None:
        self._level, self._day, self._week, self._phi = (column[:, None] for column in parameters.T)
        age = np.arange(per_day)[:, None] - 1 - np.arange(per_day)[None, :]
        self._kept = (1 - self._level) ** np.arange(per_day)
        self._weights = np.where(age >= 0, self._level[:, :, None] * self._kept[:, np.maximum(age, 0)], 0.0)
        self._powers = self._phi ** np.arange(1, per_day + 1)

    def ahead(self, state: _State, weekday: int) -> Floats:
        """The forecasts of the next day."""
        seasons = state.day + state.week[weekday]
        return np.asarray(state.level[:, None] + seasons + self._powers * state.residual[:, None])

    def take(self, state: _State, weekday: int, actual: Floats, expected: Floats) -> None:
        """Go on by the known steps of a day, from its first; an unknown one counts as what was expected of it."""
        steps = actual.size
        if not steps:
            return
        values = np.where(np.isnan(actual), expected[:, :steps], actual)
        rest = values - state.day[:, :steps] - state.week[weekday, :, :steps]
        level = self._kept[:, :steps] * state.level[:, None]
        level += (self._weights[:, :steps, :steps] @ rest[:, :, None])[:, :, 0]
        surprise = rest - level
        state.day[:, :steps] += self._day * surprise
        state.week[weekday, :, :steps] += self._week * surprise
        state.level = level[:, -1] + self._level[:, 0] * surprise[:, -1]
        state.residual = surprise[:, -1]


def _start(values: Floats, weekday: Ints, candidates: int) -> _State:
    """The means of the first two weeks."""
    weeks = values[: 2 * WEEK]
    mean = float(np.nanmean(weeks)) if not np.isnan(weeks).all() else 0.0
    day = _means(weeks) - mean
    week = np.zeros((WEEK, candidates, values.shape[1]))
    for number in range(WEEK):
        week[number] = np.nan_to_num(_means(weeks[weekday[: len(weeks)] == number]) - mean - day)
    return _State(np.full(candidates, mean), np.tile(np.nan_to_num(day), (candidates, 1)), week, np.zeros(candidates))


def _means(rows: Floats) -> Floats:
    count = (~np.isnan(rows)).sum(axis=0)
    return np.where(count > 0, np.nansum(rows, axis=0) / np.maximum(count, 1), np.nan)


def fit(grid: Grid, folds: Ints, random: np.random.Generator) -> Smoothing:
    """Fit for the origins `folds` (ascending rows), with what is before the first of them, and for today with all before it.

    There are at least `LEAST_DAYS` before the first.
    """
    before, now = (search(grid.values[:row], grid.weekday[:row], random) for row in (int(folds[0]), grid.today))
    today = np.array([grid.today])
    states = (*midnights(grid, folds, before), *midnights(grid, today, now))
    return Smoothing(np.append(folds, today), (*(before for _ in folds), now), states)


def search(values: Floats, weekday: Ints, random: np.random.Generator) -> Parameters:
    """The parameters whose forecasts of each next day, made at its midnight, have the least squared error.

    By samples around the best ones so far. `values` (days, steps) may hold NaN.
    """
    values, weekday = values[-LONGEST_DAYS:], weekday[-LONGEST_DAYS:]
    candidates = _START * random.random((_CANDIDATES, 4))
    candidates[:, 0] *= random.random(_CANDIDATES)
    best, scores = np.empty((0, 4)), np.empty(0)
    for _ in range(_ROUNDS):
        best = np.vstack([best, candidates])
        scores = np.concatenate([scores, _errors(values, weekday, candidates)])
        order = np.argsort(scores, kind="stable")[:_BEST]
        best, scores = best[order], scores[order]
        around = best[random.integers(0, _BEST, _CANDIDATES)]
        spread = best.std(axis=0) + 0.005
        candidates = np.clip(around + spread * random.standard_normal((_CANDIDATES, 4)), 0, _HIGHEST)
    return Parameters(*map(float, best[0]))


def _errors(values: Floats, weekday: Ints, candidates: Floats) -> Floats:
    state = _start(values, weekday, len(candidates))
    passing = _Filter(candidates, values.shape[1])
    total = np.zeros(len(candidates))
    for number, (day, actual) in enumerate(zip(weekday, values, strict=True)):
        expected = passing.ahead(state, int(day))
        if number >= 2 * WEEK:
            total += np.nansum((actual - expected) ** 2, axis=1)
        passing.take(state, int(day), actual, expected)
    return total


def midnights(grid: Grid, rows: Ints, parameters: Parameters) -> list[_State]:
    """The states at the beginning of rows, ascending."""
    begin = max(0, int(rows[0]) - LONGEST_DAYS)
    values, weekday = grid.values[begin:], grid.weekday[begin:]
    state = _start(values, weekday, 1)
    passing = _Filter(np.array([parameters]), grid.per_day)
    found: list[_State] = []
    for number in range(int(rows[-1]) - begin + 1):
        if begin + number == rows[len(found)]:
            found.append(state.copy())
        day = int(weekday[number])
        passing.take(state, day, values[number], passing.ahead(state, day))
    return found


def paths(grid: Grid, ahead: int, fitted: Smoothing) -> Floats:
    """Forecasts from each origin that was fitted, at the grid's step of the day; shape (origins, ahead days x steps a day)."""
    found = np.empty((fitted.origins.size, ahead * grid.per_day))
    for row, origin in enumerate(fitted.origins):
        parameters, state = fitted.parameters[row], fitted.states[row]
        if row == 0 or parameters is not fitted.parameters[row - 1]:
            passing = _Filter(np.array([parameters]), grid.per_day)
        weekday = grid.weekday[origin : origin + ahead]
        if grid.slot:
            state = state.copy()
            day = int(weekday[0])
            passing.take(state, day, grid.values[origin, : grid.slot], passing.ahead(state, day))
        seasons = state.day[0] + state.week[weekday, 0]
        since = np.maximum(np.arange(seasons.size) - grid.slot + 1, 0)
        found[row] = state.level[0] + seasons.ravel() + parameters.phi**since * state.residual[0]
    return found
