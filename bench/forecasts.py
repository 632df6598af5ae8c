"""Forecasts of a day ahead on public demand: how far off, how honest the interval, how long they take.

Every day of the test window is forecast from its midnight with a model fitted anew to what was before it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from bench.figure import Figure, percentile
from bench.forecast_data import PER_DAY, Demand, series
from bench.runner import Context
from wattline.forecasting import candidates, forecaster
from wattline.forecasting.grid import Grid
from wattline.forecasting.history import Past
from wattline.forecasting.model import Question, Target
from wattline.forecasting.scores import coverage
from wattline.forecasting.service import Forecasting
from wattline.model.clock import DAY, MINUTE, ManualClock, to_micros

QUARTER = 15 * MINUTE
CALLS = 28
OFF_MOST = 4.0
"""The 80 % interval may cover 76 to 84 %."""
ERRORS = {"England and Wales": 1.10, "Victoria": 4.9, "Victoria with temperature": 3.8}
"""Mean absolute percentage errors asked for."""


def forecasts(_context: Context) -> Sequence[Figure]:
    """Takes about half a minute."""
    england, victoria = series()
    plain = Demand(victoria.name, victoria.values, victoria.weekday)
    warm = Demand(f"{victoria.name} with temperature", victoria.values, victoria.weekday, victoria.temperature)
    figures = [*_quality(england, 28), *_quality(plain, 56), *_quality(warm, 56)]
    taken = asyncio.run(_durations(victoria))
    figures.append(
        Figure(
            "forecast of a meter's quarter hours, fitted",
            percentile(taken, 50),
            "ms",
            "less",
            target=50,
            p50=percentile(taken, 50),
            p99=percentile(taken, 99),
        )
    )
    return figures


def _quality(demand: Demand, days: int) -> list[Figure]:
    """The error and the coverage over the last days of a series."""
    found, low, high = (np.empty((days, PER_DAY)) for _ in range(3))
    first = len(demand.values) - days
    names = () if demand.temperature is None else ("temperature",)
    question = Question(as_of=0, step_s=1800, model="auto")
    for day in range(days):
        ready = candidates.prepare(_known(demand, first + day), names)
        made = forecaster.forecast(ready, candidates.fit(ready), question, np.arange(PER_DAY))
        found[day], low[day], high[day] = made.values, made.quantiles[0], made.quantiles[-1]
    actual = demand.values[first:]
    naive = demand.values[first - 7 : -7]
    covered = coverage(actual, low, high)
    error = Figure(
        f"forecast of {demand.name}: MAPE",
        _mape(actual, found),
        "%",
        "less",
        target=ERRORS[demand.name],
        detail={"days": days, "seasonal_naive": _mape(actual, naive)},
    )
    off = Figure(
        f"forecast of {demand.name}: 80 % interval off by",
        abs(covered - 80),
        "% of all",
        "less",
        target=OFF_MOST,
        detail={"covered": covered},
    )
    return [error, off]


def _known(demand: Demand, day: int) -> Grid:
    """What is known at the midnight that begins a day; the temperature of that day is given."""
    values = np.vstack([demand.values[:day], np.full((1, PER_DAY), np.nan)])
    weekday = (demand.weekday + np.arange(day + 1)) % 7
    weather = None if demand.temperature is None else demand.temperature[: day + 1, :, None]
    return Grid(values, 0, weekday, weather)


def _mape(actual: NDArray[np.float64], found: NDArray[np.float64]) -> float:
    return 100 * float(np.mean(np.abs(actual - found) / actual))


class _Year:
    """A year of quarter hours in memory."""

    def __init__(self, demand: Demand, end: int) -> None:
        self._values = np.repeat(demand.values.ravel(), 2)
        self._begun = end - self._values.size * QUARTER

    async def power(self, _subject: None, _target: Target, start: int, end: int, *, as_of: int, live: bool) -> Past:
        at = (start - self._begun) // QUARTER + np.arange((end - start) // QUARTER)
        known = (at >= 0) & (at < self._values.size)
        return Past(np.where(known, self._values[np.clip(at, 0, self._values.size - 1)], np.nan))


async def _durations(demand: Demand) -> list[float]:
    """Seconds that calls take in the course of a day, after the first one has fitted the models."""
    end = to_micros(datetime(2015, 1, 1, tzinfo=UTC))
    service = Forecasting(_Year(demand, end), ManualClock(datetime(2015, 1, 1, tzinfo=UTC)))
    taken = []
    for call in range(CALLS + 1):
        question = Question(as_of=end - DAY + call * QUARTER, step_s=900, model="auto")
        begun = time.perf_counter()
        await service.forecast(None, ZoneInfo("UTC"), question)
        taken.append(time.perf_counter() - begun)
    return taken[1:]
