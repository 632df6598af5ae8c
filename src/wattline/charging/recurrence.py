"""Recurrence rules of RFC 5545 by days: which local days an entry of a schedule begins on.

A rule is looked at as columns over days, so it takes the same time whatever it says: a rule that never comes true is as quick
as any other. What repeats within a day is not a rule here but several entries.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
FREQUENCIES = ("DAILY", "WEEKLY", "MONTHLY", "YEARLY")
WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
PARTS = ("FREQ", "INTERVAL", "COUNT", "UNTIL", "BYDAY", "BYMONTH", "BYMONTHDAY", "BYSETPOS", "WKST")
MOST_INTERVAL, MOST_COUNT, MOST_VALUES = 1000, 10_000, 62
_THURSDAY = 3
"""The first of January 1970, counted from Monday."""
_BYDAY = re.compile(r"([+-]?[1-9][0-9]?)?(MO|TU|WE|TH|FR|SA|SU)", re.ASCII)
_UNTIL = re.compile(r"(\d{4})(\d\d)(\d\d)(T(\d\d)(\d\d)(\d\d)Z?)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Rule:
    """`by_day` holds (n, weekday from Monday = 0): the nth of its month or year, from the end where n is negative, each for 0.

    `until` is the last local day that can be one, `until_time` the last moment of a beginning where it was said to the second:
    in UTC where it was aware, else local. `count` is how many days there are at most.
    """

    frequency: str
    interval: int = 1
    count: int | None = None
    until: date | None = None
    until_time: datetime | None = None
    by_day: tuple[tuple[int, int], ...] = ()
    by_month: tuple[int, ...] = ()
    by_month_day: tuple[int, ...] = ()
    by_position: tuple[int, ...] = ()
    week_start: int = 0


def parsed(text: str) -> Rule:
    """The rule that a text such as `FREQ=WEEKLY;BYDAY=MO,TU` is. Raises ValueError with what is wrong, in words."""
    parts: dict[str, str] = {}
    for part in text.removeprefix("RRULE:").split(";"):
        name, equals, value = part.partition("=")
        name = name.upper()
        if not equals or not value:
            raise ValueError("must be parts NAME=VALUE, joined by ;")
        if name not in PARTS:
            raise ValueError(f"knows {', '.join(PARTS)} alone; for several times of a day make several entries")
        if name in parts:
            raise ValueError(f"has {name} twice")
        parts[name] = value.upper()
    frequency = parts.get("FREQ")
    if frequency not in FREQUENCIES:
        raise ValueError(f"FREQ must be one of {', '.join(FREQUENCIES)}")
    if "COUNT" in parts and "UNTIL" in parts:
        raise ValueError("COUNT and UNTIL exclude each other")
    until, until_time = _until(parts["UNTIL"]) if "UNTIL" in parts else (None, None)
    rule = Rule(
        frequency,
        _whole("INTERVAL", parts.get("INTERVAL", "1"), 1, MOST_INTERVAL),
        _whole("COUNT", parts["COUNT"], 1, MOST_COUNT) if "COUNT" in parts else None,
        until,
        until_time,
        _by_day(parts["BYDAY"]) if "BYDAY" in parts else (),
        _numbers("BYMONTH", parts, 1, 12, signed=False),
        _numbers("BYMONTHDAY", parts, 1, 31, signed=True),
        _numbers("BYSETPOS", parts, 1, 366, signed=True),
        _weekday(parts.get("WKST", "MO")),
    )
    _check(rule)
    return rule


def _check(rule: Rule) -> None:
    if rule.frequency not in ("MONTHLY", "YEARLY") and any(n for n, _ in rule.by_day):
        raise ValueError("a number before a weekday needs FREQ=MONTHLY or FREQ=YEARLY")
    if rule.frequency == "WEEKLY" and rule.by_month_day:
        raise ValueError("BYMONTHDAY does not go with FREQ=WEEKLY")
    if rule.by_position and not (rule.by_day or rule.by_month or rule.by_month_day):
        raise ValueError("BYSETPOS needs another BY part")


def _whole(name: str, text: str, low: int, high: int) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 6 or not low <= int(text) <= high:
        raise ValueError(f"{name} must be a whole number from {low} to {high}")
    return int(text)


def _numbers(name: str, parts: dict[str, str], low: int, high: int, *, signed: bool) -> tuple[int, ...]:
    if name not in parts:
        return ()
    found = []
    for text in _listed(name, parts[name]):
        sign = -1 if signed and text.startswith("-") else 1
        found.append(sign * _whole(name, text[1:] if sign < 0 else text.removeprefix("+"), low, high))
    return tuple(found)


def _listed(name: str, text: str) -> list[str]:
    found = text.split(",")
    if len(found) > MOST_VALUES:
        raise ValueError(f"{name} has at most {MOST_VALUES} values")
    return found


def _by_day(text: str) -> tuple[tuple[int, int], ...]:
    found = []
    for each in _listed("BYDAY", text):
        match = _BYDAY.fullmatch(each)
        if match is None or abs(int(match[1] or 0)) > 53:
            raise ValueError("BYDAY must be weekdays such as MO or -1FR")
        found.append((int(match[1] or 0), WEEKDAYS.index(match[2])))
    return tuple(found)


def _weekday(text: str) -> int:
    if text not in WEEKDAYS:
        raise ValueError("WKST must be a weekday such as MO")
    return WEEKDAYS.index(text)


def _until(text: str) -> tuple[date, datetime | None]:
    """The last local day, a day more where a time in UTC may be of the local day after, and the moment where one was said."""
    match = _UNTIL.fullmatch(text)
    if match is None:
        raise ValueError("UNTIL must be a day such as 20261231, or a time such as 20261231T220000Z")
    try:
        day = date(int(match[1]), int(match[2]), int(match[3]))
        if match[4] is None:
            return day, None
        moment = datetime(day.year, day.month, day.day, int(match[5]), int(match[6]), int(match[7]))  # noqa: DTZ001
        if not text.endswith("Z"):
            return day, moment
        return day + timedelta(days=1), moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise ValueError("UNTIL is no time of the calendar") from None


def number_of(day: date) -> int:
    """A day as its number from 1970."""
    return day.toordinal() - date(1970, 1, 1).toordinal()


class _Days:
    """What the calendar says of each day of some whole years."""

    def __init__(self, first: int, last: int) -> None:
        begin = np.datetime64(first, "D").astype("datetime64[Y]")
        end = np.datetime64(last, "D").astype("datetime64[Y]") + 1
        self.day = np.arange(begin.astype("datetime64[D]").astype(np.int64), end.astype("datetime64[D]").astype(np.int64))
        months = self.day.astype("datetime64[D]").astype("datetime64[M]")
        self.month_index = months.astype(np.int64)
        self.year = months.astype("datetime64[Y]").astype(np.int64)
        self.month = self.month_index % 12 + 1
        month_start = months.astype("datetime64[D]").astype(np.int64)
        next_month = (months + 1).astype("datetime64[D]").astype(np.int64)
        self.month_day = self.day - month_start + 1
        self.from_month_end = self.day - next_month
        years = months.astype("datetime64[Y]")
        self.year_day = self.day - years.astype("datetime64[D]").astype(np.int64)
        self.from_year_end = self.day - (years + 1).astype("datetime64[D]").astype(np.int64)
        self.weekday = (self.day + _THURSDAY) % 7


def days_of(rule: Rule, start: date, first: int, last: int) -> Ints:
    """The days (counted from 1970) in [first, last] on which a rule that begins with the day `start` comes true, ascending."""
    begin = number_of(start)
    end = last if rule.until is None else min(last, number_of(rule.until))
    if end < max(begin, first):
        return np.zeros(0, np.int64)
    # A rule that counts is looked at from its start; any other only where it is asked about, a whole period before.
    low = begin if rule.count is not None else max(begin, first)
    calendar = _Days(low - 7, end + 7)
    chosen = _in_step(rule, calendar, begin) & _fitting(rule, calendar, start)
    if rule.by_position:
        chosen = _positions(rule, calendar, chosen)
    found: Ints = calendar.day[chosen & (calendar.day >= begin) & (calendar.day <= end)]
    if rule.count is not None:
        found = found[: rule.count]
    return found[found >= first]


def _period(rule: Rule, calendar: _Days) -> Ints:
    """Which period of the rule's frequency each day is in."""
    if rule.frequency == "DAILY":
        return calendar.day
    if rule.frequency == "WEEKLY":
        return (calendar.day + _THURSDAY - rule.week_start) // 7
    return calendar.month_index if rule.frequency == "MONTHLY" else calendar.year


