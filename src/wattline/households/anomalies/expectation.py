"""What a household is expected to use, learnt from the four weeks before a day.

Robust: medians, which a day of exceptions does not move. Where there is little data the hour of the week leans on the hour
of the day, and that on all hours.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from wattline.households.anomalies.calendar import Calendar, weekday
from wattline.households.anomalies.history import STEPS_PER_HOUR

Floats = NDArray[np.float64]

HISTORY_DAYS = 28
LEAST_DAYS = 3
"""Days with data that are needed before anything is called unusual."""
DURATIONS = (4, 12, 48, 144)
"""Steps over which use is summed up: 20 minutes, an hour, four hours, twelve hours."""
KNOWN_SHARE = 0.75
"""Of the steps of a span, so that its mean says something."""
NEAR_HOURS = 2
"""What is done at an hour may be done so much earlier or later."""
WEEK_WEIGHT, DAY_WEIGHT = 6.0, 12.0
"""Hours of data of which the wider median counts as much as the narrower one."""

NIGHT_HOURS = 6
RECENT_NIGHTS = 5
LEAST_NIGHTS = 10
MOST_BASE_W = 1500.0
"""A night of which no hour is below this says nothing about what is always on: a car was charged, or the heating ran."""
LEAST_RISE_W, LEAST_RISE_SHARE, RISE_SPREADS = 80.0, 0.4, 3.0


@dataclass(frozen=True, slots=True)
class Expectation:
    """Of each meter (row): the power expected in each local hour of the week, W.

    `habit` is the most that the household uses over each of `DURATIONS` near each hour of the day (meter, duration, hour), W;
    `days` are the days with data.
    `base` is what was always on in the nights before the newest five, `raised` what it is since they began to be clearly
    above it, NaN where they are not; `nights` is the median of the newest three; all W.
    """

    hourly: Floats
    habit: Floats
    days: NDArray[np.int64]
    base: Floats
    raised: Floats
    nights: Floats

    def row(self, index: int) -> Expectation:
        """Of one meter."""
        return Expectation(*(getattr(self, each.name)[index : index + 1].copy() for each in fields(self)))


def stacked(rows: list[Expectation]) -> Expectation:
    """Of several meters."""
    return Expectation(*(np.concatenate([getattr(row, each.name) for row in rows]) for each in fields(Expectation)))


def learn(watts: Floats, calendar: Calendar, reported: NDArray[np.bool_] | None = None) -> Expectation:
    """What the steps of whole local days, one row a meter, let expect of the day after.

    `reported` marks the steps of incidents: what was done once and reported is no habit yet; twice in four weeks is.
    """
    first, last = int(calendar.day[0]), int(calendar.day[-1])
    hours = _hours(watts, calendar, last - first + 1)
    known = (~np.isnan(hours)).sum(axis=2) >= 12
    nights, base, raised = _bases(hours[:, :, :NIGHT_HOURS])
    days = known.sum(axis=1)
    return Expectation(
        _expected(hours, weekday(np.arange(first, last + 1))),
        _habits(watts, calendar, reported),
        days,
        base,
        raised,
        nights,
    )


def trailing(watts: Floats, steps: int) -> Floats:
    """The mean over the last so many steps at the end of each step; NaN where too few of them are known."""
    known = ~np.isnan(watts)
    sums = np.cumsum(np.where(known, watts, 0.0), axis=1)
    counts = np.cumsum(known, axis=1, dtype=np.float64)
    sums[:, steps:], counts[:, steps:] = sums[:, steps:] - sums[:, :-steps], counts[:, steps:] - counts[:, :-steps]
    found = np.full(watts.shape, np.nan)
    np.divide(sums, counts, out=found, where=counts >= KNOWN_SHARE * steps)
    return found


def median(values: Floats) -> tuple[Floats, NDArray[np.int64]]:
    """The median along the last axis and of how many values it is, NaN left out; NaN where there is none."""
    ordered = np.sort(values, axis=-1)
    count = (~np.isnan(ordered)).sum(axis=-1)
    low, high = np.maximum(count - 1, 0) // 2, np.minimum(count // 2, values.shape[-1] - 1)
    middle = (np.take_along_axis(ordered, each[..., None], -1)[..., 0] for each in (low, high))
    return sum(middle, np.zeros(count.shape)) / 2, count


def _hours(watts: Floats, calendar: Calendar, days: int) -> Floats:
    """The mean of each local hour: meter, day, hour. Of an hour that the clock shows twice both are meant."""
    begins, place = _hour_begins(calendar)
    known = ~np.isnan(watts)
    count = np.add.reduceat(known, begins, axis=1, dtype=np.float64)
    total = np.add.reduceat(np.where(known, watts, 0.0), begins, axis=1)
    means = np.full(count.shape, np.nan)
    np.divide(total, count, out=means, where=count >= STEPS_PER_HOUR / 2)
    found = np.full((len(watts), days * 24), np.nan)
    found[:, place] = means
    return found.reshape(len(watts), days, 24)


def _hour_begins(calendar: Calendar) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The steps at which local hours begin, and which hour since the first midnight each is."""
    key = (calendar.day - calendar.day[0]) * 24 + calendar.hour
    begins = np.flatnonzero(np.diff(key, prepend=-1))
    return begins, key[begins]


