"""Energy of lanes in intervals of 15 minutes, kept in memory until what it depends on changes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager

import numpy as np

from wattline.ingest.edge_series import WIDTH, Edges, EdgeSeries
from wattline.metering.energy.cells import Cells
from wattline.metering.energy.kept import MOST_BYTES, Kept
from wattline.metering.energy.lane import Lane
from wattline.metering.energy.reading import Points, doubtful, parted, power_cells, register_cells
from wattline.metering.energy.register import Ints
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

StreamOf = Callable[[int], Stream]


class Energy:
    """Energy of lanes by whole days of UTC. `Unavailable` where the store is away.

    `heard` must be called with every committed row. `stream_of` finds a stream by its id.
    """

    def __init__(self, series: EdgeSeries, stream_of: StreamOf, clock: Clock, most_bytes: int = MOST_BYTES) -> None:
        self._series = series
        self._stream_of = stream_of
        self._clock = clock
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

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[Turn]:
        """Take one's turn: what `Turn.cells` gives holds until the end of it."""
        async with self._turn:
            try:
                yield Turn(self, self._kept)
            finally:
                self._kept.trim()

    async def fill(self, lanes: Sequence[Lane], first: int, last: int) -> None:
        """See that the days [first, last) of the lanes are kept."""
        wanted = list(dict.fromkeys(lanes))
        self._kept.begin(wanted)
        try:
            for start in range(first, last, STRETCH):
                await self._fill(wanted, start, min(start + STRETCH, last))
        finally:
            self._kept.end()

    async def _fill(self, lanes: Sequence[Lane], first: int, last: int) -> None:
        lacking: list[Lane] = []
        low, high = last, first
        for lane in lanes:
            missing = self._kept.of(lane).missing(first, last)
            if len(missing):
                lacking.append(lane)
                low, high = min(low, int(missing[0])), max(high, int(missing[-1]) + 1)
        for some in _shares(lacking, high - low):
            await self._read(some, low, high)

    async def _read(self, lanes: Sequence[Lane], first: int, last: int) -> None:
        # A gap that is bridged may be longer than a day.
        reach = max(-(-3 * lane.interval // DAY) for lane in lanes) * DAY
        start, end = max(first * DAY - reach, 0), last * DAY + reach
        sensors = sorted({lane.sensor for lane in lanes})
        streams = [self._stream_of(stream) for stream in {lane.stream for lane in lanes}]
        await self._series.prepare(streams, sensors, 0, 2**61)
        edges = await self._series.edges(sensors, start, end)
        singles = await self._singles(lanes, edges)
        before, after = await self._beyond(lanes, edges, start, end, first * DAY, last * DAY)

        def compute() -> list[tuple[Lane, Cells, Ints, Ints]]:
            found = []
            for lane in lanes:
                mine = edges.of(lane.sensor)
                single = singles.get(lane)
                if lane.rule is None:
                    found.append((lane, *power_cells(lane, mine, single, first, last - first)))
                else:
                    outside = before.get(lane.sensor), after.get(lane.sensor)
                    found.append((lane, *register_cells(lane, mine, single, *outside, first, last - first)))
            return found

        for lane, cells, low, high in await asyncio.to_thread(compute):
            self._kept.keep(lane, first, cells, low, high)

    async def _singles(self, lanes: Sequence[Lane], edges: Edges) -> dict[Lane, Points]:
        """The readings of the intervals that must be looked at one by one."""
        wanted: dict[Lane, Ints] = {}
        for lane in lanes:
            mine = edges.of(lane.sensor)
            odd = doubtful(lane, mine)
            if odd.any():
                wanted[lane] = np.unique(mine.first_time[odd] // WIDTH)
        found: dict[Lane, list[Points]] = {lane: [] for lane in wanted}
        for some, buckets in _batches(wanted):
            numbers = np.unique(np.concatenate(buckets)) * WIDTH
            sensors = sorted({lane.sensor for lane in some})
            read = await self._series.singles(sensors, numbers.tolist(), int(numbers[0]), int(numbers[-1]) + WIDTH)
            for lane, own in zip(some, buckets, strict=True):
                found[lane].append(parted(read, {lane.sensor: own})[lane.sensor])
        return {
            lane: (np.concatenate([part[0] for part in parts]), np.concatenate([part[1] for part in parts]))
            for lane, parts in found.items()
        }

    async def _beyond(
        self, lanes: Sequence[Lane], edges: Edges, start: int, end: int, first: int, last: int
    ) -> tuple[Mapping[int, Points], Mapping[int, Points]]:
        """The nearest readings outside of what was read, of registers that have too few of them between it and the range."""
        lone, open_ended = set(), set()
        for lane in lanes:
            if lane.rule is not None:
                mine = edges.of(lane.sensor)
                if np.searchsorted(mine.first_time, first) < NEEDED_BEFORE:
                    lone.add(lane.sensor)
                if len(mine) - np.searchsorted(mine.first_time, last) < NEEDED_AFTER:
                    open_ended.add(lane.sensor)
        before: dict[int, Points] = {}
        after: dict[int, Points] = {}
        if lone and start > 0:
            days = await self._series.days(sorted(lone), 0, start)
            before = {sensor: _ends(days, sensor, newest=True) for sensor in lone}
        newest = self._clock.micros() + DAY
        if open_ended and end < newest:
            days = await self._series.days(sorted(open_ended), end, newest)
            after = {sensor: _ends(days, sensor, newest=False) for sensor in open_ended}
        return before, after


class Turn:
    """What one caller may read while it has its turn."""

    def __init__(self, energy: Energy, kept: Kept) -> None:
        self._energy = energy
        self._kept = kept

    async def cells(self, lanes: Sequence[Lane], first: int, last: int) -> list[Cells]:
        """The cells of the days [first, last), counted from 1970 UTC, of each lane: views, not to be written to."""
        await self._energy.fill(lanes, first, last)
        return [self._kept.of(lane).cells(first, last) for lane in lanes]


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
    low, high = np.searchsorted(days.group, [sensor, sensor + 1])
    at = np.arange(low, high)[days.count[low:high] > 0]
    at = at[-NEEDED_BEFORE:] if newest else at[:NEEDED_AFTER]
    time = np.column_stack([days.first_time[at], days.last_time[at]]).ravel()
    value = np.column_stack([days.first[at], days.last[at]]).ravel()
    once = np.ones(len(time), bool)
    once[1:] = time[1:] > time[:-1]
    return time[once], value[once]
