"""Intervals of which finished days are kept in memory, with all columns: a month that is asked for again costs its last day.

Kept are the days of devices that write to the relation itself, as long as nothing is committed to them (`ingest.finished`).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator

import numpy as np

from wattline.contracts.flux.relations.blocks import Block, Plan, Wanted
from wattline.ingest.finished import Reading
from wattline.ingest.intervals import Intervals
from wattline.ingest.table_rows import Shape
from wattline.model.clock import DAY
from wattline.model.place import Layout

MOST_RANGES = 4
"""Of days that are missing: more are read as one, with what lies between."""
LONG = 2 * DAY
"""From which length of a request on its first and last day are read whole, so that they can be kept."""

Kept = dict[tuple[int, int], Block]
"""By the rank of the device, and when the day begins (us)."""


class FinishedDays:
    """Reads of plans. `read` reads what is not kept."""

    def __init__(self, intervals: Intervals, layout: Layout, read: Callable[[Plan], Awaitable[Block]]) -> None:
        self._intervals = intervals
        self._layout = layout
        self._read = read
        names = [quantity.name for quantity in layout.quantities]
        counters = (quantity.name for quantity in layout.quantities if quantity.kind == "counter")
        self._all = Wanted(tuple(names), tuple(counters))
        self._places = [(names.index(name), 1.0) for name in self._all.names]

    async def read(self, plan: Plan) -> Block:
        """All that a plan asks for. Raises `Unavailable` where something must be read and the store is away."""
        since, until = self._intervals.finished_days()
        since, until = max(since, plan.start // DAY * DAY), min(until, -(-plan.end // DAY) * DAY)
        mine = self._mine(plan)
        if not mine or not plan.intervals or since >= until:
            return await self._read(plan)
        kept = self._kept(plan, mine, since, until)
        # Whoever wants few columns does not wait for the others.
        whole = 2 * len(plan.wanted.names) >= len(self._all.names)
        if not kept and not whole:
            return await self._read(plan)
        wanted = self._all if whole else plan.wanted
        if not whole:
            kept = {place: block.chosen(self._all, wanted) for place, block in kept.items()}
        blocks: list[Block] = []
        reading = self._intervals.finished.begin(until)
        try:
            for start, end in self._missing(plan, mine, kept, since, until, whole):
                days = range(start // DAY * DAY, end, DAY)
                ranks = [rank for rank in mine if any((rank, day) not in kept for day in days)]
                block = await self._read(self._part(plan, ranks, wanted, start, end))
                for series, rank in zip(_by_series(block, len(ranks)), ranks, strict=True):
                    for day in days:
                        kept.pop((rank, day), None)
                    if whole:
                        self._keep(reading, series, (mine[rank], plan.width), start, end)
                    blocks.append(series.numbered(rank))
        finally:
            self._intervals.finished.end(reading)
        parts = [block.chosen(wanted, plan.wanted) for block in (*blocks, *kept.values())]
        others = [rank for rank in range(len(plan.uuids)) if rank not in mine]
        if others:
            foreign = await self._read(plan.some(others))
            parts += [series.numbered(rank) for series, rank in zip(_by_series(foreign, len(others)), others, strict=True)]
        return _together(plan, parts)

    def _mine(self, plan: Plan) -> dict[int, int]:
        """The streams that write to the relation itself, and alone, by the rank of their device, in its order."""
        shape = plan.shape
        names = self._all.values
        own = [(names.index(name), 1.0) for name in plan.wanted.names]
        streams: dict[int, list[int]] = {}
        for stream, places, rank in zip(shape.streams, shape.places, shape.order, strict=True):
            streams.setdefault(rank, []).append(stream.id if stream.layout.name == self._layout.name and places == own else -1)
        return {rank: ids[0] for rank, ids in sorted(streams.items()) if len(ids) == 1 and ids[0] >= 0}

    def _kept(self, plan: Plan, mine: dict[int, int], since: int, until: int) -> Kept:
        found: Kept = {}
        for rank, stream in mine.items():
            for day in range(since, until, DAY):
                arrays = self._intervals.finished.of((stream, day, plan.width))
                if arrays is not None:
                    found[rank, day] = Block.of(rank, arrays)
        return found

    def _missing(
        self, plan: Plan, mine: Iterable[int], kept: Kept, since: int, until: int, whole: bool
    ) -> list[tuple[int, int]]:
        """The ranges of days of which something is missing, in order."""
        found: list[tuple[int, int]] = []
        for day in range(plan.start // DAY * DAY, plan.end, DAY):
            if any((rank, day) not in kept for rank in mine):
                if found and found[-1][1] == day:
                    found[-1] = (found[-1][0], day + DAY)
                else:
                    found.append((day, day + DAY))
        if len(found) > MOST_RANGES:
            found = [(found[0][0], found[-1][1])]
        if whole and plan.end - plan.start >= LONG:
            plan_start = plan.start // DAY * DAY if plan.start // DAY * DAY >= since else plan.start
            plan_end = -(-plan.end // DAY) * DAY if -(-plan.end // DAY) * DAY <= until else plan.end
        else:
            plan_start, plan_end = plan.start, plan.end
        return [(max(start, plan_start), min(end, plan_end)) for start, end in found]

    def _part(self, plan: Plan, ranks: list[int], wanted: Wanted, start: int, end: int) -> Plan:
        part = plan.some(ranks)
        shape = part.shape
        if wanted is not plan.wanted:
            shape = Shape(shape.streams, [self._places] * len(shape.streams), shape.order)
        return Plan(shape, part.uuids, wanted, start, end, plan.width)

    def _keep(self, reading: Reading, series: Block, key: tuple[int, int], start: int, end: int) -> None:
        """Keep the days that were read from midnight to midnight and are finished still."""
        since, until = self._intervals.finished_days()
        stream, width = key
        for day in range(max(-(-start // DAY) * DAY, since), min(end, until) // DAY * DAY, DAY):
            self._intervals.finished.keep(reading, (stream, day, width), series.between(day, day + DAY).arrays)


def _by_series(block: Block, count: int) -> Iterator[Block]:
    """The block of each of so many series."""
    edges = np.searchsorted(block.series, np.arange(count + 1))
    for at in range(count):
        yield block if count == 1 else block.take(slice(int(edges[at]), int(edges[at + 1])))


def _together(plan: Plan, blocks: list[Block]) -> Block:
    """Blocks of one series each, put in order, without what lies outside the plan."""
    inside = [block.between(plan.start, plan.end) for block in blocks]
    filled = [block for block in inside if len(block)] or inside[:1]
    filled.sort(key=lambda block: (int(block.series[0]), int(block.start[0])) if len(block) else (0, 0))
    return filled[0] if len(filled) == 1 else Block.joined(filled)
