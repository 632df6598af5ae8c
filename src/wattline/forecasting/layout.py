"""From a history of quarter hours to a grid of local days, and from the places of the grid back to times."""

from __future__ import annotations

from dataclasses import dataclass, replace
from zoneinfo import ZoneInfo

import numpy as np

from wattline.forecasting.grid import Grid, day_start, lay_out, slots
from wattline.forecasting.model import Column, Floats, Ints, Question
from wattline.forecasting.weather import at_steps
from wattline.model.clock import from_micros
from wattline.model.errors import Fault, Faulty

_SECOND = 1_000_000
_HOUR = 3600 * _SECOND
WIDTH = _HOUR // 4
"""The history comes in quarter hours, in us: every zone's day begins on one."""
_LONGEST_GAP = 24 * _HOUR


@dataclass(frozen=True, slots=True)
class Span:
    """A history from `start` up to `origin` and the times of the steps to be forecast, in us."""

    start: int
    origin: int
    times: Ints
    zone: ZoneInfo

    @property
    def quarters(self) -> int:
        """How many whole quarter hours the history has."""
        return (self.origin - self.start) // WIDTH

    @property
    def read_until(self) -> int:
        """The end of the last of them."""
        return self.start + self.quarters * WIDTH

    def beginning(self, quarter: int) -> Span:
        """Without the first so many quarter hours."""
        return replace(self, start=self.start + quarter * WIDTH)


def span(question: Question, zone: ZoneInfo, days: int) -> Span:
    """So many days, and the part of today before the step that holds `as_of`. Steps are counted from the local midnight."""
    step = question.step_s * _SECOND
    origin = question.as_of - (question.as_of - day_start(question.as_of, zone)) % step
    count = question.horizon_h * _HOUR // step
    start = day_start(question.as_of, zone, days)
    return Span(start - start % WIDTH, origin, origin + np.arange(count) * step, zone)


def since_weather(power: Floats, of: Span, question: Question) -> tuple[Span, Floats]:
    """The history from where all columns of the weather begin; all of it without weather.

    Raises `Faulty` where they do not reach over the horizon.
    """
    faults = [fault for name, column in question.weather.items() for fault in _faults(name, column, of)]
    if faults:
        raise Faulty(faults)
    begin = max((int(column.times[0]) for column in question.weather.values()), default=of.start)
    late = min(max(0, -(-(begin - of.start) // WIDTH)), of.quarters)
    return of.beginning(late), power[late:]


def grid(power: Floats, of: Span, question: Question) -> tuple[Grid, Ints]:
    """The grid of a history, and where in it the steps to be forecast are, counted from the first step of the origin's day."""
    per_day = 86_400 // question.step_s
    past = slots(of.start + np.arange(power.size) * WIDTH, of.zone, question.step_s, of.start)
    day, slot = slots(np.append(of.origin, of.times), of.zone, question.step_s, of.start)
    today, rows = int(day[0]), int(day[-1]) + 1
    weekday = (from_micros(of.start).astimezone(of.zone).weekday() + np.arange(rows)) % 7
    weather = _weather(question, of, rows, per_day) if question.weather else None
    laid = Grid(lay_out(power, past, today + 1, per_day), int(slot[0]), weekday, weather)
    return laid, (day[1:] - today) * per_day + slot[1:]


def _weather(question: Question, of: Span, rows: int, per_day: int) -> Floats:
    """The columns in the middle of every step from the first local day to the last: shape (days, steps, columns)."""
    begin = day_start(of.start, of.zone)
    times = np.arange(begin, int(of.times[-1]) + 1, WIDTH)
    where = slots(times, of.zone, question.step_s, of.start)
    values = at_steps(question.weather, times + WIDTH // 2)
    columns = [_bridged(lay_out(column, where, rows, per_day)) for column in values.T]
    return np.stack(columns, axis=-1)


def _bridged(values: Floats) -> Floats:
    """With lines over the hour that a day in spring does not have, and level after the last step."""
    flat = values.ravel()
    known = np.flatnonzero(np.isfinite(flat))
    return np.interp(np.arange(flat.size), known, flat[known]).reshape(values.shape)


def _faults(name: str, column: Column, of: Span) -> list[Fault]:
    where = f"/weather/{name}"
    if column.times.size < 2:
        return [Fault(where, "too_few", "weather has two values at the least")]
    if int(column.times[-1]) < int(of.times[-1]):
        return [Fault(where, "too_short", "the weather must reach to the beginning of the last step of the horizon")]
    gap = int(np.argmax(np.diff(column.times) > _LONGEST_GAP))
    if int(column.times[gap + 1] - column.times[gap]) > _LONGEST_GAP:
        return [Fault(f"{where}/{gap + 1}", "gap", "there must be no more than 24 hours between two values")]
    return []
