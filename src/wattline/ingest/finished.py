"""What was worked out from the rows of finished days, in memory, until a row of such a day is committed."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from typing import Any

from numpy.typing import NDArray

from wattline.model.clock import DAY
from wattline.model.record import Row

MOST_BYTES = 64 << 20

Arrays = Sequence[NDArray[Any]]
Day = tuple[int, int, int]
"""A stream, when the day begins (us, UTC), and the width of its intervals (us)."""


class Reading:
    """A read under way: the days of streams of which it may have missed a row."""

    __slots__ = ("missed",)

    def __init__(self) -> None:
        self.missed: set[tuple[int, int]] = set()


class Finished:
    """Arrays of days of streams. All methods run on the event loop.

    A day is finished for whoever keeps it, but not closed: any row of it that is committed, late or not, changes it or takes
    it back, makes it forgotten. Of more than `most_bytes` the days asked for least recently are.
    """

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._most_bytes = most_bytes
        self._days: OrderedDict[Day, Arrays] = OrderedDict()
        self._widths: set[int] = set()
        self._readings: set[Reading] = set()
        self._since = 0
        self._until = 0
        self.nbytes = 0
        """Bytes of all that is kept."""

    def __len__(self) -> int:
        return len(self._days)

    def of(self, day: Day) -> Arrays | None:
        """What is kept of a day."""
        found = self._days.get(day)
        if found is not None:
            self._days.move_to_end(day)
        return found

    def heard(self, rows: Iterable[Row]) -> None:
        """Rows were committed; to be called with every one, those that take others back too."""
        until = self._until
        if not until:
            return
        for row in rows:
            # Hardly any row is that old: what is new costs one comparison.
            if row.time < until:
                start = row.time // DAY * DAY
                for reading in self._readings:
                    reading.missed.add((row.stream, start))
                for width in self._widths:
                    self._drop((row.stream, start, width))

    def begin(self, until: int) -> Reading:
        """Say that days before an instant will be read; `Intervals.prepare` follows, which sees what came earlier."""
        self._until = max(self._until, until)
        reading = Reading()
        self._readings.add(reading)
        return reading

    def end(self, reading: Reading) -> None:
        """The read is over, or has failed."""
        self._readings.discard(reading)

    def keep(self, reading: Reading, day: Day, arrays: Arrays) -> None:
        """Keep a copy of what was read of a day, unless one of its rows was committed meanwhile. Before `end`."""
        if day[:2] in reading.missed or day[1] < self._since:
            return
        self._drop(day)
        self._days[day] = kept = tuple(array.copy() for array in arrays)
        self._widths.add(day[2])
        self.nbytes += sum(array.nbytes for array in kept)
        while self.nbytes > self._most_bytes:
            self._drop(next(iter(self._days)))

    def forget_before(self, since: int) -> None:
        """Days that begin before an instant are neither kept any longer nor from now on."""
        if since > self._since:
            self._since = since
            for day in [day for day in self._days if day[1] < since]:
                self._drop(day)

    def _drop(self, day: Day) -> None:
        gone = self._days.pop(day, None)
        if gone is not None:
            self.nbytes -= sum(array.nbytes for array in gone)
