"""Rows of readings condensed to intervals, as arrays: averages, least values, and the first and last of counters."""

from __future__ import annotations

import asyncio

from wattline.contracts.flux.relations.blocks import Block, Plan, Wanted
from wattline.contracts.flux.relations.days import FinishedDays
from wattline.contracts.flux.relations.devices import Devices
from wattline.contracts.flux.relations.grid import Grid, Sensors
from wattline.ingest.intervals import Intervals
from wattline.ingest.table_rows import EARLIEST, LATEST

__all__ = ["Block", "IntervalRows", "Plan", "Wanted"]

ROOM = 10_000
"""Intervals of devices that are put together at once, about."""
MOST_DEVICES = 500
LARGE = 50_000
"""Readings from which on they are condensed beside the event loop, not in it."""
MOST_READINGS = 2_000_000
"""Single readings that are held at once, about."""


class IntervalRows:
    """Intervals of the devices of one relation of readings. Raises `Unavailable` where the store is away."""

    def __init__(self, devices: Devices, intervals: Intervals) -> None:
        self._devices = devices
        self._intervals = intervals
        self._days = FinishedDays(intervals, devices.layout, self._read)

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
        return (await self._days.read(plan)).counted_from(first)

    async def _read(self, plan: Plan) -> Block:
        grid, streams = Grid(plan), plan.shape.streams
        every = [sensor for stream in streams for sensor in stream.sensor_ids]
        await self._intervals.prepare(streams, every, plan.start, plan.end)
        kinds = (True, False)
        await asyncio.gather(
            self._filled(plan, grid),
            *(self._cells(plan, grid, own) for own in kinds),
            *(self._samples(plan, grid, own) for own in kinds),
        )
        return grid.block()

    async def _filled(self, plan: Plan, grid: Grid) -> None:
        found = await self._intervals.filled(plan.shape.streams, plan.start, plan.end, plan.width)
        grid.fill(found, plan.shape)

    async def _cells(self, plan: Plan, grid: Grid, own: bool) -> None:
        sensors = self._sensors(plan, slice(len(plan.wanted.values)), own)
        factors = None if own else sensors.factors
        if sensors.ids:
            for part in await self._intervals.cells(sensors.ids, factors, plan.start, plan.end, plan.width):
                if len(part.start) < LARGE:
                    grid.value(part, sensors)
                else:
                    await asyncio.to_thread(grid.value, part, sensors)

    async def _samples(self, plan: Plan, grid: Grid, own: bool) -> None:
        sensors = self._sensors(plan, slice(len(plan.wanted.values), None), own)
        factors = None if own else sensors.factors
        if sensors.ids:
            parts = self._intervals.samples(sensors.ids, factors, plan.start, plan.end, plan.width, MOST_READINGS)
            async for part in parts:
                if len(part) < LARGE:
                    grid.sample(part, sensors)
                else:
                    await asyncio.to_thread(grid.sample, part, sensors)

    def _sensors(self, plan: Plan, columns: slice, own: bool) -> Sensors:
        """Those of some columns, of the streams that write to the relation itself or of the others."""
        found = Sensors()
        for stream, places, series in zip(plan.shape.streams, plan.shape.places, plan.shape.order, strict=True):
            if (stream.layout.name == self._devices.layout.name) is own:
                for line, place in enumerate(places[columns]):
                    if place is not None:
                        found.add(stream.sensor_ids[place[0]], line, series, place[1])
        return found
