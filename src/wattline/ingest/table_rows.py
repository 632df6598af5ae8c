"""Rows as a table shows them: one row an instant of a stream, with its id, in slices of bounded memory, and always fresh."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wattline.ingest.recent import KEPT, Lines, Recent, Window, blank
from wattline.ingest.writer import Writer
from wattline.model.clock import HOUR
from wattline.registry.stream import Stream
from wattline.telemetry.rows import Heads, RowReader

SLICE = 20_000
"""Rows of one slice, about: those of one instant stay together."""
FIRST_WINDOW = HOUR
EARLIEST, LATEST = 0, 2**52
"""From 1970 to 2112: the store holds no row outside."""

Place = tuple[int, float] | None
"""Where a column's values are in a stream's rows, and the factor to multiply them by; None where it has no such column."""


@dataclass(frozen=True, slots=True)
class Shape:
    """Which rows are meant: streams, and for each the places of the wanted columns.

    `ranks` says of each stream where its rows come among those of one instant; None: in the order of the streams. Streams of
    one rank make one row of an instant.
    """

    streams: Sequence[Stream]
    places: Sequence[Sequence[Place]]
    ranks: Sequence[int] | None = None

    @property
    def order(self) -> Sequence[int]:
        """The ranks."""
        return range(len(self.streams)) if self.ranks is None else self.ranks

    @property
    def width(self) -> int:
        """How many columns there are."""
        return len(self.places[0]) if self.places else 0


@dataclass(frozen=True, slots=True)
class Slice:
    """Rows: the rank of each one's stream in the shape, when it came in or was changed (us), its `Fate`, and the rest."""

    rank: NDArray[np.int64]
    received: NDArray[np.int64]
    fate: NDArray[np.uint8]
    lines: Lines

    def __len__(self) -> int:
        return len(self.rank)


