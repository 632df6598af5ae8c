"""Rows of streams in the order of their receipt, whole: what is committed is there, and nothing will come before it."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import NamedTuple

import numpy as np

from wattline.ingest.receipt import Receipts
from wattline.ingest.writer import Writer
from wattline.model.clock import MINUTE
from wattline.model.record import Row
from wattline.registry.stream import Stream
from wattline.telemetry.receipts import ReceiptReader, Received

FIRST_SPAN = MINUTE
GROWTH = 8
MOST_STREAMS = 2_500
"""Streams asked for in one read: a server takes no more than 128 KiB of numbers."""
MOST_CELLS_STREAMS = 80
_receipt = attrgetter("received")


@dataclass(frozen=True, slots=True)
class Slice:
    """Rows by receipt, and the instant up to which these are all."""

    rows: list[Row]
    upto: int


class _Waiting(NamedTuple):
    """Rows that the store need not be asked for: all that were received after `since`, those after a position by receipt.

    Of rows of one place (stream and time) it is the last one, which holds everything that is there.
    """

    rows: list[Row]
    places: set[tuple[int, int]]
    since: int

    def spared(self, heads: Received) -> Received:
        """Rows of the store without those that a waiting one takes the place of."""
        if not self.places:
            return heads
        pairs = zip(heads.stream.tolist(), heads.time.tolist(), strict=True)
        return _picked(heads, [at for at, place in enumerate(pairs) if place not in self.places])


class ReceivedRows:
    """Reads by receipt of streams whose rows each have an instant of their own (`Receipts.layouts`).

    A reader moves nothing to the store: what is committed and not there yet is what the writer holds. Rows are received in the
    order of their commits, and the writer moves them in that order; so from some instant on it holds all of them, and up to
    there the store does. A row of these layouts is whole: one that takes the place of another holds all that is there then.
    """

    def __init__(self, writer: Writer, receipts: Receipts, reader: ReceiptReader) -> None:
        self._writer = writer
        self._receipts = receipts
        self._reader = reader

    @property
    def horizon(self) -> int:
        """Every row received until this instant (us) is committed; later ones are all received after it."""
        return self._receipts.horizon

    async def after(self, streams: Sequence[Stream], position: int, most: int, until: int) -> Slice:
        """The first `most` rows received in (position, until], `until` being no later than the horizon.

        Raises `Unavailable` where the store is away.
        """
        if position >= until:
            return Slice([], position)
        waiting = await self._waiting(streams, position, until)
        found: list[Received] = []
        at, span, count = position, FIRST_SPAN, 0
        while at < waiting.since and count < most:
            end = min(at + span, waiting.since)
            asked = most - count
            heads = await self._heads(streams, at, end, asked)
            at = int(heads.received[-1]) if len(heads) >= asked else end
            if len(heads) * GROWTH < most:
                span *= GROWTH
            found.append(waiting.spared(heads))
            count += len(found[-1])
        rows = [*await self._rows(streams, found), *waiting.rows[: most - count]]
        return Slice(rows, rows[-1].received if len(rows) >= most else until)

    async def newest(self, stream: Stream, position: int, most: int) -> list[Row]:
        """The newest `most` rows received after a position, by receipt."""
        waiting = await self._waiting([stream], position, self.horizon)
        missing = most - len(waiting.rows)
        if missing <= 0 or position >= waiting.since:
            return waiting.rows[-most:]
        asked = missing + sum(row.late for row in waiting.rows)
        heads = await self._reader.heads([stream.id], position, waiting.since, asked, newest_first=True)
        heads = waiting.spared(_picked(heads, np.argsort(heads.received).tolist()))
        rows = await self._rows([stream], [_picked(heads, range(max(len(heads) - missing, 0), len(heads)))])
        return [*rows, *waiting.rows]

    async def _waiting(self, streams: Sequence[Stream], position: int, until: int) -> _Waiting:
        """What was received in (position, until] and may not be in the store yet."""
        rows = await self._writer.waiting({stream.id for stream in streams})
        since = rows[0].received - 1 if rows else until
        later = rows[bisect_right(rows, position, key=_receipt) :]
        last = {(row.stream, row.time): row.received for row in later}
        kept = [row for row in later if row.received <= until and last[row.stream, row.time] == row.received]
        return _Waiting(kept, set(last), min(since, until))

    async def _heads(self, streams: Sequence[Stream], after: int, until: int, most: int) -> Received:
        parts = [
            await self._reader.heads([stream.id for stream in streams[first : first + MOST_STREAMS]], after, until, most)
            for first in range(0, len(streams), MOST_STREAMS)
        ]
        if len(parts) == 1:
            return parts[0]
        stream, time, received = (
            np.concatenate([getattr(part, name) for part in parts]) for name in ("stream", "time", "received")
        )
        status = [text for part in parts for text in part.status]
        order = np.lexsort((time, stream, received))[:most]
        return Received(stream[order], time[order], received[order], [status[i] for i in order.tolist()])

    async def _rows(self, streams: Sequence[Stream], found: Sequence[Received]) -> list[Row]:
        rows = [
            (stream, time, received, status)
            for part in found
            for stream, time, received, status in zip(
                part.stream.tolist(), part.time.tolist(), part.received.tolist(), part.status, strict=True
            )
        ]
        known = {stream.id: stream for stream in streams}
        cells = await self._cells(
            [known[number] for number in sorted({row[0] for row in rows})], sorted({row[1] for row in rows})
        )
        made = []
        for number, time, received, status in rows:
            readings = [cells.get((sensor, time)) for sensor in known[number].sensor_ids]
            values = tuple(None if reading is None else reading[0] for reading in readings)
            quality = tuple(0 if reading is None else reading[1] for reading in readings)
            made.append(Row(number, time, received, values, quality, status or None))
        return made

    async def _cells(self, streams: Sequence[Stream], times: Sequence[int]) -> dict[tuple[int, int], tuple[float, int]]:
        found: dict[tuple[int, int], tuple[float, int]] = {}
        for first in range(0, len(streams), MOST_CELLS_STREAMS):
            sensors = [sensor for stream in streams[first : first + MOST_CELLS_STREAMS] for sensor in stream.sensor_ids]
            cells = await self._reader.cells(sensors, times)
            keys = zip(cells.sensor.tolist(), cells.time.tolist(), strict=True)
            found.update(zip(keys, zip(cells.value.tolist(), cells.quality.tolist(), strict=True), strict=True))
        return found


def _picked(heads: Received, places: Sequence[int]) -> Received:
    """Some of the rows, in this order."""
    chosen = np.array(places, np.intp)
    return Received(heads.stream[chosen], heads.time[chosen], heads.received[chosen], [heads.status[at] for at in places])
