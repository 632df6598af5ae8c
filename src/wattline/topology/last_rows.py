"""The newest value of each quantity of the streams that sites read, in memory.

A gateway may send power and energy in messages of their own, so the newest row of a stream alone does not have every value. Of
rows with the same quantities only the newest is of use: that is what is kept, and mostly it is one row a stream.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from wattline.model.record import Fate, Quality, Row
from wattline.registry.stream import Stream

MOST_ROWS = 8
"""Rows kept of one stream before those without a newest value are sought and dropped."""


class Kept:
    """The rows of one stream that have the newest value of some of its columns, newest first. `rows` is replaced as a whole."""

    __slots__ = ("_absent", "asked", "columns", "rows", "stream")

    def __init__(self, stream: Stream, columns: tuple[int, ...]) -> None:
        self.stream = stream
        self.columns = columns
        self.rows: tuple[Row, ...] = ()
        self._absent: list[list[bool]] = []
        self.asked = False
        """Whether the store was asked for what came before."""
        if stream.latest is not None:
            self.take(stream.latest)

    def widen(self, columns: Iterable[int]) -> None:
        """Keep more columns, from now on."""
        self.columns = tuple(sorted({*self.columns, *columns}))
        rows, self.rows, self._absent = self.rows, (), []
        for row in reversed(rows):
            self.take(row)

    def newest(self) -> tuple[Row, ...]:
        """The rows; where none is kept any more, what the stream knows."""
        if self.rows or self.stream.latest is None:
            return self.rows
        return (self.stream.latest,)

    def take(self, row: Row) -> None:
        """A row was committed, newer than the others or late."""
        if row.mark is not None and _takes_back(row):
            # What was newest before is in the store alone.
            self.rows, self._absent, self.asked = (), [], False
            return
        values = row.values
        absent = [values[column] is None for column in self.columns]
        known, rows = self._absent, self.rows
        if len(rows) == 1 and known[0] == absent:
            if row.time >= rows[0].time:
                self.rows = (row,)
            return
        if absent in known:
            place = known.index(absent)
            if row.time < rows[place].time:
                return
            rows = rows[:place] + rows[place + 1 :]
            del known[place]
        place = next((n for n, each in enumerate(rows) if each.time <= row.time), len(rows))
        known.insert(place, absent)
        self.rows = (*rows[:place], row, *rows[place:])
        if len(self.rows) > MOST_ROWS:
            self._thin()

    def _thin(self) -> None:
        missing = set(range(len(self.columns)))
        kept = []
        for place, absent in enumerate(self._absent):
            told = {column for column in missing if not absent[column]}
            missing -= told
            if told:
                kept.append(place)
        self.rows = tuple(self.rows[place] for place in kept)
        self._absent = [self._absent[place] for place in kept]


def _takes_back(row: Row) -> bool:
    mark = row.mark
    if mark is not None and mark.fate == Fate.REMOVED:
        return True
    return row.quality == Quality.VOID if isinstance(row.quality, int) else Quality.VOID in row.quality


class LastRows:
    """What is kept, by stream. All methods run on the event loop; the rows of a `Kept` may be read anywhere."""

    def __init__(self) -> None:
        self._kept: dict[int, Kept] = {}

    def of(self, stream: Stream, columns: tuple[int, ...]) -> Kept:
        """What is kept of a stream; from now on these columns at least."""
        found = self._kept.get(stream.id)
        if found is None:
            found = self._kept[stream.id] = Kept(stream, columns)
        elif found.columns != columns and not {*columns} <= {*found.columns}:
            found.widen(columns)
        return found

    def heard(self, rows: Sequence[Row]) -> None:
        """Rows were committed; to be called with every one, in order."""
        kept = self._kept
        if not kept:
            return
        for row in rows:
            mine = kept.get(row.stream)
            if mine is not None:
                mine.take(row)
