"""Forecasts of meters, groups and accounts."""

from __future__ import annotations

import asyncio
import hashlib
from collections import OrderedDict
from typing import Generic
from zoneinfo import ZoneInfo

import numpy as np

from wattline.forecasting import candidates, forecaster, layout
from wattline.forecasting.candidates import Fitted, Ready
from wattline.forecasting.history import History, Subject
from wattline.forecasting.layout import Span
from wattline.forecasting.model import Floats, Forecast, InsufficientHistory, Question, Training
from wattline.model.clock import DAY, Clock
from wattline.model.errors import Fault, Faulty

LONGEST_DAYS = 371
"""A year and a week: with weather, a model should have seen every season."""
_EARLIEST = 2 * 365 * DAY
"""The whole history of the first moment must lie after 1970."""
_KEPT = 128
"""Fitted models in memory; one for quarter hours takes 0.4 MB, with weather 0.8 MB."""


class Forecasting(Generic[Subject]):
    """Reads the history, fits what it has not fitted yet, answers; one at a time, so that others get the processor too."""

    def __init__(self, history: History[Subject], clock: Clock) -> None:
        self._history = history
        self._clock = clock
        self._fitted: OrderedDict[bytes, Fitted] = OrderedDict()
        self._turn = asyncio.Lock()

    async def forecast(self, subject: Subject, zone: ZoneInfo, question: Question) -> Forecast:
        """Answer a question about the power of a subject, with the seasons of a time zone.

        Nothing after `question.as_of` is looked at. Raises `Faulty` for a moment that is yet to come or long ago and for
        weather that does not reach far enough, and `InsufficientHistory`.
        """
        if not _EARLIEST <= question.as_of <= self._clock.micros():
            code, detail = ("too_old", "before 1972") if question.as_of < _EARLIEST else ("future", "yet to come")
            raise Faulty([Fault("/as_of", code, f"this moment is {detail}")])
        span = layout.span(question, zone, LONGEST_DAYS)
        past = await self._history.power(subject, question.target, span.start, span.read_until, as_of=question.as_of)
        span, power = _from_first(*layout.since_weather(past.power, span, question))
        async with self._turn:
            made = await asyncio.to_thread(self._make, power, span, question)
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
            weather=tuple(question.weather),
        )

    def _make(self, power: Floats, span: Span, question: Question) -> forecaster.Outlook:
        grid, places = layout.grid(power, span, question)
        forecaster.check(grid)
        ready = candidates.prepare(grid, tuple(question.weather))
        fitted = self._fit(ready, question) if question.model == "auto" else Fitted(candidates.folds(grid.today))
        return forecaster.forecast(ready, fitted, question, places)

    def _fit(self, ready: Ready, question: Question) -> Fitted:
        """The models fitted to the days before today. They stay the same all day, unless late data come."""
        grid = ready.grid
        known = hashlib.blake2b(repr((grid.values.shape, int(grid.weekday[0]), tuple(question.weather))).encode())
        known.update(grid.values[:-1].tobytes())
        if grid.weather is not None:
            known.update(grid.weather[: grid.today].tobytes())
        key = known.digest()
        found = self._fitted.get(key)
        if found is None:
            found = candidates.fit(ready)
            self._fitted[key] = found
            if len(self._fitted) > _KEPT:
                self._fitted.popitem(last=False)
        self._fitted.move_to_end(key)
        return found


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
