"""Local time of intervals: the date and the time of day of each, in a zone with summer time."""

from __future__ import annotations

from bisect import bisect_right
from datetime import timedelta
from zoneinfo import ZoneInfo

from wattline.billing.tariffs.rates import offsets
from wattline.metering.energy.register import Ints
from wattline.model.clock import from_micros, to_micros


def local(times: Ints, zone: ZoneInfo) -> Ints:
    """Times (us) as local clocks show them: us since 1970 of the local calendar."""
    return times + offsets(zone, times)


def spelled(moment: int, zone: ZoneInfo) -> str:
    """A moment as local time with its offset (RFC 3339)."""
    return from_micros(moment).astimezone(zone).isoformat()


def shifted(moment: int, zone: ZoneInfo, *, days: int = 0, months: int = 0) -> int:
    """The moment with the same local time so many days and months later; of a month that is too short, its last day."""
    here = from_micros(moment).astimezone(zone)
    month = here.year * 12 + here.month - 1 + months
    year, month = divmod(month, 12)
    day = here.day
    while True:
        try:
            there = here.replace(year=year, month=month + 1, day=day)
            break
        except ValueError:
            if year < 1 or day <= 28:
                raise
            day -= 1
    return to_micros(there + timedelta(days=days))


def period_before(start: int, end: int, zone: ZoneInfo) -> tuple[int, int]:
    """The period of the same length that ends at `start`: in months or days of the calendar where it is made of whole ones."""
    low, high = from_micros(start).astimezone(zone), from_micros(end).astimezone(zone)
    if (low.hour, low.minute, low.second, low.microsecond) == (high.hour, high.minute, high.second, high.microsecond):
        if low.day == high.day == 1 and low.hour == low.minute == 0:
            return shifted(start, zone, months=-((high.year - low.year) * 12 + high.month - low.month)), start
        days = (high.date() - low.date()).days
        if days > 0:
            return shifted(start, zone, days=-days), start
    return start - (end - start), start


def year_before(start: int, end: int, zone: ZoneInfo) -> tuple[int, int]:
    """The same local times of the year before."""
    return shifted(start, zone, months=-12), shifted(end, zone, months=-12)


def starts(start: int, end: int, zone: ZoneInfo, *, months: bool) -> list[int]:
    """When the local days or months begin that [start, end) touches, the first one cut to `start`."""
    here = from_micros(start).astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    if months:
        here = here.replace(day=1)
    found: list[int] = []
    while (moment := to_micros(here)) < end:
        found.append(max(moment, start))
        if months:
            here = here.replace(year=here.year + here.month // 12, month=here.month % 12 + 1)
        else:
            here += timedelta(days=1)
    # A zone may skip a day.
    return [moment for at, moment in enumerate(found) if at + 1 == len(found) or found[at + 1] > moment]


def index(points: list[int], moment: int) -> int:
    """Which of the periods that begin at these points holds a moment."""
    return bisect_right(points, moment) - 1
