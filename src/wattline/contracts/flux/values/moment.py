"""Text to a timestamptz, as PostgreSQL reads it with DateStyle ISO, MDY."""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import NoReturn
from zoneinfo import ZoneInfo

from wattline.contracts.flux.catalog import Type
from wattline.contracts.flux.errors import bad_literal, sql
from wattline.contracts.flux.values import zones

SECOND = 1_000_000
DAY = 86_400 * SECOND
INFINITY = 2**63 - 1
MINUS_INFINITY = -(2**63)
FIRST = -2_440_588 * DAY
"""4714-11-24 BC, the first day that PostgreSQL has."""
BLANK = " \t\n\r\v\f"

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH = (
    r"(?P<month>jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?"
    r"|nov(?:ember)?|dec(?:ember)?)"
)
_WEEKDAY = r"(?:(?:mon|tues?|wed(?:nes)?|thu(?:rs?)?|fri|sat(?:ur)?|sun)(?:day)?[,\s]\s*)"
_DATES = (
    r"(?P<year>\d{3,})[-/](?P<month>\d{1,2})[-/](?P<day>\d{1,2})",
    r"(?P<month>\d{1,2})(?P<_s>[-/.])(?P<day>\d{1,2})(?P=_s)(?P<year>\d+)",
    r"(?P<year>\d{4})[-.](?P<ordinal>(?!000)[0-2]\d\d|3[0-5]\d|36[0-6])",
    r"(?P<year>\d{4})(?P<month>\d\d)(?P<day>\d\d)",
    r"(?P<year>\d\d)(?P<month>\d\d)(?P<day>\d\d)",
    r"j(?P<julian>\d{1,8})",
    rf"{_WEEKDAY}?{_MONTH}[\s-]\s*(?P<day>\d{{1,2}})(?:,\s*|\s+|-)(?P<year>\d{{2,}})",
    rf"{_WEEKDAY}?(?P<day>\d{{1,2}})[\s-]\s*{_MONTH}[\s-]\s*(?P<year>\d{{2,}})",
    rf"(?P<year>\d{{3,}})[\s-]\s*{_MONTH}[\s-]\s*(?P<day>\d{{1,2}})",
    r"(?P<word>today|tomorrow|yesterday)",
)
_TIME = (
    r"(?:(?P<hour>\d{1,2}):(?P<minute>\d{1,2})(?::(?P<second>\d{1,2})(?P<fraction>\.\d*)?)?"
    r"|(?P<minute2>\d{1,2}):(?P<second2>\d{1,2})(?P<fraction2>\.\d*)"
    r"|(?P<hour3>\d\d)(?P<minute3>\d\d)(?:(?P<second3>\d\d)(?P<fraction3>\.\d*)?)?)(?:\s*(?P<half>am|pm)\b)?"
)
_ZONE = (
    r"(?P<zone>[+-]\s*\d{1,2}(?::\d{1,2}(?::\d{1,2})?)?|[+-]\s*\d{3,6}"
    r"|z|[a-z]{3,}[a-z_/]*(?:[+-]?\d+[a-z]*)?|[a-z]+(?:/[a-z0-9_+-]+)+)"
)
_FORMS = tuple(
    re.compile(rf"{form}(?:(?:\s*t\s*|\s+){_TIME})?(?:\s*{_ZONE})?(?:\s+(?P<era>bc|ad))?", re.ASCII) for form in _DATES
)
_TIMED = re.compile(r"\d:\d|\d\s*[t\s]\s*\d{4}", re.ASCII)
"""What a text with a time of day has in it."""
_CLOCK = re.compile(rf"t?{_TIME}(?:\s*{_ZONE})?", re.ASCII)

