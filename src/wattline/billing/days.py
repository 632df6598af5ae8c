"""The local days of a time zone."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from wattline.model.clock import from_micros, to_micros
from wattline.model.errors import Invalid


def zone_named(name: str) -> ZoneInfo:
    """The IANA time zone of a name. Raises `Invalid`."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise Invalid("the time zone is not an IANA name", "zone") from None


def days(start: int, end: int, zone: ZoneInfo) -> list[tuple[int, int]]:
    """The local days, each from midnight to midnight in us, that [start, end) touches; a day may have 23 or 25 hours.

    Where the clocks skip midnight the day begins with its first instant, where they show it twice with the first.
    """
    if start >= end:
        return []
    day = from_micros(start).astimezone(zone).date()
    last = from_micros(end - 1).astimezone(zone).date()
    found = []
    while day <= last:
        following = day + timedelta(days=1)
        found.append((_midnight(day, zone), _midnight(following, zone)))
        day = following
    return found


def _midnight(day: date, zone: ZoneInfo) -> int:
    return to_micros(datetime(day.year, day.month, day.day, tzinfo=zone))
