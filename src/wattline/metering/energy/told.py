"""What is told of all readings of sensors before any is read, and how days that were worked out before are known to hold."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

import numpy as np

from wattline.ingest.edge_series import Days, Extents, Told
from wattline.metering.energy.lane import Lane
from wattline.metering.energy.register import Ints
from wattline.model.clock import DAY

NEAR = 31
"""Days: what depends on readings from farther before is taken to depend on all before; from farther behind, it has no mark."""
NO_MARK = 0


class Extent(NamedTuple):
    """When the oldest and the newest reading of a sensor were (us), and the least value."""

    oldest: int
    newest: int
    low: float


class Telling:
    """What was told of some sensors at one moment, with their days from `first` to `last` one by one."""

    def __init__(self, sensors: Collection[int], first: int, last: int, told: Told) -> None:
        self.closed = told.closed
        self._sensors = frozenset(sensors)
        self._range = first, last
        self._extents: dict[int, Extent] = {}
        for part in (told.days.extents(), told.later):
            self._join(part)
        self._sums = _sums(told.days)

    def _join(self, part: Extents) -> None:
        for sensor, *one in zip(
            *(column.tolist() for column in (part.sensor, part.oldest, part.newest, part.low)), strict=True
        ):
            new = Extent(*one)
            had = self._extents.get(sensor, new)
            self._extents[sensor] = Extent(min(had.oldest, new.oldest), max(had.newest, new.newest), min(had.low, new.low))

    def covers(self, sensors: Collection[int], first: int, last: int) -> bool:
        """Whether these sensors, and these days of them, were asked about."""
        return self._range[0] <= first and last <= self._range[1] and self._sensors.issuperset(sensors)

    def of(self, sensor: int) -> Extent | None:
        """The extent of a sensor, None where it never told anything."""
        return self._extents.get(sensor)

    def lane(self, lane: Lane) -> Extent | None:
        """That of a lane, None where one of its sensors never told anything; `low` is a bound where they are added up."""
        each = [found for sensor in lane.sensors if (found := self._extents.get(sensor)) is not None]
        if len(each) < len(lane.sensors):
            return None
        return Extent(min(one.oldest for one in each), max(one.newest for one in each), sum(one.low for one in each))

    def marks(self, lane: Lane, first: int, low: Ints, high: Ints) -> Ints:
        """A number for each day from `first` on, which depends on the readings between `low` and `high` (us) alone.

        As long as it is the same, so are these readings: it is the sum of the versions of the days on which they lie, and each
        version grows whenever a reading of its day is written, replaced or taken back. `NO_MARK` where that cannot be told, as
        for days whose readings may still be of a day that is not closed.
        """
        days = first + np.arange(len(low), dtype=np.int64)
        since, until = low // DAY, high // DAY
        since[since < days - NEAR] = 0
        marks = np.zeros(len(low), np.int64)
        for sensor in lane.sensors:
            day, total = self._sums.get(sensor, NOTHING)
            marks += total[np.searchsorted(day, until, "right")] - total[np.searchsorted(day, since)]
        marks[(until >= self.closed) | (until > days + NEAR)] = NO_MARK
        return marks


NOTHING = np.zeros(0, np.int64), np.zeros(1, np.int64)


def _sums(days: Days) -> dict[int, tuple[Ints, Ints]]:
    """The days of each sensor, and the sum of the versions of all that come before each of them, and of all."""
    starts = np.flatnonzero(np.diff(days.sensor, prepend=days.sensor[:1] + 1)) if len(days.sensor) else NOTHING[0]
    ends = np.append(starts[1:], len(days.sensor)) if len(starts) else starts
    # Sums of differences hold where a sum goes over the top of its type.
    total = np.concatenate([[0], np.cumsum(days.version)])
    return {
        int(days.sensor[low]): (days.day[low:high], total[low : high + 1])
        for low, high in zip(starts.tolist(), ends.tolist(), strict=True)
    }
