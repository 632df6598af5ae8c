"""Rows of readings condensed to intervals, as arrays: averages, least values, and the first and last of counters."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from wattline.contracts.flux.relations.devices import Devices
from wattline.contracts.flux.rpc.deltas import Summary, blank, joined, summarise, taken
from wattline.ingest.intervals import Cells, Filled, Intervals, Samples
from wattline.ingest.table_rows import EARLIEST, LATEST, Shape

ROOM = 10_000
"""Intervals of devices that are put together at once, about."""
MOST_DEVICES = 500
LARGE = 50_000
"""Readings from which on they are condensed beside the event loop, not in it."""
MOST_READINGS = 2_000_000
"""Single readings that are held at once, about."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which columns of the rows are looked at: for averages and least values, and as counters."""

    values: tuple[str, ...] = ()
    counters: tuple[str, ...] = ()

    @property
    def names(self) -> list[str]:
        """All of them, values first."""
        return [*self.values, *self.counters]


@dataclass(frozen=True, slots=True)
class Block:
    """Intervals in which there are rows, by series (the place of the device), then start (us).

    `total`, `count` and `least` have a line for each wanted value; where `count` is 0 there is none.
    """

    series: NDArray[np.int64]
    start: NDArray[np.int64]
    total: NDArray[np.float64]
    count: NDArray[np.uint64]
    least: NDArray[np.float64]
    counters: Summary

    def __len__(self) -> int:
        return len(self.start)

    def take(self, chosen: NDArray[np.int64] | slice) -> Block:
        """Some of the intervals."""
        return Block(
            self.series[chosen],
            self.start[chosen],
            self.total[:, chosen],
            self.count[:, chosen],
            self.least[:, chosen],
            taken(self.counters, chosen),
        )

    def then(self, other: Block) -> Block:
        """These and those that follow."""
        return Block(
            np.concatenate([self.series, other.series]),
            np.concatenate([self.start, other.start]),
            np.concatenate([self.total, other.total], axis=1),
            np.concatenate([self.count, other.count], axis=1),
            np.concatenate([self.least, other.least], axis=1),
            joined([self.counters, other.counters]),
        )

    def means(self, line: int) -> pa.Array:
        """The averages of one value."""
        count = self.count[line]
        return pa.array(self.total[line] / np.maximum(count, 1), mask=count == 0)

    def minima(self, line: int) -> pa.Array:
        """The least of one value, as float4."""
        return pa.array(self.least[line].astype(np.float32), mask=self.count[line] == 0)


