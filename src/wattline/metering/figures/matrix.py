"""The matrix of a calendar: a figure for each local date or weekday, and each hour or half hour."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal
from zoneinfo import ZoneInfo

import numpy as np

from wattline.metering.energy.register import Floats, Ints
from wattline.metering.figures.calendar import local
from wattline.metering.figures.cost import Rates
from wattline.metering.figures.kpi import percent, rounded
from wattline.metering.figures.profile import Profile
from wattline.model.clock import DAY, HOUR, MINUTE, from_micros

Value = Literal["energy", "avg_power", "peak", "cost"]
RowsBy = Literal["date", "weekday"]
ColumnsBy = Literal["hour", "halfhour"]
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
WIDTHS: dict[str, int] = {"hour": HOUR, "halfhour": 30 * MINUTE}
FIRST_WEEKDAY = 3
"""1970-01-01 was a Thursday."""


@dataclass(frozen=True, slots=True)
class Change:
    """A cell of a day on which the clocks were changed: its local time is missing, or it came twice."""

    date: str
    column: str
    kind: Literal["missing", "repeated"]


@dataclass(frozen=True, slots=True)
class Matrix:
    """`values` has one list a row; None where nothing is known. `total` is the sum of what can be added up, else None."""

    unit: str | None
    rows: Sequence[str]
    columns: Sequence[str]
    values: Sequence[Sequence[float | None]]
    low: float | None
    high: float | None
    total: float | None
    coverage_pct: float | None
    dst: Sequence[Change]


def matrix(
    profile: Profile, zone: ZoneInfo, value: Value, rows: RowsBy, columns: ColumnsBy, rates: Rates | None = None
) -> Matrix:
    """The matrix of a profile. Costs need rates, and are None without."""
    clock = local(profile.times, zone)
    width = WIDTHS[columns]
    date, column = clock // DAY, clock % DAY // width
    # An interval that is cut at the begin of the period can belong to the day before.
    first, last = (int(each) for each in (date[0], date[-1])) if len(date) else (0, -1)
    days = last - first + 1
    row = date - first if rows == "date" else (date + FIRST_WEEKDAY) % 7
    shape = (days if rows == "date" else 7, DAY // width)
    place = row * shape[1] + column
    values = _values(profile, value, rates, place, shape[0] * shape[1])
    told = values[~np.isnan(values)]
    coverage = profile.coverage()
    summed = value in ("energy", "cost")
    names = [_day(first + at) for at in range(days)] if rows == "date" else list(WEEKDAYS)
    labels = [f"{at * width // HOUR:02d}:{at * width % HOUR // MINUTE:02d}" for at in range(shape[1])]
    return Matrix(
        unit={"energy": "kWh", "avg_power": "kW", "peak": "kW"}.get(value) or (None if rates is None else rates.currency),
        rows=names,
        columns=labels,
        values=[[rounded(each) for each in line] for line in _nulled(values.reshape(shape))],
        low=rounded(float(told.min())) if len(told) else None,
        high=rounded(float(told.max())) if len(told) else None,
        total=rounded(float(told.sum())) if summed and len(told) else None,
        coverage_pct=rounded(None if coverage is None else percent(coverage, 1.0)),
        dst=_changed(zone, first, days, width, labels),
    )


def _values(profile: Profile, value: Value, rates: Rates | None, place: Ints, size: int) -> Floats:
    """The cells, NaN where nothing is known."""
    found = np.full(size, np.nan)
    if value in ("energy", "cost"):
        known = profile.known > 0
        amount = profile.there
        if value == "cost":
            if rates is None:
                return found
            # Energy without a price makes the cost of its cell unknown.
            priced = np.where(amount == 0, 0.0, rates.floats())
            amount = amount * priced
        sums = np.bincount(place[known], weights=amount[known], minlength=size)
        there = np.bincount(place[known], minlength=size) > 0
        found[there] = sums[there]
        return found
    means = profile.means()
    known = ~np.isnan(means)
    count = np.bincount(place[known], minlength=size)
    there = count > 0
    if value == "avg_power":
        found[there] = np.bincount(place[known], weights=means[known], minlength=size)[there] / count[there]
    else:
        highest = np.full(size, -np.inf)
        np.maximum.at(highest, place[known], means[known])
        found[there] = highest[there]
    return found


def _nulled(values: Floats) -> list[list[float | None]]:
    cells = values.astype(object)
    cells[np.isnan(values)] = None
    found: list[list[float | None]] = cells.tolist()
    return found


def _day(number: int) -> str:
    return (from_micros(0) + timedelta(days=number)).date().isoformat()


def _changed(zone: ZoneInfo, first: int, days: int, width: int, labels: Sequence[str]) -> list[Change]:
    """The cells of these local dates that are missing or came twice, by the clocks of the zone."""
    if days < 1:
        return []
    quarter = 15 * MINUTE
    times = np.arange((first - 2) * DAY, (first + days + 2) * DAY, quarter, dtype=np.int64)
    shown = local(times[times >= 0], zone)
    inside = (shown >= first * DAY) & (shown < (first + days) * DAY)
    count = np.bincount((shown[inside] - first * DAY) // width, minlength=days * DAY // width)
    usual = width // quarter
    found = []
    for place in np.flatnonzero((count == 0) | (count > usual)).tolist():
        day, column = divmod(place, DAY // width)
        found.append(Change(_day(first + day), labels[column], "missing" if count[place] == 0 else "repeated"))
    return found