def _expected(hours: Floats, weekdays: NDArray[np.int64]) -> Floats:
    """The hours of the week; each with its neighbours, for nobody cooks by the clock."""
    meters, days, _ = hours.shape
    flat = np.pad(hours.reshape(meters, -1), ((0, 0), (1, 1)), constant_values=np.nan)
    near = np.stack([flat[:, shift : shift + days * 24] for shift in range(3)], axis=-1).reshape(meters, days, 24, 3)
    always, seen = median(hours.reshape(meters, -1))
    always = np.where(seen > 0, always, 0.0)
    by_day, seen = median(near.transpose(0, 2, 1, 3).reshape(meters, 24, -1))
    by_day = _leaning(by_day, seen, always[:, None], DAY_WEIGHT)
    found = np.empty((meters, 7, 24))
    for each in range(7):
        mine = near[:, weekdays == each].transpose(0, 2, 1, 3).reshape(meters, 24, -1)
        middle, seen = median(mine) if mine.shape[-1] else (by_day, np.zeros(by_day.shape, np.int64))
        found[:, each] = _leaning(middle, seen, by_day, WEEK_WEIGHT)
    return found.reshape(meters, 168)


def _leaning(narrow: Floats, count: NDArray[np.int64], wide: Floats, weight: float) -> Floats:
    return (np.where(count > 0, narrow, 0.0) * count + wide * weight) / (count + weight)


def _habits(watts: Floats, calendar: Calendar, reported: NDArray[np.bool_] | None) -> Floats:
    """The most over each duration near each hour: on any day without a report, or on two days."""
    begins, place = _hour_begins(calendar)
    days = int(place[-1]) // 24 + 1
    ours = np.zeros((len(watts), days * 24), bool)
    if reported is not None:
        ours[:, place] = np.logical_or.reduceat(reported, begins, axis=1)
    free = np.repeat(~ours.reshape(len(watts), days, 24).any(axis=2), 24, axis=1).reshape(len(watts), days, 24)
    found = np.empty((len(watts), len(DURATIONS), 24))
    for at, steps in enumerate(DURATIONS):
        reached = trailing(watts, steps)
        most = np.zeros((len(watts), days * 24 + 2 * NEAR_HOURS))
        most[:, place + NEAR_HOURS] = np.maximum.reduceat(np.where(np.isnan(reached), 0.0, reached), begins, axis=1)
        near = np.lib.stride_tricks.sliding_window_view(most, 2 * NEAR_HOURS + 1, axis=1).max(axis=2)
        near = near.reshape(len(watts), days, 24)
        second = np.sort(near, axis=1)[:, -2] if days > 1 else np.zeros((len(watts), 24))
        found[:, at] = np.maximum(second, np.where(free, near, 0.0).max(axis=1))
    return found


def _bases(nights: Floats) -> tuple[Floats, Floats, Floats]:
    """The newest nights' base load, the one before them, and the one that is clearly above it; each W or NaN."""
    enough = (~np.isnan(nights)).sum(axis=2) >= NIGHT_HOURS - 2
    lowest = np.where(np.isnan(nights), np.inf, nights).min(axis=2)
    base = np.where(enough & (lowest < MOST_BASE_W), lowest, np.nan)
    before, earlier = median(base[:, :-RECENT_NIGHTS])
    now, newer = median(base[:, -RECENT_NIGHTS:])
    spread, _ = median(np.abs(base[:, :-RECENT_NIGHTS] - before[:, None]))
    rise = now - before
    least = np.where(np.isnan(base[:, -RECENT_NIGHTS:]), np.inf, base[:, -RECENT_NIGHTS:]).min(axis=1)
    clear = (earlier >= LEAST_NIGHTS) & (newer >= RECENT_NIGHTS - 1)
    with np.errstate(invalid="ignore"):
        clear &= rise > np.maximum(np.maximum(LEAST_RISE_W, LEAST_RISE_SHARE * before), RISE_SPREADS * 1.4826 * spread)
        clear &= least - before > rise / 2
    return median(base[:, -3:])[0], before, np.where(clear, now, np.nan)
