"""Forecasts of meters, groups and accounts."""

from __future__ import annotations

import asyncio
from typing import Generic
from zoneinfo import ZoneInfo

import numpy as np

from wattline.forecasting import candidates, forecaster, layout
from wattline.forecasting.candidates import Fitted
from wattline.forecasting.fits import Fits, key_of
from wattline.forecasting.grid import Grid
from wattline.forecasting.history import History, Subject
from wattline.forecasting.layout import Span
from wattline.forecasting.model import Floats, Forecast, InsufficientHistory, Ints, Question, Training
from wattline.model.clock import DAY, Clock
from wattline.model.errors import Fault, Faulty, Unavailable

LONGEST_DAYS = 371
"""A year and a week: with weather, a model should have seen every season."""
_EARLIEST = 2 * 365 * DAY
"""The whole history of the first moment must lie after 1970."""
MOST_ASKED = 128
"""Forecasts that are asked for at once, with what they read."""


class Forecasting(Generic[Subject]):
    """Reads the history, fits what it has not fitted yet, answers.

    Answers are made one at a time, and fits one at a time beside them: who needs no fit waits for none.
    """

    def __init__(self, history: History[Subject], clock: Clock) -> None:
        self._history = history
        self._clock = clock
        self._fits = Fits()
        self._asked = 0
        self._turn = asyncio.Lock()

    async def forecast(self, subject: Subject, zone: ZoneInfo, question: Question) -> Forecast:
        """Answer a question about the power of a subject, with the seasons of a time zone.

        Nothing after `question.as_of` is looked at. Raises `Faulty` for a moment that is yet to come or long ago and for
        weather that does not reach far enough, `InsufficientHistory`, and `Unavailable` where too many ask.
        """
        if not _EARLIEST <= question.as_of <= self._clock.micros():
            code, detail = ("too_old", "before 1972") if question.as_of < _EARLIEST else ("future", "yet to come")
            raise Faulty([Fault("/as_of", code, f"this moment is {detail}")])
        if self._asked >= MOST_ASKED:
            raise Unavailable("too many forecasts are asked for at once", self._fits.seconds)
        self._asked += 1
        try:
            return await self._answer(subject, zone, question)
        finally:
            self._asked -= 1

    async def _answer(self, subject: Subject, zone: ZoneInfo, question: Question) -> Forecast:
        span = layout.span(question, zone, LONGEST_DAYS)
        past = await self._history.power(
            subject, question.target, span.start, span.read_until, as_of=question.as_of, live=question.live
        )
        span, power = _from_first(*layout.since_weather(past.power, span, question))
        names = tuple(question.weather)
        async with self._turn:
            grid, places, key = await asyncio.to_thread(_laid_out, power, span, question)
        if question.model == "auto":
            fitted = await self._fits.of(key, grid, names)
        else:
            fitted = Fitted(candidates.folds(grid.today))
        async with self._turn:
            made = await asyncio.to_thread(
                lambda: forecaster.forecast(candidates.prepare(grid, names), fitted, question, places)
            )
        completeness = 100 * float(np.isfinite(power).mean())
        return Forecast(
            model=question.model,
            weights=made.weights,
            season_h=made.season_h,
            times=span.times,
            values=made.values,
            quantiles=made.quantiles,
            training=Training(span.start, span.origin, completeness, past.silent),
            backtest=made.backtest,
            skill=made.skill,
            weather=names,
        )


def _laid_out(power: Floats, span: Span, question: Question) -> tuple[Grid, Ints, bytes]:
    """The grid, where in it the steps to be forecast are, and the key of what is fitted to it."""
    grid, places = layout.grid(power, span, question)
    forecaster.check(grid)
    return grid, places, key_of(grid, tuple(question.weather))


def _from_first(span: Span, power: Floats) -> tuple[Span, Floats]:
    """Without what is before the first data."""
    known = np.flatnonzero(np.isfinite(power))
    if not known.size:
        raise InsufficientHistory(
            f"there are no data in the {LONGEST_DAYS} days before as_of whose course is known: of what a register counts over "
            "more than two intervals of its meter (interval_s) only the sum is"
        )
    first = int(known[0])
    return span.beginning(first), power[first:]
