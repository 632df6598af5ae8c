"""Time zones: their names, and their offsets for single times and for whole columns, in any year."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

import numpy as np
import numpy.typing as npt

SECOND = 1_000_000
DAY = 86_400 * SECOND
CYCLE = 146_097 * DAY
"""400 years, after which the calendar and its weekdays repeat."""
FIRST = -719_162 * DAY + 366 * DAY
"""The year 2, before which every zone has its first offset."""
LAST = 2_932_896 * DAY - 366 * DAY
"""The end of the year 9998."""
_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001  (a local time)
_EPOCH_UTC = datetime(1970, 1, 1, tzinfo=UTC)


@cache
def _names() -> dict[str, str]:
    return {name.lower(): name for name in available_timezones()}


def named(name: str) -> ZoneInfo | None:
    """The zone of a name in any case, such as `Europe/London`; None where there is none."""
    known = _names().get(name.lower())
    return ZoneInfo(known) if known else None


def _within(us: int) -> int:
    """A time of the years 2 to 9998 at which a zone has the same offset."""
    if us > LAST:
        return us - ((us - LAST) // CYCLE + 1) * CYCLE
    return max(us, FIRST)


def _seconds(offset: timedelta | None) -> int:
    return int(offset.total_seconds()) if offset else 0


def offset(us: int, zone: ZoneInfo | None) -> int:
    """Seconds east of UTC at a time."""
    if zone is None:
        return 0
    return _seconds((_EPOCH_UTC + timedelta(microseconds=_within(us))).astimezone(zone).utcoffset())


def to_utc(local: int, zone: ZoneInfo | None) -> int:
    """The time (us) at which clocks of the zone show `local` (us since 1970 on that clock).

    Of a time that is shown twice the second; one that is skipped is read as if the clocks had not been changed yet.
    """
    if zone is None:
        return local
    shown = (_EPOCH + timedelta(microseconds=_within(local))).replace(tzinfo=zone)
    first, second = _seconds(shown.utcoffset()), _seconds(shown.replace(fold=1).utcoffset())
    return local - min(first, second) * SECOND


def offsets(us: npt.NDArray[np.int64], zone: ZoneInfo) -> npt.NDArray[np.int64]:
    """Seconds east of UTC at each of many times. One look-up for each day on which the offset does not change."""
    days, place = np.unique(us // DAY, return_inverse=True)
    start = np.array([offset(int(day) * DAY, zone) for day in days], np.int64)
    end = np.array([offset((int(day) + 1) * DAY, zone) for day in days], np.int64)
    found: npt.NDArray[np.int64] = start[place]
    changing = np.flatnonzero((start != end)[place])
    if len(changing):
        times, where = np.unique(us[changing], return_inverse=True)
        found[changing] = np.array([offset(int(time), zone) for time in times], np.int64)[where]
    return found
