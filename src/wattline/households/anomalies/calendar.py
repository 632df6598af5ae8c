"""The local hours of a household, for many steps at once."""

from __future__ import annotations

from datetime import datetime
from functools import cached_property
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from wattline.households.anomalies.history import STEP
from wattline.model.clock import DAY, HOUR, MINUTE, SECOND

QUARTER = 15 * MINUTE
"""Clocks are set at whole quarters of an hour."""
_THURSDAY = 3
"""The first of January 1970, counted from Monday."""


class Calendar:
    """Of each of `count` steps from `start` (us): what the clock on the wall of a zone shows when it begins."""

    def __init__(self, zone: ZoneInfo, start: int, count: int) -> None:
        self.start = start
        time = start + STEP * np.arange(count, dtype=np.int64)
        quarter, place = np.unique(time // QUARTER, return_inverse=True)
        offsets = [_offset(zone, int(each) * QUARTER) for each in quarter]
        self._local = time + np.array(offsets, np.int64)[place]

    @cached_property
    def day(self) -> NDArray[np.int64]:
        """The local day, counted from 1970."""
        return self._local // DAY

    @cached_property
    def hour(self) -> NDArray[np.int64]:
        """0 to 23."""
        return self._local % DAY // HOUR

    @cached_property
    def hour_of_week(self) -> NDArray[np.int64]:
        """0 is the hour after midnight of Monday, 167 the last of Sunday."""
        return weekday(self.day) * 24 + self.hour


def weekday(day: NDArray[np.int64]) -> NDArray[np.int64]:
    """Of a day counted from 1970: 0 is Monday."""
    return (day + _THURSDAY) % 7


def _offset(zone: ZoneInfo, time: int) -> int:
    """How far the local clock is ahead of UTC, in us."""
    ahead = datetime.fromtimestamp(time // SECOND, zone).utcoffset()
    return 0 if ahead is None else round(ahead.total_seconds()) * SECOND