def _in_step(rule: Rule, calendar: _Days, begin: int) -> Bools:
    """Whether a day's period is one in `interval`, counted from the period of the beginning."""
    if rule.frequency == "DAILY":
        first = begin
    elif rule.frequency == "WEEKLY":
        first = (begin + _THURSDAY - rule.week_start) // 7
    else:
        unit = "datetime64[M]" if rule.frequency == "MONTHLY" else "datetime64[Y]"
        first = int(np.datetime64(begin, "D").astype(unit).astype(np.int64))
    found: Bools = (_period(rule, calendar) - first) % rule.interval == 0
    return found


def _fitting(rule: Rule, calendar: _Days, start: date) -> Bools:
    """Whether a day is one of those that the rule names; what it leaves open is as on its first day."""
    fits = np.ones(len(calendar.day), bool)
    named = bool(rule.by_day or rule.by_month_day)
    if rule.by_month:
        fits &= np.isin(calendar.month, rule.by_month)
    elif rule.frequency == "YEARLY" and not named:
        fits &= calendar.month == start.month
    if rule.by_month_day:
        forward = np.isin(calendar.month_day, [n for n in rule.by_month_day if n > 0])
        fits &= forward | np.isin(calendar.from_month_end, [n for n in rule.by_month_day if n < 0])
    elif rule.frequency in ("MONTHLY", "YEARLY") and not named:
        fits &= calendar.month_day == start.day
    if rule.by_day:
        fits &= _on_weekdays(rule, calendar)
    elif rule.frequency == "WEEKLY":
        fits &= calendar.weekday == start.weekday()
    return fits