_ABBREVIATIONS = {
    "z": 0, "utc": 0, "gmt": 0, "ut": 0, "uct": 0, "zulu": 0, "wet": 0, "bst": 1, "cet": 1, "west": 1, "mez": 1, "cest": 2,
    "mesz": 2, "eet": 2, "sast": 2, "eest": 3, "msk": 3, "ist": 2, "jst": 9, "kst": 9, "aest": 10, "nzst": 12, "nzdt": 13,
    "ast": -4, "adt": -3, "est": -5, "edt": -4, "cst": -6, "cdt": -5, "mst": -7, "mdt": -6, "pst": -8, "pdt": -7,
    "akst": -9, "akdt": -8, "hst": -10,
}  # fmt: skip
"""Hours east of UTC."""
MOST = 150
"""Characters of a text that may be a time."""
HINT = 'Perhaps you need a different "DateStyle" setting.'


class _Outside(Exception):
    """A field with a value that it cannot have. `hint` where another order of day and month might be meant."""

    def __init__(self, hint: str | None = None) -> None:
        super().__init__()
        self.hint = hint


def parse(text: str, now: int, zone: ZoneInfo | None = None, kind: str = Type.TIMESTAMPTZ.sql) -> int:
    """The time (us since 1970 UTC) that the text says; `INFINITY` and `MINUS_INFINITY` for the infinities.

    Without an offset it is a time of `zone` (None: UTC). `now` (us) is what `now` and `today` mean. `kind` is the type's name
    in messages. Raises `Refusal` 22007, 22008, 22009 or 22023.
    """
    endless = infinite(text)
    if endless is not None:
        return endless
    local, offset = split(text, now, zone, kind)
    us = zones.to_utc(local, zone) if offset is None else local - offset * SECOND
    if not FIRST <= us < INFINITY:
        raise sql(400, "22008", f'timestamp out of range: "{text}"')
    return us


def infinite(text: str) -> int | None:
    """The end of time that the text names, if it does."""
    return {"infinity": INFINITY, "+infinity": INFINITY, "-infinity": MINUS_INFINITY}.get(text.strip(BLANK).lower())


def split(text: str, now: int, zone: ZoneInfo | None, kind: str) -> tuple[int, int | None]:
    """What a clock shows (us since 1970 on it), and seconds east of UTC where the text names them. No infinities here."""
    plain = text.strip(BLANK).lower()
    if len(plain) > MOST:
        raise bad_literal(kind, text)
    if plain == "epoch":
        return 0, 0
    if plain in {"now", "now()"}:
        east = zones.offset(now, zone)
        return now + east * SECOND, east
    try:
        for form in _FORMS:
            found = form.fullmatch(plain)
            if found:
                return _read(found.groupdict(), text, now, zone)
        _unread(plain, text, kind)
    except _Outside as problem:
        raise sql(400, "22008", f'date/time field value out of range: "{text}"', hint=problem.hint) from None


def time_of_day(text: str, now: int, zone: ZoneInfo | None) -> int:
    """Microseconds since midnight (of 24:00 a whole day); a date and an offset in the text mean nothing."""
    plain = text.strip(BLANK).lower()
    found = _CLOCK.fullmatch(plain[:MOST])
    if found is None:
        if plain not in {"now", "now()"} and not _TIMED.search(plain):
            raise bad_literal("time", text)
        return split(text, now, zone, "time")[0] % DAY
    try:
        return _time(found.groupdict())
    except _Outside:
        raise sql(400, "22008", f'date/time field value out of range: "{text}"') from None


def _unread(plain: str, text: str, kind: str) -> NoReturn:
    """Refuse a text of no known form; where PostgreSQL looks at the numbers before it misses the rest, for those."""
    if plain.isascii() and plain.isdigit() and (len(plain) > 8 or not plain.strip("0")):
        raise sql(400, "22008", f'date/time field value out of range: "{text}"', hint=HINT)
    clock = _CLOCK.fullmatch(plain)
    if clock:
        _time(clock.groupdict())
    raise bad_literal(kind, text)


def _read(part: dict[str, str | None], text: str, now: int, zone: ZoneInfo | None) -> tuple[int, int | None]:
    time = _time(part)
    offset = _offset(part["zone"], text) if part["zone"] else None
    day = _today(part["word"], now, zone) if part.get("word") else _day(part)
    local = day * DAY + time
    if isinstance(offset, ZoneInfo):
        offset = (local - zones.to_utc(local, offset)) // SECOND
    return local, offset


