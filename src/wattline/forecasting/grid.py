"""A series laid out by the clock on the wall: a row for each local day, a column for each step of it.

So a season is a shift of rows whatever the zone does: of a day with 23 hours a stretch is unknown, of one with 25 hours a
stretch is the mean of its two passes.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from zoneinfo import ZoneInfo

import numpy as np

from wattline.billing.days import days
from wattline.forecasting.model import Floats, Ints
from wattline.model.clock import from_micros

DAY_S = 86_400
_SECOND = 1_000_000
_DAY = DAY_S * _SECOND
Slots = tuple[Ints, Ints]
"""The local day of each time, counted from 0 for the first, and its step within the day."""


def day_start(moment: int, zone: ZoneInfo, back: int = 0) -> int:
    """When the local day of a moment began, or the day so many days before; in us."""
    if back == 0:
        return days(moment, moment + 1, zone)[0][0]
    # Noon is far from every change of the clocks.
    noon = from_micros(moment).astimezone(zone).replace(hour=12, minute=0) - timedelta(days=back)
    moment = int(noon.timestamp()) * _SECOND
    return days(moment, moment + 1, zone)[0][0]


def slots(times: Ints, zone: ZoneInfo, step_s: int, origin: int) -> Slots:
    """Where ascending times (us) are on the wall; days are counted from the local day of `origin`, which is no later."""
    if not times.size:
        return np.empty(0, np.int64), np.empty(0, np.int64)
    bounds = np.array(days(int(times[0]), int(times[-1]) + 1, zone), np.int64)
    at = np.searchsorted(bounds[:, 0], times, side="right") - 1
    within = (times - bounds[at, 0]) // _SECOND
    odd = (bounds[:, 1] - bounds[:, 0] != _DAY)[at]
    within[odd] = [_on_the_wall(int(moment), zone) for moment in times[odd]]
    return at + _date(int(times[0]), zone) - _date(origin, zone), within // step_s


def _date(moment: int, zone: ZoneInfo) -> int:
    return from_micros(moment).astimezone(zone).date().toordinal()


def _on_the_wall(moment: int, zone: ZoneInfo) -> int:
    shown = from_micros(moment).astimezone(zone)
    return shown.hour * 3600 + shown.minute * 60 + shown.second


def lay_out(values: Floats, where: Slots, rows: int, per_day: int) -> Floats:
    """The mean of what is known of each place, NaN where nothing is; shape (rows, per_day)."""
    place = where[0] * per_day + where[1]
    known = ~np.isnan(values)
    count = np.bincount(place[known], minlength=rows * per_day)
    total = np.bincount(place[known], weights=values[known], minlength=rows * per_day)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan).reshape(rows, per_day)


@dataclass(frozen=True, slots=True)
class Grid:
    """A history up to its origin, which lies in its last row before the column `slot`; from there on it is NaN.

    `values` has the shape (days, steps a day) and begins with the first day that has data. `weekday` (Monday 0) and `weather`
    (days, steps a day, columns; None without any) go on for the days of the horizon.
    """

    values: Floats
    slot: int
    weekday: Ints
    weather: Floats | None = None

    @property
    def per_day(self) -> int:
        """Steps of a day."""
        return int(self.values.shape[1])

    @property
    def today(self) -> int:
        """The row of the origin."""
        return len(self.values) - 1

    @property
    def known_days(self) -> float:
        """How far the history reaches back, in days."""
        flat = np.flatnonzero(~np.isnan(self.values))
        return float(self.today * self.per_day + self.slot - flat[0]) / self.per_day if flat.size else 0.0


def filled(values: Floats) -> Floats:
    """Unknown steps replaced by the same step of a week before, or else of a day before: never by anything later.

    What has nothing before it (the very beginning) takes the first value known of that step, or 0.
    """
    full = values.copy()
    gaps = np.isnan(full)
    for day in np.flatnonzero(gaps.any(axis=1)):
        for lag in (7, 1):
            if day >= lag:
                full[day] = np.where(np.isnan(full[day]), full[day - lag], full[day])
    if np.isnan(full).any():
        later = np.where(gaps, np.nan, values)
        first = np.argmax(~np.isnan(later), axis=0)
        begin = later[first, np.arange(full.shape[1])]
        full = np.where(np.isnan(full), np.nan_to_num(begin), full)
    return full
