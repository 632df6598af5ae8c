"""Rows of streams in the order of their receipt, whole: what is committed is there, and nothing will come before it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

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


@dataclass(frozen=True, slots=True)
class Slice:
    """Rows by receipt, and the instant up to which these are all."""

    rows: list[Row]
    upto: int


class ReceivedRows:
    """Reads by receipt of streams whose rows each have an instant of their own (`Receipts.layouts`)."""

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
        await self._fresh(streams)
        found: list[Received] = []
        at, span, count = position, FIRST_SPAN, 0
        while at < until and count < most:
            end = min(at + span, until)
            heads = await self._heads(streams, at, end, most - count)
            found.append(heads)
            count += len(heads)
            at = int(heads.received[-1]) if count >= most else end
            if len(heads) * GROWTH < most:
                span *= GROWTH
        return Slice(await self._rows(streams, found), at)

    async def newest(self, stream: Stream, position: int, most: int) -> list[Row]:
        """The newest `most` rows received after a position, by receipt."""
        until = self.horizon
        await self._fresh([stream])
        heads = await self._reader.heads([stream.id], position, until, most, newest_first=True)
        order = np.argsort(heads.received)
        heads = Received(heads.stream[order], heads.time[order], heads.received[order], [heads.status[i] for i in order])
        return await self._rows([stream], [heads])

    async def _fresh(self, streams: Sequence[Stream]) -> None:
        if self._writer.waits(stream.id for stream in streams):
            await self._writer.flush()

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
