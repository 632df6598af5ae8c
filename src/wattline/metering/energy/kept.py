"""Cells that were worked out, in memory, each day of them until a reading that it depends on is committed."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wattline.metering.energy.cells import A_DAY, Cells
from wattline.metering.energy.lane import Lane
from wattline.metering.energy.register import Ints
from wattline.metering.energy.shelf import Stored
from wattline.metering.energy.told import NO_MARK
from wattline.model.clock import DAY
from wattline.model.record import Row

MOST_BYTES = 128 << 20
LONGEST = 4000
"""Days between the first and the last that are kept of a lane; where they would be more, the former ones go."""
ALWAYS, NEVER = 2**62, -(2**62)


class Timeline:
    """Consecutive days of one lane, known or not. `low` and `high` (us) say between which readings a day can change."""

    def __init__(self) -> None:
        self.first = 0
        self.known: NDArray[np.bool_] = np.zeros(0, bool)
        self._low: Ints = np.zeros(0, np.int64)
        self._high: Ints = np.zeros(0, np.int64)
        self._mark: Ints = np.zeros(0, np.int64)
        self._unsaved: NDArray[np.bool_] = np.zeros(0, bool)
        self._cells = Cells(0)
        self.until = NEVER
        self.silent = True
        """Whether the lane never told anything, as far as is known."""

    @property
    def nbytes(self) -> int:
        return self._cells.nbytes + 26 * len(self.known)

    def missing(self, first: int, last: int) -> Ints:
        """The days in [first, last), counted from 1970, that are not known."""
        wanted = np.ones(last - first, bool)
        a, b = max(first, self.first), min(last, self.first + len(self.known))
        if a < b:
            wanted[a - first : b - first] = ~self.known[a - self.first : b - self.first]
        return np.flatnonzero(wanted) + first

    def cells(self, first: int, last: int) -> Cells:
        """What is known of the days [first, last), all of them known: views, which hold until the next `keep`."""
        return self._cells.between((first - self.first) * A_DAY, (last - self.first) * A_DAY)

    def keep(self, first: int, cells: Cells, low: Ints, high: Ints, mark: Ints | None = None, *, saved: bool = False) -> None:
        """Take over consecutive days, one entry of `low`, `high` and `mark` each; `saved` ones are on the shelf already."""
        days = len(low)
        self.reach(first, first + days)
        at = slice(first - self.first, first - self.first + days)
        where = slice(at.start * A_DAY, at.stop * A_DAY)
        self._cells = _written(self._cells, where, cells)
        self._low[at], self._high[at], self.known[at] = low, high, True
        self._mark[at] = NO_MARK if mark is None else mark
        self._unsaved[at] = not saved and self._mark[at] != NO_MARK
        self.until = max(self.until, int(high.max()))

    def heard(self, time: int) -> None:
        """A reading of this time was committed: days that it can change are not known any more."""
        self.known &= (time < self._low) | (time > self._high)
        self._unsaved &= self.known
        self.until = int(self._high.max(initial=NEVER, where=self.known))

    def unsaved(self) -> Stored | None:
        """A copy of what can be kept on the shelf and is not; it counts as saved from now on."""
        days = np.flatnonzero(self._unsaved)
        if not len(days):
            return None
        at = slice(int(days[0]), int(days[-1]) + 1)
        mark = np.where(self._unsaved[at], self._mark[at], NO_MARK)
        held = self._cells.between(at.start * A_DAY, at.stop * A_DAY).columns()
        cells: dict[str, Any] = {name: None if each is None else each.copy() for name, each in held.items()}
        self._unsaved[at] = False
        low, high = self._low[at].copy(), self._high[at].copy()
        return Stored(self.first + at.start, Cells(len(mark) * A_DAY, **cells), low, high, mark)

    def reach(self, first: int, last: int) -> None:
        """Make room for the days [first, last), known or not."""
        start, stop = min(first, self.first), max(last, self.first + len(self.known))
        if not len(self.known) or stop - start > LONGEST:
            start, stop = first, last
            self.known, self._cells = np.zeros(0, bool), Cells(0)
            self._low = self._high = self._mark = np.zeros(0, np.int64)
            self._unsaved = np.zeros(0, bool)
            self.first = start
        before, after = self.first - start, stop - self.first - len(self.known)
        if before or after:
            self.known, self._unsaved = (_wider(each, before, after) for each in (self.known, self._unsaved))
            self._low, self._high, self._mark = (_wider(each, before, after) for each in (self._low, self._high, self._mark))
            wide = (before * A_DAY, after * A_DAY)
            held = self._cells.columns().items()
            wider: dict[str, Any] = {name: None if each is None else _wider(each, *wide) for name, each in held}
            self._cells = Cells(self._cells.size + sum(wide), **wider)
            self.first = start


def _wider(column: NDArray[Any], before: int, after: int) -> NDArray[Any]:
    """The same with zeros around it: what `np.pad` takes ten times as long for."""
    found = np.zeros(before + len(column) + after, column.dtype)
    found[before : before + len(column)] = column
    return found


def _written(held: Cells, where: slice, new: Cells) -> Cells:
    """The same with some intervals replaced, in place; a column that was idle is made where it is needed now."""
    columns: dict[str, Any] = held.columns()
    for name, theirs in new.columns().items():
        if columns[name] is None and theirs is not None:
            columns[name] = held.full(name)
        if columns[name] is not None:
            columns[name][where] = 0 if theirs is None else theirs
    return Cells(held.size, **columns)


class Kept:
    """The timelines of lanes. All methods run on the event loop.

    Of more than `most_bytes` the lanes asked for least recently go.
    """

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._most_bytes = most_bytes
        self._lanes: OrderedDict[Lane, Timeline] = OrderedDict()
        self._of: dict[int, dict[Lane, Timeline]] = {}
        self._until: dict[int, int] = {}
        self._missed: list[Row] | None = None

    @property
    def nbytes(self) -> int:
        """Bytes of all that is kept."""
        return sum(timeline.nbytes for timeline in self._lanes.values())

    def of(self, lane: Lane) -> Timeline:
        """The timeline of a lane, perhaps without a day."""
        found = self._lanes.get(lane)
        if found is None:
            found = self._lanes[lane] = self._of.setdefault(lane.stream, {})[lane] = Timeline()
        self._lanes.move_to_end(lane)
        return found

    def heard(self, rows: Iterable[Row]) -> None:
        """Rows were committed; to be called with every one, those that take others back too."""
        until = self._until
        if not until:
            return
        for row in rows:
            last = until.get(row.stream)
            if last is None:
                continue
            if self._missed is not None:
                self._missed.append(row)
            if row.time <= last:
                self._touch(row)

    def _touch(self, row: Row) -> None:
        mine = self._of.get(row.stream, {})
        for lane, timeline in mine.items():
            if not timeline.silent or _told(lane, row):
                timeline.heard(row.time)
        self._until[row.stream] = max((each.until for each in mine.values()), default=NEVER)

    def begin(self, lanes: Iterable[Lane]) -> None:
        """Say that days of these lanes will be read; what is committed from now on may be missing in what is read."""
        if self._missed is None:
            self._missed = []
        for lane in lanes:
            self._until.setdefault(lane.stream, NEVER)

    def keep(
        self, lane: Lane, first: int, cells: Cells, low: Ints, high: Ints, mark: Ints | None = None, *, silent: bool = False
    ) -> None:
        """Keep days that were read since `begin`, of a lane that told something or is `silent`."""
        self._keep(lane, first, cells, low, high, mark, silent=silent, saved=False)

    def restore(self, lane: Lane, stored: Stored, true: NDArray[np.bool_]) -> None:
        """Keep those days of the shelf that hold `true`, were looked at since `begin`, and are not known."""
        days = np.flatnonzero(true & np.isin(np.arange(stored.first, stored.last), self.of(lane).missing(*stored.range)))
        for run in np.split(days, np.flatnonzero(np.diff(days) > 1) + 1):
            if len(run):
                at = slice(int(run[0]), int(run[-1]) + 1)
                cells = stored.cells.between(at.start * A_DAY, at.stop * A_DAY)
                bounds = stored.low[at], stored.high[at], stored.mark[at]
                self._keep(lane, stored.first + at.start, cells, *bounds, silent=False, saved=True)

    def _keep(
        self, lane: Lane, first: int, cells: Cells, low: Ints, high: Ints, mark: Ints | None, *, silent: bool, saved: bool
    ) -> None:
        timeline = self.of(lane)
        timeline.keep(first, cells, low, high, mark, saved=saved)
        timeline.silent &= silent
        for row in self._missed or ():
            if row.stream == lane.stream and (not timeline.silent or _told(lane, row)):
                timeline.heard(row.time)
        self._until[lane.stream] = max(self._until.get(lane.stream, NEVER), timeline.until)

    def end(self) -> None:
        """What was read since `begin` is kept, or the read has failed."""
        self._missed = None

    def unsaved(self) -> Iterator[tuple[Lane, Stored]]:
        """What can be kept on the shelf and is not, lane by lane; each counts as saved once it was given."""
        for lane, timeline in list(self._lanes.items()):
            found = timeline.unsaved()
            if found is not None:
                yield lane, found

    def trim(self) -> None:
        """Let go of what is too much."""
        size = self.nbytes
        while size > self._most_bytes and len(self._lanes) > 1:
            lane, gone = self._lanes.popitem(last=False)
            size -= gone.nbytes
            mine = self._of[lane.stream]
            del mine[lane]
            if not mine:
                del self._of[lane.stream]
                self._until.pop(lane.stream, None)


def _told(lane: Lane, row: Row) -> bool:
    """Whether a row has anything to say of a lane."""
    return any(row.values[column] is not None for column in lane.columns)


def bounds(time: Ints, first: int, days: int, *, odd: NDArray[np.bool_]) -> tuple[Ints, Ints]:
    """Between which readings (us) each day, from day `first` on, can change: two before it and three after its end.

    A fall is judged by the two readings that follow. `odd` days hold something odd, so what lies a day around counts too.
    """
    starts = (first + np.arange(days + 1, dtype=np.int64)) * DAY
    place = np.searchsorted(time, starts)
    before, after = place[:-1] - 2, place[1:] + 2
    low, high = np.full(days, NEVER, np.int64), np.full(days, ALWAYS, np.int64)
    there, follows = before >= 0, after < len(time)
    low[there], high[follows] = time[before[there]], time[after[follows]]
    low[odd], high[odd] = np.minimum(low, starts[:-1] - DAY)[odd], np.maximum(high, starts[1:] + DAY)[odd]
    return low, high