def _today(word: str | None, now: int, zone: ZoneInfo | None) -> int:
    return (now + zones.offset(now, zone) * SECOND) // DAY + {"yesterday": -1, "tomorrow": 1}.get(word or "", 0)


def _day(part: dict[str, str | None]) -> int:
    """Days since 1970."""
    if part.get("julian"):
        return int(part["julian"] or 0) - 2_440_588
    written = part["year"] or ""
    if len(written) > 9:
        raise _Outside
    year = int(written)
    if part["era"] == "bc":
        year = 1 - year
    elif len(written) <= 2:
        year += 2000 if year < 70 else 1900
    if (year <= 0) != (part["era"] == "bc"):
        raise _Outside
    if part.get("ordinal"):
        return days(year, 1, 1) + int(part["ordinal"] or 0) - 1
    month = part["month"] or ""
    number = int(month) if month.isdigit() else _MONTHS.index(month[:3]) + 1
    day = int(part["day"] or 0)
    if not (1 <= number <= 12 and 1 <= day <= 31):
        raise _Outside(HINT)
    if day > _length(year, number):
        raise _Outside
    return days(year, number, day)


def _leap(year: int) -> bool:
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


def _length(year: int, month: int) -> int:
    return 28 + _leap(year) if month == 2 else 31 - (month in {4, 6, 9, 11})


def days(year: int, month: int, day: int) -> int:
    """Days from 1970-01-01 to a day of the proleptic Gregorian calendar; the year 0 is 1 BC."""
    cycles = (year - 2000) // 400
    return (date(year - cycles * 400, month, day) - date(1970, 1, 1)) // timedelta(days=1) + cycles * 146_097


def _time(part: dict[str, str | None]) -> int:
    """Microseconds since midnight."""

    def number(name: str) -> int:
        return int(part[name] or part[name + "2"] or part[name + "3"] or 0)

    part = {"hour2": None, **part}
    hour, minute, second = number("hour"), number("minute"), number("second")
    fraction = part["fraction"] or part["fraction2"] or part["fraction3"]
    # PostgreSQL rounds the binary value of the fraction, halves to even.
    us = round(float(fraction) * SECOND) if fraction and len(fraction) > 1 else 0
    if part["half"]:
        if hour > 12:
            raise _Outside
        hour = hour % 12 + (12 if part["half"] == "pm" else 0)
    if minute > 59 or second > 60 or (second == 60 and us) or hour > 24 or (hour == 24 and (minute or second or us)):
        raise _Outside
    return ((hour * 60 + minute) * 60 + second) * SECOND + us


def _offset(name: str, text: str) -> int | ZoneInfo:
    """Seconds east of UTC, or a zone whose offset depends on the time."""
    if name[0] in "+-":
        return _signed(name, text)
    hours = _ABBREVIATIONS.get(name)
    if hours is not None:
        return hours * 3600
    found = zones.named(name)
    if found is not None:
        return found
    shifted = re.fullmatch(r"(?:utc|gmt)([+-]\d{1,2})", name)
    if shifted:
        return -int(shifted[1]) * 3600
    if "/" in name:
        raise sql(400, "22023", f'time zone "{name}" not recognized')
    raise bad_literal(Type.TIMESTAMPTZ.sql, text)


def _signed(name: str, text: str) -> int:
    digits = name[1:].strip(BLANK)
    parts = digits.split(":")
    if len(parts[0]) > 2:
        whole = (parts[0] if len(parts[0]) > 4 else parts[0] + "00").zfill(6)
        parts = [whole[:2], whole[2:4], whole[4:]]
    hour, minute, second = (int(part) for part in (*parts, "0", "0")[:3])
    if hour > 15 or minute > 59 or second > 59:
        raise sql(400, "22009", f'time zone displacement out of range: "{text}"')
    seconds = hour * 3600 + minute * 60 + second
    return -seconds if name[0] == "-" else seconds
