"""Reading what was written: every query first moves the journalled rows of its own streams to the store."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from wattline.ingest.rollup import Rollup
from wattline.ingest.writer import Writer
from wattline.model.clock import MINUTE
from wattline.registry.point import Point
from wattline.registry.stream import Stream
from wattline.telemetry.reader import Buckets, Extent, RawReadings, TelemetryReader
from wattline.telemetry.summaries import NONE, Summaries

__all__ = ["Buckets", "Chart", "Extent", "RawReadings", "RowSet", "Series", "Summaries"]

LATEST = 2**52
"""The year 2112: no reading is newer, and every table can hold a bucket that ends there."""
CHUNK_READINGS = 200_000
"""Readings that a scan holds in memory at a time, about."""


@dataclass(frozen=True, slots=True)
class RowSet:
    """Rows ordered by time, then stream: one entry per record, one float column per quantity, NaN where nothing was sent.

    `quality` is the worst of each row's readings, where that was asked for.
    """

    stream: NDArray[np.uint32]
    time: NDArray[np.int64]
    columns: dict[str, NDArray[np.float64]]
    quality: NDArray[np.uint8] | None = None

    def __len__(self) -> int:
        return len(self.time)


@dataclass(frozen=True, slots=True)
class Chart:
    """Down-sampled columns: bucket starts, and for each quantity its mean, minimum, maximum and number of readings."""

    time: NDArray[np.int64]
    mean: dict[str, NDArray[np.float64]]
    min: dict[str, NDArray[np.float64]]
    max: dict[str, NDArray[np.float64]]
    count: dict[str, NDArray[np.int64]]


class _Columns:
    """Which stream and column each sensor of a query belongs to."""

    def __init__(self, streams: Sequence[Stream], columns: Sequence[str]) -> None:
        self.names = list(columns)
        self.sensors: list[int] = []
        self.streams: list[int] = []
        self.column: list[int] = []
        for stream in streams:
            for sensor in stream.sensors:
                if sensor.quantity.name in self.names:
                    self.sensors.append(sensor.id)
                    self.streams.append(stream.id)
                    self.column.append(self.names.index(sensor.quantity.name))

    def rows(self, raw: RawReadings, *, quality: bool = False) -> RowSet:
        """Turn readings into rows: one pass a column, and a merge only where the columns differ in their instants."""
        order = np.argsort(np.array(self.sensors, np.int64))
        sorted_sensors = np.array(self.sensors, np.int64)[order]
        place = order[np.searchsorted(sorted_sensors, raw.sensor)] if len(raw.sensor) else np.zeros(0, np.int64)
        stream = np.array(self.streams, np.uint32)[place] if len(place) else np.zeros(0, np.uint32)
        column = np.array(self.column, np.int64)[place] if len(place) else np.zeros(0, np.int64)
        if len(self.names) == 1:
            sort = np.lexsort((stream, raw.time))
            own = raw.quality[sort] if quality else None
            return RowSet(stream[sort], raw.time[sort], {self.names[0]: raw.value[sort]}, own)
        sort = np.lexsort((stream, raw.time))
        time, stream, column, value = raw.time[sort], stream[sort], column[sort], raw.value[sort]
        starts = np.ones(len(time), bool)
        starts[1:] = (time[1:] != time[:-1]) | (stream[1:] != stream[:-1])
        row = np.cumsum(starts) - 1
        table = {}
        for i, name in enumerate(self.names):
            values = np.full(int(starts.sum()), np.nan)
            mine = column == i
            values[row[mine]] = value[mine]
            table[name] = values
        worst = np.maximum.reduceat(raw.quality[sort], np.flatnonzero(starts)) if quality and len(time) else None
        return RowSet(stream[starts], time[starts], table, worst)


class Series:
    """Queries by stream and quantity: times in us since 1970, ranges half-open; `Unavailable` where the store is away."""

    def __init__(self, writer: Writer, rollup: Rollup, reader: TelemetryReader) -> None:
        self._writer = writer
        self._rollup = rollup
        self._reader = reader

    async def _fresh(self, streams: Sequence[Stream]) -> None:
        if self._writer.waits(stream.id for stream in streams):
            await self._writer.flush()

    async def count(self, streams: Sequence[Stream], start: int, end: int) -> int:
        """How many rows the streams have in [start, end), counted by their first sensor."""
        await self._fresh(streams)
        return await self._reader.count([stream.sensor_ids[0] for stream in streams], start, end) if streams else 0

    async def rows(self, streams: Sequence[Stream], start: int, end: int, columns: Sequence[str]) -> RowSet:
        """The rows of the streams in [start, end)."""
        await self._fresh(streams)
        return await self._rows(_Columns(streams, columns), start, end)

    async def _rows(self, wanted: _Columns, start: int, end: int, *, quality: bool = False) -> RowSet:
        return wanted.rows(await self._reader.readings(wanted.sensors, start, end), quality=quality)

    async def scan(
        self, streams: Sequence[Stream], start: int, end: int, columns: Sequence[str], *, quality: bool = False
    ) -> AsyncIterator[RowSet]:
        """The same in slices of time, for answers of any length in bounded memory; with qualities if they are asked for."""
        await self._fresh(streams)
        wanted = _Columns(streams, columns)
        if wanted.sensors:
            async for part in self._slices(wanted, start, end, quality=quality):
                yield part

    async def noted(self, stream: Stream, start: int, end: int, name: str) -> tuple[NDArray[np.int64], pa.ChunkedArray]:
        """What the rows of a stream in [start, end) say of a name in their statuses, which are JSON: times, and texts."""
        await self._fresh([stream])
        return await self._reader.noted(stream.id, start, end, name)

    async def _slices(self, wanted: _Columns, start: int, end: int, *, quality: bool) -> AsyncIterator[RowSet]:
        """Halve the range until each piece is small enough to hold, whatever the density of the data."""
        waiting = [(start, end)]
        while waiting:
            a, b = waiting.pop()
            total = await self._reader.count(wanted.sensors, a, b)
            if total > CHUNK_READINGS and b - a > 1:
                pieces = min(-(-total // CHUNK_READINGS), 64)
                width = -(-(b - a) // pieces)
                waiting += reversed([(at, min(at + width, b)) for at in range(a, b, width)])
            elif total:
                yield await self._rows(wanted, a, b, quality=quality)

    async def downsample(self, streams: Sequence[Stream], start: int, end: int, bucket: int, columns: Sequence[str]) -> Chart:
        """All the streams together in buckets of `bucket` us (aligned to 1970), with the extremes kept; BAD values left out."""
        await self._fresh(streams)
        wanted = _Columns(streams, columns)
        if bucket % MINUTE == 0:
            await self._settle(wanted.sensors, start, end)
        found = await self._reader.extremes(wanted.sensors, wanted.column, start, end, bucket, self._writer.watermark)
        used = found.count > 0
        times = np.unique(found.time[used])
        chart = Chart(times, {}, {}, {}, {})
        for i, name in enumerate(wanted.names):
            mine = used & (found.group == i)
            at = np.searchsorted(times, found.time[mine])
            counts = np.zeros(len(times), np.int64)
            counts[at] = found.count[mine]
            chart.count[name] = counts
            for table, values in (
                (chart.mean, found.total[mine] / found.count[mine]),
                (chart.min, found.low[mine]),
                (chart.max, found.high[mine]),
            ):
                full = np.full(len(times), np.nan)
                full[at] = values
                table[name] = full
        return chart

    async def buckets(self, streams: Sequence[Stream], sensors: Sequence[int], start: int, end: int, width: int) -> Buckets:
        """Buckets of `width` us, one series a sensor, from the tiers and the raw tail; equal to a computation from raw."""
        await self._fresh(streams)
        await self._settle(sensors, start, end)
        return await self._reader.buckets(sensors, start, end, width, self._writer.watermark)

    @property
    def watermark(self) -> int:
        """Up to when the tiers are computed; what is newer is taken from the readings when it is asked for."""
        return self._writer.watermark

    async def summaries(self, points: Sequence[Point], start: int, end: int, width: int) -> Summaries:
        """The buckets of a tier (`width` is its own) that begin in [start, end), whole, the one that is still open too."""
        start, end = max(start, 0), min(end, LATEST)
        if start >= end or not points:
            return NONE
        await self._fresh([point.stream for point in points])
        sensors = [point.id for point in points]
        await self._settle(sensors, start, end + width)
        return await self._reader.summaries(sensors, start, end, width, self._writer.watermark)

    async def first_readings(self, points: Sequence[Point], start: int, end: int, most: int) -> RawReadings:
        """The first `most` readings of the points in [start, end), of every quality, ordered by sensor, then time."""
        start, end = max(start, 0), min(end, LATEST)
        await self._fresh([point.stream for point in points])
        return await self._reader.first_readings([point.id for point in points], start, end, most)

    async def usable(self, streams: Sequence[Stream], start: int, end: int, columns: Sequence[str]) -> RawReadings:
        """The readings of these columns in [start, end) that are not BAD, ordered by sensor, then time."""
        await self._fresh(streams)
        return await self._reader.usable(_Columns(streams, columns).sensors, start, end)

    async def nearest(self, stream: Stream, start: int, end: int, most: int, *, newest: bool) -> RawReadings:
        """The oldest or the newest `most` readings of a stream in [start, end) that are not BAD, from that end on."""
        await self._fresh([stream])
        return await self._reader.nearest(stream.sensor_ids, start, end, most, newest=newest)

    async def newest(self, streams: Sequence[Stream], sensors: NDArray[np.int64], start: int, end: int) -> RawReadings:
        """The newest reading of each of these sensors of the streams in [start, end), of every quality, in no order."""
        await self._fresh(streams)
        return await self._reader.newest_of(sensors, start, end)

    async def last_days(self, streams: Sequence[Stream], sensors: NDArray[np.int64], end: int) -> RawReadings:
        """The newest reading of each of these sensors that is not BAD, before the begin of a day no later than `watermark`.

        In no order, and as far back as the tier of days is kept; its quality is not told.
        """
        await self._fresh(streams)
        await self._settle(sensors.tolist(), 0, end)
        return await self._reader.last_days(sensors, end)

    async def density(
        self, streams: Sequence[Stream], start: int, end: int, width: int, column: str
    ) -> tuple[NDArray[np.int64], NDArray[np.uint64]]:
        """Where in [start, end) readings of a column are: begins of buckets of `width` us, and how many of them are not BAD."""
        await self._fresh(streams)
        return await self._reader.density(_Columns(streams, [column]).sensors, start, end, width)

    async def extent(self, points: Sequence[Point], start: int, end: int) -> Extent:
        """How many readings of the points the store holds in [start, end), and from when to when."""
        return await self._reader.extent([point.id for point in points], start, end)

    async def stored_bytes(self) -> int:
        """How much of the disk all readings take."""
        return await self._reader.stored_bytes()

    async def medians(
        self, streams: Sequence[Stream], groups: Sequence[int], start: int, end: int, width: int, column: str
    ) -> RawReadings:
        """The median of one quantity over each group of streams in each bucket of `width` us (group as `sensor`)."""
        await self._fresh(streams)
        sensors = [stream.sensor_id(column) for stream in streams]
        return await self._reader.medians(sensors, groups, start, end, width)

    async def _settle(self, sensors: Sequence[int], start: int, end: int) -> None:
        chosen = set(sensors)
        if self._rollup.touches(chosen, start, end):
            await self._rollup.settle(chosen, start, end)
