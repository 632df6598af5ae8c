"""What schedules come to in a span of time: intervals with one value each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from heapq import heappop, heappush
from itertools import pairwise
from typing import NamedTuple
from zoneinfo import ZoneInfo

from wattline.charging.model import Explicit, Recurring, Schedule, Value
from wattline.charging.recurrence import days_of, number_of
from wattline.model.clock import EPOCH, SECOND, from_micros, to_micros
from wattline.model.errors import Invalid

MOST_INTERVALS = 50_000


class Interval(NamedTuple):
    """A value in [start, end), in us, and the entry (its number) of the schedule that it comes from."""

    start: int
    end: int
    value: Value
    priority: int
    schedule: int
    entry: int


def occurrences(schedule: Schedule, start: int, end: int) -> list[Interval]:
    """Every time that an entry of a schedule holds within [start, end), cut to it and to when the schedule is in force.

    Raises `Invalid` where these are too many.
    """
    low = start if schedule.start is None else max(start, schedule.start)
    high = end if schedule.end is None else min(end, schedule.end)
    found: list[Interval] = []
    if low >= high:
        return found
    for number, entry in enumerate(schedule.entries):
        when = entry.when
        spans = [(when.start, when.end)] if isinstance(when, Explicit) else _recurring(when, schedule.zone, low, high)
        for begin, finish in spans:
            a, b = max(begin, low), min(finish, high)
            if a < b:
                found.append(Interval(a, b, entry.value, entry.priority, schedule.id, number))
        if len(found) > MOST_INTERVALS:
            raise Invalid(f"these are more than {MOST_INTERVALS} intervals: ask for a shorter time")
    return found


def _recurring(when: Recurring, zone: ZoneInfo, low: int, high: int) -> Iterator[tuple[int, int]]:
    """When an entry holds that may touch [low, high). It begins and, unless its duration is said, ends by the local clock.

    Where the clock skips a time, it is as long after midnight as it would have been without the skip; of a time that the clock
    shows twice it is the first (RFC 5545, 3.3.5).
    """
    first = from_micros(low).astimezone(zone).date() - timedelta(days=2 + (when.duration_s or 0) // 86_400)
    last = from_micros(high).astimezone(zone).date() + timedelta(days=1)
    clock = when.start.time()
    for number in days_of(when.rule, when.start.date(), number_of(first), number_of(last)).tolist():
        day = EPOCH.date() + timedelta(days=number)
        local = datetime.combine(day, clock)
        begin = to_micros(local.replace(tzinfo=zone))
        until = when.rule.until_time
        if until is not None and (begin > to_micros(until) if until.tzinfo is not None else local > until):
            return
        if when.duration_s is not None:
            yield begin, begin + when.duration_s * SECOND
        elif when.until is not None:
            ending = datetime.combine(day if when.until > clock else day + timedelta(days=1), when.until, zone)
            yield begin, to_micros(ending)


def resolved(intervals: Iterable[Interval]) -> list[Interval]:
    """Intervals without overlap, in order: of those that hold at a moment the one with the highest priority, of these with the
    lowest value (off before on), of these of the first schedule and entry. Neighbours of one entry and value are one."""
    waiting = sorted(intervals, key=lambda each: each[:2])
    edges = sorted({edge for each in waiting for edge in (each.start, each.end)})
    held: list[tuple[tuple[float, float, int, int], Interval]] = []
    found: list[Interval] = []
    at = 0
    for low, high in pairwise(edges):
        while at < len(waiting) and waiting[at].start <= low:
            heappush(held, (_rank(waiting[at]), waiting[at]))
            at += 1
        while held and held[0][1].end <= low:
            heappop(held)
        if held:
            best = held[0][1]._replace(start=low, end=high)
            if found and found[-1].end == low and found[-1][2:] == best[2:]:
                found[-1] = found[-1]._replace(end=high)
            else:
                found.append(best)
    return found


def _rank(each: Interval) -> tuple[float, float, int, int]:
    value = 0.0 if each.value is None else float(each.value)
    return -each.priority, value, each.schedule, each.entry


def effective(schedules: Sequence[Schedule], start: int, end: int) -> list[Interval]:
    """What the schedules come to in [start, end). Departures of vehicles are not weighed: each of them stays, in order.

    Raises `Invalid` where it would be too much.
    """
    found: list[Interval] = []
    for schedule in schedules:
        found += occurrences(schedule, start, end)
        if len(found) > MOST_INTERVALS:
            raise Invalid(f"these are more than {MOST_INTERVALS} intervals: ask for a shorter time")
    if any(schedule.kind == "ev_departure" for schedule in schedules):
        return sorted(found, key=lambda each: each[:2])
    return resolved(found)
