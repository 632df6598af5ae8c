"""Energy of lanes in intervals of 15 minutes, kept in memory until what it depends on changes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager

import numpy as np
from numpy.typing import NDArray

from wattline.billing.intervals import Grid
from wattline.ingest.edge_series import WIDTH, Edges, EdgeSeries
from wattline.metering.energy.cells import Cells
from wattline.metering.energy.kept import MOST_BYTES, Kept
from wattline.metering.energy.lane import Lane
from wattline.metering.energy.phases import added, added_points
from wattline.metering.energy.reading import (
    Points,
    doubtful,
    fine_cells,
    one_way_cells,
    parted,
    power_cells,
    register_cells,
    silent_cells,
)
from wattline.metering.energy.register import Ints
from wattline.metering.energy.shelf import Shelf, Stored
from wattline.metering.energy.told import NEAR, NO_MARK, Extent, Telling
from wattline.model.clock import DAY, Clock
from wattline.model.record import Row
from wattline.registry.stream import Stream
from wattline.telemetry.reader import Buckets

STRETCH = 92
"""Days that are read at once, at most."""
MOST_ROWS = 3_000_000
"""Intervals that are read at once, about."""
NEEDED_BEFORE, NEEDED_AFTER = 2, 3
"""Readings beyond both ends of a range that its energy can depend on."""

SLICE = 16
"""Lanes that are worked out before the event loop has its turn."""


Readings = tuple[Edges, Points | None, tuple[Points | None, Points | None]]
"""Of one lane: the ends of short intervals, single readings, and the nearest ones before and behind of a register."""
StreamOf = Callable[[int], Stream]


class Energy:
    """Energy of lanes by whole days of UTC. `Unavailable` where the store is away.

    `heard` must be called with every committed row, and `save` now and then: what it puts on the shelf is there after a start.
    `stream_of` finds a stream by its id.
    """

    def __init__(
        self,
        series: EdgeSeries,
        stream_of: StreamOf,
        clock: Clock,
        shelf: Shelf | None = None,
        most_bytes: int = MOST_BYTES,
    ) -> None:
        self._series = series
        self._stream_of = stream_of
        self._clock = clock
        self._shelf = shelf
        self._most_bytes = most_bytes
        self._kept = Kept(most_bytes)
        self._turn = asyncio.Lock()

    def forget(self, most_bytes: int | None = None) -> None:
        """Let go of everything, and keep so much from now on; while nobody has a turn."""
        self._most_bytes = self._most_bytes if most_bytes is None else most_bytes
        self._kept = Kept(self._most_bytes)

    @property
    def nbytes(self) -> int:
        """Bytes of what is kept."""
        return self._kept.nbytes

    def heard(self, rows: Iterable[Row]) -> None:
        """Rows were committed."""
        self._kept.heard(rows)

    async def save(self) -> None:
        """Put on the shelf what was worked out since the last time, of days that are closed."""
        if self._shelf is None:
            return
        saved = False
        for lane, stored in self._kept.unsaved():
            await asyncio.to_thread(self._shelf.save, lane, stored)
            saved = True
        if saved:
            await asyncio.to_thread(self._shelf.trim)

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[Turn]:
        """Take one's turn: what `Turn.cells` gives holds until the end of it."""
        async with self._turn:
            try:
                yield Turn(self, self._kept)
            finally:
                self._kept.end()
                self._kept.trim()

    async def fill(self, turn: Turn, lanes: Sequence[Lane], first: int, last: int) -> None:
        """See that the days [first, last) of the lanes are kept."""
        wanted = [lane for lane in dict.fromkeys(lanes) if len(self._kept.of(lane).missing(first, last))]
        if not wanted:
            return
        if turn.telling is None or not turn.telling.covers({sensor for lane in wanted for sensor in lane.sensors}, first, last):
            # Each question to the store has its price: of whom nothing is known, more will be asked in this turn.
            more = turn.expected if not all(self._kept.of(lane).known.any() for lane in wanted) else ()
            turn.telling = await self._told_of([*wanted, *more], first, last)
        telling = turn.telling
        unread = [lane for lane in wanted if not self._told(lane, telling.lane(lane), first, last)]
        for lane in unread:
            self._kept.of(lane).reach(first, last)
        await self._restore(unread, telling, first, min(last, telling.closed))
        for start in range(first, last, STRETCH):
            await self._fill(unread, telling, start, min(start + STRETCH, last))

    async def _told_of(self, lanes: Sequence[Lane], first: int, last: int) -> Telling:
        """What is told of the sensors of the lanes; all that was written is seen, or heard of before the end of the turn."""
        self._kept.begin(lanes)
        sensors = sorted({sensor for lane in lanes for sensor in lane.sensors})
        streams = [self._stream_of(stream) for stream in {lane.stream for lane in lanes}]
        await self._series.prepare(streams, sensors, 0, 2**61)
        told = await self._series.told(sensors, first - NEAR, last + NEAR, self._clock.micros() + 2 * DAY)
        return Telling(sensors, first, last, told)

    async def _restore(self, lanes: Sequence[Lane], telling: Telling, first: int, last: int) -> None:
        """Keep what the shelf has of the days [first, last), as far as it still holds true."""
        shelf = self._shelf
        if shelf is None or first >= last:
            return

        def load(some: Sequence[Lane]) -> list[tuple[Lane, Stored, NDArray[np.bool_]]]:
            found = []
            for lane in some:
                stored = shelf.load(lane, first, last)
                if stored is not None:
                    marks = telling.marks(lane, stored.first, stored.low, stored.high)
                    found.append((lane, stored, (marks == stored.mark) & (marks != NO_MARK)))
            return found

        for at in range(0, len(lanes), SLICE):
            for lane, stored, true in await asyncio.to_thread(load, lanes[at : at + SLICE]):
                self._kept.restore(lane, stored, true)

    async def _fill(self, lanes: Sequence[Lane], telling: Telling, first: int, last: int) -> None:
        lacking: list[Lane] = []
        low, high = last, first
        for lane in lanes:
            missing = self._kept.of(lane).missing(first, last)
            if len(missing):
                lacking.append(lane)
                low, high = min(low, int(missing[0])), max(high, int(missing[-1]) + 1)
        for some in _shares(lacking, high - low):
            await self._read(some, telling, low, high)

    def _told(self, lane: Lane, extent: Extent | None, first: int, last: int) -> bool:
        """Keep the days of a lane, if what is told of all its readings is enough for that."""
        if extent is None:
            self._kept.keep(lane, first, *silent_cells(first, last - first), silent=True)
        elif lane.returns and lane.factor > 0 and extent.low >= 0:
            self._kept.keep(lane, first, *one_way_cells(lane, extent.oldest, extent.newest, first, last - first))
        else:
            return False
        return True

    async def _read(self, lanes: Sequence[Lane], telling: Telling, first: int, last: int) -> None:
        found = await self._readings(lanes, telling, first, last)

        def compute(some: Sequence[Lane]) -> list[tuple[Lane, Cells, Ints, Ints, Ints]]:
            computed = []
            for lane in some:
                edges, singles, outside = found[lane]
                if lane.rule is None:
                    cells, low, high = power_cells(lane, edges, singles, first, last - first)
                else:
                    cells, low, high = register_cells(lane, edges, singles, *outside, first, last - first)
                computed.append((lane, cells, low, high, telling.marks(lane, first, low, high)))
            return computed

        for at in range(0, len(lanes), SLICE):
            for lane, cells, low, high, mark in await asyncio.to_thread(compute, lanes[at : at + SLICE]):
                self._kept.keep(lane, first, cells, low, high, mark)

    async def fine(self, turn: Turn, lanes: Sequence[Lane], first: int, last: int, width: int) -> list[Cells]:
        """The cells of the days [first, last) in intervals of `width` us, which are not kept."""
        if turn.telling is None or not turn.telling.covers({sensor for lane in lanes for sensor in lane.sensors}, first, last):
            turn.telling = await self._told_of(lanes, first, last)
        telling, grid = turn.telling, Grid(first * DAY, last * DAY, last * DAY, width)
        told = [lane for lane in dict.fromkeys(lanes) if telling.lane(lane) is not None]
        found = await self._readings(told, telling, first, last) if told else {}

        def compute() -> list[Cells]:
            return [fine_cells(lane, *found[lane], grid) if lane in found else Cells(grid.size) for lane in lanes]

        return await asyncio.to_thread(compute)

    async def _readings(self, lanes: Sequence[Lane], telling: Telling, first: int, last: int) -> dict[Lane, Readings]:
        """What the days [first, last) of lanes can depend on."""
        # A gap that is bridged may be longer than a day.
        reach = max(-(-3 * lane.interval // DAY) for lane in lanes) * DAY
        start, end = max(first * DAY - reach, 0), last * DAY + reach
        single: dict[int, Edges] = {}
        for lone in (True, False):
            sensors = sorted({sensor for lane in lanes if (lane.interval >= WIDTH) is lone for sensor in lane.sensors})
            if sensors:
                found = await self._series.edges(sensors, start, end, lone=lone)
                single |= {sensor: found.of(sensor) for sensor in sensors}

        def look() -> tuple[dict[Lane, Edges], dict[Lane, Ints]]:
            edges, unclear = {}, {}
            for lane in lanes:
                edges[lane], apart = added([single[sensor] for sensor in lane.sensors])
                times = edges[lane].first_time[doubtful(lane, edges[lane])]
                if len(times) or len(apart):
                    unclear[lane] = np.unique(np.concatenate([times // WIDTH, apart]))
            return edges, unclear

        edges, unclear = await asyncio.to_thread(look)
        singles = await self._singles(unclear)
        before, after = await self._beyond(edges, telling, (start, end), (first * DAY, last * DAY))

        return {lane: (edges[lane], singles.get(lane), (before.get(lane.sensor), after.get(lane.sensor))) for lane in lanes}

    async def _singles(self, wanted: Mapping[Lane, Ints]) -> dict[Lane, Points]:
        """The readings of the intervals, by their numbers, that must be looked at one by one."""
        found: dict[Lane, list[Points]] = {lane: [] for lane in wanted}
        for some, buckets in _batches(wanted):
            numbers = np.unique(np.concatenate(buckets)) * WIDTH
            sensors = sorted({sensor for lane in some for sensor in lane.sensors})
            read = await self._series.singles(sensors, numbers.tolist(), int(numbers[0]), int(numbers[-1]) + WIDTH)
            for lane, own in zip(some, buckets, strict=True):
                found[lane].append(added_points(list(parted(read, dict.fromkeys(lane.sensors, own)).values())))
        return {
            lane: (np.concatenate([part[0] for part in parts]), np.concatenate([part[1] for part in parts]))
            for lane, parts in found.items()
        }

    async def _beyond(
        self,
        edges: Mapping[Lane, Edges],
        telling: Telling,
        read: tuple[int, int],
        asked: tuple[int, int],
    ) -> tuple[Mapping[int, Points], Mapping[int, Points]]:
        """The nearest readings outside of what was read, of registers that have too few of them between it and the range."""
        lone, open_ended = set(), set()
        for lane, mine in edges.items():
            if lane.rule is not None:
                times = mine.first_time
                extent = telling.of(lane.sensor)
                assert extent is not None
                if extent.oldest < read[0] and np.searchsorted(times, asked[0]) < NEEDED_BEFORE:
                    lone.add(lane.sensor)
                if extent.newest >= read[1] and len(times) - np.searchsorted(times, asked[1]) < NEEDED_AFTER:
                    open_ended.add(lane.sensor)
        before: dict[int, Points] = {}
        after: dict[int, Points] = {}
        if lone:
            days = await self._series.days(sorted(lone), 0, read[0])
            before = {sensor: _ends(days, sensor, newest=True) for sensor in lone}
        if open_ended:
            days = await self._series.days(sorted(open_ended), read[1], self._clock.micros() + 2 * DAY)
            after = {sensor: _ends(days, sensor, newest=False) for sensor in open_ended}
        return before, after


class Turn:
    """What one caller may read while it has its turn."""

    def __init__(self, energy: Energy, kept: Kept) -> None:
        self._energy = energy
        self._kept = kept
        self.telling: Telling | None = None
        self.expected: Sequence[Lane] = ()

    def expect(self, lanes: Sequence[Lane]) -> None:
        """Say what may be asked for in this turn, so that what is told of it can be asked at once."""
        self.expected = lanes

    async def cells(self, lanes: Sequence[Lane], first: int, last: int) -> list[Cells]:
        """The cells of the days [first, last), counted from 1970 UTC, of each lane: views, not to be written to."""
        await self._energy.fill(self, lanes, first, last)
        return [self._kept.of(lane).cells(first, last) for lane in lanes]

    async def fine(self, lanes: Sequence[Lane], first: int, last: int, width: int) -> list[Cells]:
        """The cells of the days [first, last) of each lane in intervals of `width` us, which divides a day; nothing is kept."""
        return await self._energy.fine(self, lanes, first, last, width)


def _shares(lanes: Sequence[Lane], days: int) -> Iterator[Sequence[Lane]]:
    """The lanes in parts of about `MOST_ROWS` intervals."""
    part: list[Lane] = []
    rows = 0
    for lane in lanes:
        part.append(lane)
        rows += days * (DAY // max(lane.interval, WIDTH))
        if rows > MOST_ROWS:
            yield part
            part, rows = [], 0
    if part:
        yield part


BATCH = 10_000
"""Intervals whose readings are asked for at once."""


def _batches(wanted: Mapping[Lane, Ints]) -> Iterator[tuple[list[Lane], list[Ints]]]:
    """What is wanted, in parts of some `BATCH` intervals."""
    lanes: list[Lane] = []
    parts: list[Ints] = []
    size = 0
    for lane, buckets in wanted.items():
        for at in range(0, len(buckets), BATCH):
            lanes.append(lane)
            parts.append(buckets[at : at + BATCH])
            size += len(parts[-1])
            if size >= BATCH:
                yield lanes, parts
                lanes, parts, size = [], [], 0
    if lanes:
        yield lanes, parts


def _ends(days: Buckets, sensor: int, *, newest: bool) -> Points:
    """The first and the last reading of the newest, or the oldest, days of a sensor that have any."""
    low, high = np.searchsorted(days.group, np.array([sensor, sensor + 1], days.group.dtype))
    at = np.arange(low, high)[days.count[low:high] > 0]
    at = at[-NEEDED_BEFORE:] if newest else at[:NEEDED_AFTER]
    time = np.column_stack([days.first_time[at], days.last_time[at]]).ravel()
    value = np.column_stack([days.first[at], days.last[at]]).ravel()
    once = np.ones(len(time), bool)
    once[1:] = time[1:] > time[:-1]
    return time[once], value[once]
