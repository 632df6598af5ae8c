"""When a reading was taken, as devices tell it: a number whose size tells its unit, or a text in ISO 8601."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
LONGEST_TEXT = 40


class OutOfRange(ValueError):
    """No time that a reading could have been taken at."""


def instant(stamp: int) -> tuple[int | None, str]:
    """Microseconds since 1970 and the unit that the time came in: "s", "ms", "us" or "ns".

    The four units never overlap: each has the ten digits of seconds from 2001 to 2286 and its own number of digits behind
    them. 0 is None, the moment of arrival. Raises `OutOfRange`.
    """
    if 10**12 <= stamp < 10**13:
        return stamp * 1000, "ms"
    if stamp == 0:
        return None, "ms"
    if 10**9 <= stamp < 10**10:
        return stamp * 1_000_000, "s"
    if 10**18 <= stamp < 10**19:
        return stamp // 1000, "ns"
    if 10**15 <= stamp < 10**16:
        return stamp, "us"
    raise OutOfRange


def instant_of(stamp: float | str) -> tuple[int | None, str]:
    """The same of a number with decimals, or of a text: digits, or ISO 8601, in UTC where it names no offset."""
    if isinstance(stamp, str):
        return _written(stamp)
    if isinstance(stamp, int):
        return instant(stamp)
    if not -1e19 < stamp < 1e19:
        raise OutOfRange
    whole = int(stamp)
    time, unit = instant(whole)
    if time is None:
        if stamp != 0:
            raise OutOfRange
        return None, unit
    micros = {"s": 1_000_000, "ms": 1000}.get(unit)
    return (time, unit) if micros is None else (time + round((stamp - whole) * micros), unit)


def _written(stamp: str) -> tuple[int | None, str]:
    if len(stamp) > LONGEST_TEXT:
        raise OutOfRange
    if stamp.isascii() and stamp.isdigit():
        return instant(int(stamp))
    try:
        found = datetime.fromisoformat(stamp)
        found = found.replace(tzinfo=UTC) if found.tzinfo is None else found
        micros = (found - _EPOCH) // _MICROSECOND
    except (ValueError, OverflowError):
        raise OutOfRange from None
    if not 10**15 <= micros < 10**16:
        raise OutOfRange
    return micros, "us"