def _on_weekdays(rule: Rule, calendar: _Days) -> Bools:
    """The nth weekday is that of the month, and with FREQ=YEARLY that of the year unless months are named."""
    by_month = rule.frequency == "MONTHLY" or bool(rule.by_month)
    ahead = (calendar.month_day - 1 if by_month else calendar.year_day) // 7 + 1
    back = -((-(calendar.from_month_end if by_month else calendar.from_year_end) - 1) // 7 + 1)
    found = np.zeros(len(calendar.day), bool)
    for n, weekday in rule.by_day:
        mine = calendar.weekday == weekday
        if n > 0:
            mine = mine & (ahead == n)
        elif n < 0:
            mine = mine & (back == n)
        found |= mine
    return found


def _positions(rule: Rule, calendar: _Days, chosen: Bools) -> Bools:
    """Of the chosen days of each period those at certain positions, counted from its beginning or its end."""
    places = np.flatnonzero(chosen)
    periods = _period(rule, calendar)[places]
    _, begins, sizes = np.unique(periods, return_index=True, return_counts=True)
    ahead = np.arange(len(places)) - np.repeat(begins, sizes) + 1
    back = ahead - np.repeat(sizes, sizes) - 1
    kept = np.isin(ahead, [n for n in rule.by_position if n > 0]) | np.isin(back, [n for n in rule.by_position if n < 0])
    found = np.zeros(len(calendar.day), bool)
    found[places[kept]] = True
    return found
