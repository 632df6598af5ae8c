"""What a download asks for: a range by local days or instants, both ends included, and the language of its header."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from starlette.datastructures import QueryParams

from wattline.households.energy.daily import END_OF_TIME, midnight
from wattline.model.clock import SECOND, to_micros
from wattline.model.errors import Invalid

_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_INSTANT = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d([.,]\d{1,9})?)?(Z|[+-]\d\d(:?\d\d)?)?", re.ASCII | re.IGNORECASE)
# The plus sign of an offset that a client did not percent-encode arrives as a space.
_LOST_PLUS = re.compile(r"(?<=[T ]\d\d:\d\d)(:\d\d(?:[.,]\d+)?)? (?=\d\d:?\d\d$)", re.ASCII | re.IGNORECASE)
_WISH = re.compile(r"([a-z]{1,8}|\*)(?:-[a-z0-9]{1,8})*(?:;q=([01](?:\.\d{0,3})?))?", re.ASCII | re.IGNORECASE)
MILLISECOND = SECOND // 1000
LONGEST = 64

Bound = date | datetime


def single(query: QueryParams, name: str) -> str | None:
    """A parameter that may be given once. Raises `Invalid`."""
    found = query.getlist(name)
    if len(found) > 1:
        raise Invalid(f"{name} is given more than once", name)
    return found[0] if found else None


def bound(query: QueryParams, name: str) -> Bound | None:
    """The day or the instant that a parameter names; without an offset an instant is local. Raises `Invalid`."""
    text = single(query, name)
    if text is None:
        return None
    try:
        if _DAY.fullmatch(text):
            return date.fromisoformat(text)
        text = _LOST_PLUS.sub(lambda met: f"{met[1] or ''}+", text[:LONGEST])
        if _INSTANT.fullmatch(text):
            return datetime.fromisoformat(text.upper())
    except ValueError:
        pass
    raise Invalid(f"{name}: must be a day, as 2026-01-31, or an instant, as 2026-01-31T12:00:00Z", name)


def span(start: Bound | None, end: Bound | None, zone: ZoneInfo) -> tuple[int, int]:
    """The range as [start, end) in us: a day as the end is in it to its last instant, an instant to the end of its
    millisecond, which is as exact as rows are told. Raises `Invalid` where the end is before the start."""
    low = 0 if start is None else _begin(start, zone)
    high = END_OF_TIME if end is None else _finish(end, zone)
    if start is not None and end is not None and _backwards(start, end, low, high):
        raise Invalid("end is before start", "end")
    return low, high


def _backwards(start: Bound, end: Bound, low: int, high: int) -> bool:
    if isinstance(start, datetime) or isinstance(end, datetime):
        return high <= low
    # A day that the zone skipped has no instant, and is no fault of the caller's.
    return end < start


def _begin(bound: Bound, zone: ZoneInfo) -> int:
    return _instant(bound, zone) if isinstance(bound, datetime) else midnight(bound, zone)


def _finish(bound: Bound, zone: ZoneInfo) -> int:
    if isinstance(bound, datetime):
        return _instant(bound, zone) + MILLISECOND
    return midnight(bound + timedelta(days=1), zone) if bound < date.max else END_OF_TIME


def _instant(moment: datetime, zone: ZoneInfo) -> int:
    held = moment if moment.tzinfo is not None else moment.replace(tzinfo=zone)
    return max(0, min(to_micros(held) // MILLISECOND * MILLISECOND, END_OF_TIME))


def german(accept_language: str | None) -> bool:
    """Whether a header is to be in German: unless another language is preferred (RFC 9110, 12.5.4)."""
    wishes: dict[str, float] = {}
    for wish in (accept_language or "").split(","):
        met = _WISH.fullmatch(wish.replace(" ", ""))
        if met is not None:
            language = met[1].lower()
            wishes[language] = max(wishes.get(language, 0.0), float(met[2] or 1))
    if not wishes:
        return True
    other = wishes.get("*", 0.0)
    wanted = wishes.get("de", other)
    return wanted > 0 and wanted >= wishes.get("en", other)
