"""The newest rows of the streams that are asked for, in memory: what a screen polls, without a read of the store."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wattline.model.record import Quality, Row

MOST_STREAMS = 1_000
KEPT = 256
"""Rows kept of each stream, at least; before there are twice as many, the older half goes."""
NO_ID = bytes(16)


@dataclass(frozen=True, slots=True)
class Lines:
    """Rows of one stream or of several, as columns: times (us), when each was made (us), ids (16 bytes, zeros for none).

    `values` and `quality` have a line a row and a column a quantity; quality VOID is where there is no value.
    """

    time: NDArray[np.int64]
    created: NDArray[np.int64]
    id: NDArray[np.void]
    values: NDArray[np.float64]
    quality: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.time)

    def part(self, chosen: slice) -> Lines:
        """Some of the rows, without a copy."""
        return Lines(self.time[chosen], self.created[chosen], self.id[chosen], self.values[chosen], self.quality[chosen])


def blank(rows: int, width: int) -> Lines:
    """Room for rows of `width` quantities, none of which has a value."""
    return Lines(
        np.zeros(rows, np.int64),
        np.zeros(rows, np.int64),
        np.zeros(rows, "V16"),
        np.zeros((rows, width), np.float64),
        np.full((rows, width), Quality.VOID, np.uint8),
    )


class Window:
    """The rows of one stream from some instant to its newest, without a gap, oldest first. `whole`: there are no older ones."""

    def __init__(self, rows: Lines, *, whole: bool) -> None:
        self._room = blank(2 * KEPT, rows.values.shape[1])
        self._count = min(len(rows), KEPT)
        self.whole = whole and len(rows) <= KEPT
        self._put(slice(0, self._count), rows.part(slice(len(rows) - self._count, None)))

    def _put(self, place: slice, rows: Lines) -> None:
        for name in Lines.__slots__:
            getattr(self._room, name)[place] = getattr(rows, name)

    def append(self, row: Row) -> None:
        """Add a row that is newer than all others."""
        at = self._count
        if at == 2 * KEPT:
            self._put(slice(0, KEPT), self._room.part(slice(KEPT, None)))
            self.whole = False
            at = KEPT
        room, mark = self._room, row.mark
        room.time[at] = row.time
        room.created[at] = row.received if mark is None else mark.created
        room.id[at] = np.void(NO_ID if mark is None else mark.id)
        room.values[at] = row.values
        room.quality[at] = row.quality
        for column, value in enumerate(row.values):
            if value is None:
                room.quality[at, column] = Quality.VOID
        self._count = at + 1

    @property
    def rows(self) -> Lines:
        """All of them."""
        return self._room.part(slice(0, self._count))


class Recent:
    """Windows of streams. All methods run on the event loop.

    What comes late, or is changed or taken back, makes the window of its stream forgotten; of more than `MOST_STREAMS` those
    asked for least recently are.
    """

    def __init__(self) -> None:
        self._windows: OrderedDict[int, Window] = OrderedDict()
        self._filling: dict[int, list[Row] | None] = {}

    def of(self, stream: int) -> Window | None:
        """The newest rows of a stream, or None where they have to be read first."""
        found = self._windows.get(stream)
        if found is not None:
            self._windows.move_to_end(stream)
        return found

    def heard(self, rows: Iterable[Row]) -> None:
        """Rows were committed; to be called with every one, in order, those that take others back too."""
        windows, filling = self._windows, self._filling
        if not windows and not filling:
            return
        for row in rows:
            known = windows.get(row.stream)
            if known is not None:
                if row.late:
                    del windows[row.stream]
                else:
                    known.append(row)
            elif row.stream in filling:
                waiting = filling[row.stream]
                if row.late:
                    filling[row.stream] = None
                elif waiting is not None:
                    waiting.append(row)

    def begin(self, stream: int) -> bool:
        """Say that the rows of a stream are about to be read; False where somebody is at it already."""
        if stream in self._filling:
            return False
        self._filling[stream] = []
        return True

    def end(self, stream: int, window: Window | None) -> None:
        """What the store had; None where it could not be read."""
        since = self._filling.pop(stream)
        if window is None or since is None:
            return
        newest = int(window.rows.time[-1]) if len(window.rows) else None
        for row in since:
            if newest is None or row.time > newest:
                window.append(row)
        self._windows[stream] = window
        if len(self._windows) > MOST_STREAMS:
            self._windows.popitem(last=False)