@dataclass(slots=True)
class _Sensors:
    """Sensors that are read together: their ids, and the place of each in a grid of lines and series."""

    ids: list[int] = field(default_factory=list)
    line: list[int] = field(default_factory=list)
    series: list[int] = field(default_factory=list)
    factors: list[float] = field(default_factory=list)

    def add(self, sensor: int, line: int, series: int, factor: float) -> None:
        self.ids.append(sensor)
        self.line.append(line)
        self.series.append(series)
        self.factors.append(factor)

    def places(self, sensors: NDArray[np.uint32]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The line and the series of each of these."""
        ids = np.array(self.ids, np.int64)
        order = np.argsort(ids)
        at = order[np.searchsorted(ids[order], sensors)] if len(ids) else np.zeros(0, np.int64)
        return np.array(self.line, np.int64)[at], np.array(self.series, np.int64)[at]


@dataclass(frozen=True, slots=True)
class Plan:
    """What to read: streams and the uuids of their devices, in order of these, and a range of whole intervals (us)."""

    shape: Shape
    uuids: list[str]
    wanted: Wanted
    start: int
    end: int
    width: int

    @property
    def intervals(self) -> int:
        """How many there are of each device, at most."""
        return (self.end - self.start) // self.width

    def part(self, first: int, devices: int, start: int, end: int) -> Plan:
        """Some of the devices and of the range."""
        shape = self.shape
        mine = [at for at, rank in enumerate(shape.order) if first <= rank < first + devices]
        some = Shape(
            [shape.streams[at] for at in mine], [shape.places[at] for at in mine], [shape.order[at] - first for at in mine]
        )
        return Plan(some, self.uuids[first : first + devices], self.wanted, start, end, self.width)


class _Grid:
    """Every interval of every series of a plan, while it is filled."""

    def __init__(self, plan: Plan) -> None:
        series, intervals = len(plan.uuids), plan.intervals
        self._start, self._width, self._intervals = plan.start, plan.width, intervals
        size, lines = series * intervals, len(plan.wanted.values)
        self._there = np.zeros(size, bool)
        self._total = np.zeros((lines, size))
        self._count = np.zeros((lines, size), np.uint64)
        self._least = np.full((lines, size), np.nan)
        self._counters = blank((len(plan.wanted.counters), size))

    def _cell(self, series: NDArray[np.int64], time: NDArray[np.int64]) -> NDArray[np.int64]:
        return series * self._intervals + (time - self._start) // self._width

    def fill(self, filled: Filled, shape: Shape) -> None:
        """There are rows in these intervals."""
        ids = np.array([stream.id for stream in shape.streams], np.int64)
        order = np.argsort(ids)
        series = np.array(shape.order, np.int64)[order]
        self._there[self._cell(series[np.searchsorted(ids[order], filled.stream)], filled.start)] = True

    def value(self, part: Cells, sensors: _Sensors) -> None:
        """Add what intervals hold."""
        if not len(part.start):
            return
        line, series = sensors.places(part.sensor)
        place = line * len(self._there) + self._cell(series, part.start)
        # Most neighbours are of one interval, so they are added up first.
        begins = np.flatnonzero(np.concatenate(([True], place[1:] != place[:-1])))
        held = place[begins]
        self._there[held % len(self._there)] = True
        np.add.at(self._total.reshape(-1), held, np.add.reduceat(part.total, begins))
        np.add.at(self._count.reshape(-1), held, np.add.reduceat(part.count, begins))
        np.fmin.at(self._least.reshape(-1), held, np.fmin.reduceat(part.least, begins))

    def sample(self, part: Samples, sensors: _Sensors) -> None:
        """Add readings of counters."""
        line, series = sensors.places(part.sensor)
        cell = self._cell(series, part.time)
        self._there[cell] = True
        summarise(self._counters, line, cell, part.time, part.value)

    def block(self, first: int) -> Block:
        """The intervals in which there are rows; the first series gets the number `first`."""
        cells = np.flatnonzero(self._there)
        series, interval = np.divmod(cells, max(self._intervals, 1))
        return Block(
            series + first,
            self._start + interval * self._width,
            self._total[:, cells],
            self._count[:, cells],
            self._least[:, cells],
            taken(self._counters, cells),
        )


class IntervalRows:
    """Intervals of the devices of one relation of readings. Raises `Unavailable` where the store is away."""

    def __init__(self, devices: Devices, intervals: Intervals) -> None:
        self._devices = devices
        self._intervals = intervals

    async def plan(self, tenant: str, wanted: Wanted, only: frozenset[object] | None, start: int, end: int, width: int) -> Plan:
        """For the intervals that begin in [start, end); `only` names devices."""
        start, end = (-(-max(min(at, LATEST), EARLIEST) // width) * width for at in (start, end))
        streams = self._devices.shape(tenant, [], only)[0].streams
        if streams and (end - start) // width > ROOM:
            bounds = await self._intervals.bounds(streams)
            start, end = (start, start) if bounds is None else (max(start, bounds[0]), min(end, bounds[1]))
            start, end = start // width * width, -(-end // width) * width
        if start < self._intervals.rows_since:
            # Rows that are no longer kept show in their tiers alone, whichever columns they had.
            more = [each.name for each in self._devices.layout.quantities if each.name not in wanted.values]
            wanted = Wanted((*wanted.values, *more), wanted.counters)
        shape, uuids = self._devices.shape(tenant, wanted.names, only)
        return Plan(shape, uuids, wanted, start, max(start, end), width)

    async def read(self, plan: Plan, first: int = 0) -> Block:
        """All that the plan asks for at once; the first of its devices gets the number `first`."""
        grid, streams = _Grid(plan), plan.shape.streams
        every = [sensor for stream in streams for sensor in stream.sensor_ids]
        await self._intervals.prepare(streams, every, plan.start, plan.end)
        kinds = (True, False)
        await asyncio.gather(
            self._filled(plan, grid),
            *(self._cells(plan, grid, own) for own in kinds),
            *(self._samples(plan, grid, own) for own in kinds),
        )
        return grid.block(first)

    async def _filled(self, plan: Plan, grid: _Grid) -> None:
        found = await self._intervals.filled(plan.shape.streams, plan.start, plan.end, plan.width)
        grid.fill(found, plan.shape)

    async def _cells(self, plan: Plan, grid: _Grid, own: bool) -> None:
        sensors = self._sensors(plan, slice(len(plan.wanted.values)), own)
        factors = None if own else sensors.factors
        if sensors.ids:
            for part in await self._intervals.cells(sensors.ids, factors, plan.start, plan.end, plan.width):
                if len(part.start) < LARGE:
                    grid.value(part, sensors)
                else:
                    await asyncio.to_thread(grid.value, part, sensors)

    async def _samples(self, plan: Plan, grid: _Grid, own: bool) -> None:
        sensors = self._sensors(plan, slice(len(plan.wanted.values), None), own)
        factors = None if own else sensors.factors
        if sensors.ids:
            parts = self._intervals.samples(sensors.ids, factors, plan.start, plan.end, plan.width, MOST_READINGS)
            async for part in parts:
                if len(part) < LARGE:
                    grid.sample(part, sensors)
                else:
                    await asyncio.to_thread(grid.sample, part, sensors)

    def _sensors(self, plan: Plan, columns: slice, own: bool) -> _Sensors:
        """Those of some columns, of the streams that write to the relation itself or of the others."""
        found = _Sensors()
        for stream, places, series in zip(plan.shape.streams, plan.shape.places, plan.shape.order, strict=True):
            if (stream.layout.name == self._devices.layout.name) is own:
                for line, place in enumerate(places[columns]):
                    if place is not None:
                        found.add(stream.sensor_ids[place[0]], line, series, place[1])
        return found