class TableRows:
    """Reads of whole rows. Times in us since 1970, ranges half-open; raises `Unavailable` where the store is away."""

    def __init__(self, writer: Writer, reader: RowReader) -> None:
        self._writer = writer
        self._reader = reader
        self.recent = Recent()

    async def _fresh(self, streams: Sequence[Stream]) -> None:
        if self._writer.waits(stream.id for stream in streams):
            await self._writer.flush()

    async def slices(
        self, shape: Shape, start: int, end: int, *, newest_first: bool = False, most: int | None = None
    ) -> AsyncIterator[Slice]:
        """The rows in [start, end) by time, and by the ranks of the streams within an instant.

        `most` is how many rows are likely to be looked at: the first slice is not much larger.
        """
        start, end = max(start, EARLIEST), min(end, LATEST)
        if not shape.streams or start >= end:
            return
        if len(shape.streams) == 1:
            stream = shape.streams[0]
            window = await self._window(stream) if newest_first else self.recent.of(stream.id)
            if window is not None and (newest_first or window.whole):
                rows = window.rows
                if part := _of_window(rows, shape, start, end, newest_first=newest_first):
                    yield part
                if window.whole or not len(rows):
                    return
                end = min(end, int(rows.time[0]))
                if start >= end:
                    return
        await self._fresh(shape.streams)
        async for heads in self._heads([stream.id for stream in shape.streams], start, end, newest_first, most):
            yield await self._filled(shape, heads, newest_first)

    async def _window(self, stream: Stream) -> Window | None:
        found = self.recent.of(stream.id)
        if found is not None or not self.recent.begin(stream.id):
            return found
        try:
            await self._fresh([stream])
            shape = Shape([stream], [[(at, 1.0) for at in range(len(stream.sensor_ids))]])
            heads = await self._reader.heads([stream.id], EARLIEST, LATEST, KEPT, newest_first=True)
            rows = (await self._filled(shape, heads, newest_first=False)).lines
            found = Window(rows, whole=len(rows) < KEPT)
        finally:
            self.recent.end(stream.id, found)
        return found

    async def _heads(
        self, streams: Sequence[int], start: int, end: int, newest_first: bool, most: int | None
    ) -> AsyncIterator[Heads]:
        """Heads in slices of time from one end to the other. The windows grow while they hold little."""
        bounds = await self._reader.bounds(streams)
        if bounds is None:
            return
        start, end = max(start, bounds[0]), min(end, bounds[1] + 1)
        limit = min(max(most or SLICE, KEPT), SLICE)
        # Few rows are read at once, however far apart they are.
        width = FIRST_WINDOW if bounds[2] > limit else end - start
        while start < end:
            a, b = (max(start, end - width), end) if newest_first else (start, min(end, start + width))
            heads = await self._reader.heads(streams, a, b, limit + 1, newest_first=newest_first)
            if len(heads) > limit:
                heads = await self._whole_instants(streams, heads, newest_first)
                edge = int(heads.time[-1])
                a, b = (edge, end) if newest_first else (start, edge + 1)
            elif len(heads) < limit // 4:
                width *= 4
            start, end = (start, a) if newest_first else (b, end)
            limit = min(4 * limit, SLICE)
            if len(heads):
                yield heads

    async def _whole_instants(self, streams: Sequence[int], heads: Heads, newest_first: bool) -> Heads:
        """Leave out the last instant, of which there may be more; where there is no other, read all of it."""
        last = int(heads.time[-1])
        kept = np.flatnonzero(heads.time != last)
        if len(kept):
            return heads.take(kept)
        return await self._reader.heads(streams, last, last + 1, len(streams), newest_first=newest_first)

    async def at(self, shape: Shape, times: Sequence[int]) -> Slice:
        """The rows of any of the streams at any of the times."""
        await self._fresh(shape.streams)
        heads = await self._reader.heads_at([stream.id for stream in shape.streams], sorted(set(times)))
        return await self._filled(shape, heads, newest_first=False)

    async def since(self, shape: Shape, received: int, most: int) -> Slice:
        """What came in, was changed or was taken back after an instant of receipt, in the order of receipt: at most so many."""
        await self._fresh(shape.streams)
        heads = await self._reader.heads_since([stream.id for stream in shape.streams], received, most)
        return await self._filled(shape, heads, newest_first=None)

    async def _filled(self, shape: Shape, heads: Heads, newest_first: bool | None) -> Slice:
        """Put the readings to the rows, and both in order; None keeps the order of the heads."""
        ids = np.array([stream.id for stream in shape.streams], np.int64)
        by_id = np.argsort(ids)
        places = by_id[np.searchsorted(ids[by_id], heads.stream)] if len(heads) else np.zeros(0, np.int64)
        rank = np.array(shape.order, np.int64)[places]
        if newest_first is not None:
            order = np.lexsort((rank, -heads.time if newest_first else heads.time))
            heads, rank = heads.take(order), rank[order]
            once = np.ones(len(heads), bool)
            once[1:] = (rank[1:] != rank[:-1]) | (heads.time[1:] != heads.time[:-1])
            if not once.all():
                heads, rank = heads.take(np.flatnonzero(once)), rank[once]
        lines = blank(len(heads), shape.width)
        lines.time[:] = heads.time
        lines.created[:] = heads.created
        lines.id[:] = heads.ids()
        if len(heads) and shape.width:
            await self._fill(shape, rank, lines)
        return Slice(rank, heads.received, heads.fate, lines)

    async def _fill(self, shape: Shape, rank: NDArray[np.int64], lines: Lines) -> None:
        sensor, of_rank, column, factor = _cells_of(shape, np.unique(rank))
        if not len(sensor):
            return
        first = int(lines.time.min())
        cells = await self._reader.cells(sensor, first, int(lines.time.max()) + 1)
        by_id = np.argsort(sensor)
        place = by_id[np.searchsorted(sensor[by_id], cells.sensor)]
        # One number names a row: its stream and its time.
        span = int(lines.time.max()) - first + 1
        keys = rank * span + (lines.time - first)
        by_key = np.argsort(keys, kind="stable")
        wanted = of_rank[place] * span + (cells.time - first)
        at = np.minimum(np.searchsorted(keys[by_key], wanted), len(keys) - 1)
        row = by_key[at]
        held = keys[row] == wanted
        row, place = row[held], place[held]
        lines.values[row, column[place]] = cells.value[held] * factor[place]
        lines.quality[row, column[place]] = cells.quality[held]


def _cells_of(shape: Shape, ranks: NDArray[np.int64]) -> tuple[NDArray[np.int64], ...]:
    """The sensors to read for the streams of these ranks: ids, ranks, columns and factors."""
    wanted = frozenset(ranks.tolist())
    found = [
        (stream.sensor_ids[place[0]], rank, column, place[1])
        for stream, places, rank in zip(shape.streams, shape.places, shape.order, strict=True)
        if rank in wanted
        for column, place in enumerate(places)
        if place is not None
    ]
    sensor, rank, column, factor = zip(*found, strict=True) if found else ((), (), (), ())
    return np.array(sensor, np.int64), np.array(rank, np.int64), np.array(column, np.int64), np.array(factor, np.float64)


def _of_window(rows: Lines, shape: Shape, start: int, end: int, *, newest_first: bool) -> Slice | None:
    """The rows of a window in [start, end)."""
    a, b = np.searchsorted(rows.time, (start, end))
    if a >= b:
        return None
    part = rows.part(slice(int(a), int(b)))
    part = part.part(slice(None, None, -1 if newest_first else 1))
    lines = blank(len(part), shape.width)
    lines.time[:], lines.created[:], lines.id[:] = part.time, part.created, part.id
    for column, place in enumerate(shape.places[0]):
        if place is not None:
            lines.values[:, column] = part.values[:, place[0]] * place[1]
            lines.quality[:, column] = part.quality[:, place[0]]
    return Slice(np.zeros(len(part), np.int64), part.created, np.zeros(len(part), np.uint8), lines)
