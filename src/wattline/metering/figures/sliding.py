"""The largest mean power of any 15 minutes, not of those on the clock alone.

Windows begin on whole minutes, and within a minute energy is spread evenly. Between readings it is a straight line, so a window
with the largest mean begins or ends at a reading: where meters report on whole minutes, the answer is exact. Only the days are
looked at on which a window can be larger than the largest quarter of an hour on the clock.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wattline.metering.energy.cells import A_DAY, INTERVAL
from wattline.metering.figures.flows import HOURS, trimmed
from wattline.metering.figures.profile import Profile
from wattline.metering.figures.read import Read
from wattline.metering.figures.subject import Member
from wattline.model.clock import DAY, MINUTE

WINDOW = INTERVAL // MINUTE
FINEST = 300
"""Seconds: of readings that come more often, the ends of five minutes of the clock are known."""
MOST_DAYS = 92
"""That are read at once."""
NONE = -np.inf

Peak = tuple[float, int]
"""A mean power (kW), and when it begins (us)."""


def resolution(members: Sequence[Member]) -> int:
    """The seconds within which the profile of the least fine member is a straight line, at least."""
    return max([FINEST, *(member.meter.interval_s for member in members)])


def runs(profile: Profile, peak_kw: float) -> list[tuple[int, int]]:
    """Days [first, last), counted from 1970, on which a window may have a larger mean than `peak_kw`.

    A window takes no more than both quarters together in which it lies.
    """
    quarters = np.append(profile.there, 0.0)
    most = (quarters[:-1] + quarters[1:]) / HOURS
    days = np.unique((profile.first + np.flatnonzero(most > peak_kw)) // A_DAY)
    # Those that begin on one day may end on the next.
    days = np.unique(np.concatenate([days, days + 1]))
    days = days[days * DAY < profile.end]
    return [(int(run[0]), int(run[-1]) + 1) for run in np.split(days, np.flatnonzero(np.diff(days) > 1) + 1) if len(run)]


class Minutes:
    """The net energy (kWh) of the members in each minute of some days, as far as it is known."""

    def __init__(self, first: int, last: int) -> None:
        self._first = first
        self._last = last
        self._net = np.zeros((last - first) * (DAY // MINUTE))
        self._known = np.zeros(len(self._net), bool)

    async def add(self, read: Read, start: int, end: int) -> None:
        """Add what flowed through the members of a read in [start, end), in us."""
        for first in range(self._first, self._last, MOST_DAYS):
            last = min(first + MOST_DAYS, self._last)
            at = slice((first - self._first) * (DAY // MINUTE), (last - self._first) * (DAY // MINUTE))
            async for member, found in read.fine(first, last, MINUTE):
                mine = trimmed(found, first * (DAY // MINUTE), *member.within(start, end), MINUTE)
                self._net[at] += member.weight * (mine.there if mine.back is None else mine.there - mine.back)
                self._known[at] |= True if mine.covered is None else mine.covered > 0

    def peak(self, start: int, end: int) -> Peak:
        """The largest mean of the windows in [start, end), in each minute of which a member is known."""
        begin = self._first * DAY
        low, high = max(-(-(start - begin) // MINUTE), 0), min((end - begin) // MINUTE, len(self._net))
        if high - low < WINDOW:
            return NONE, start
        means = np.where(_summed(self._known[low:high]) == WINDOW, _summed(self._net[low:high]) / HOURS, NONE)
        place = int(np.argmax(means))
        return float(means[place]), begin + (low + place) * MINUTE


def _summed(minutes: NDArray[Any]) -> NDArray[Any]:
    """The sum of each window."""
    total = np.concatenate([[0], np.cumsum(minutes)])
    return np.asarray(total[WINDOW:] - total[:-WINDOW])
