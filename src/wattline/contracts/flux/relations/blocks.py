"""Intervals of series as arrays: what is wanted of them, and what was found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from wattline.contracts.flux.rpc.deltas import Summary, joined, taken
from wattline.ingest.finished import Arrays
from wattline.ingest.table_rows import Shape


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which columns of the rows are looked at: for averages and least values, and as counters."""

    values: tuple[str, ...] = ()
    counters: tuple[str, ...] = ()

    @property
    def names(self) -> list[str]:
        """All of them, values first."""
        return [*self.values, *self.counters]


def _lines(has: Sequence[str], wanted: Sequence[str]) -> slice | list[int]:
    """Where the wanted ones are; neighbours as a slice, which copies nothing."""
    places = [has.index(name) for name in wanted]
    first = places[0] if places else 0
    neighbours = places == list(range(first, first + len(places)))
    return slice(first, first + len(places)) if neighbours else places


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

    def between(self, start: int, end: int) -> Block:
        """The intervals of a block of one series that begin in [start, end)."""
        if not len(self) or (start <= self.start[0] and self.start[-1] < end):
            return self
        low, high = np.searchsorted(self.start, (start, end))
        return self.take(slice(int(low), int(high)))

    def chosen(self, has: Wanted, wanted: Wanted) -> Block:
        """Some of the lines: of what is `wanted`, which is among what the block `has`."""
        if has == wanted:
            return self
        values, counters = _lines(has.values, wanted.values), _lines(has.counters, wanted.counters)
        return Block(
            self.series,
            self.start,
            self.total[values],
            self.count[values],
            self.least[values],
            Summary(*(getattr(self.counters, name)[counters] for name in Summary.__slots__)),
        )

    @property
    def arrays(self) -> Arrays:
        """All but the series."""
        lines = (getattr(self.counters, name) for name in Summary.__slots__)
        return (self.start, self.total, self.count, self.least, *lines)

    @staticmethod
    def of(series: int, arrays: Arrays) -> Block:
        """The block of one series that had these arrays."""
        start, total, count, least, *lines = arrays
        return Block(np.full(len(start), series, np.int64), start, total, count, least, Summary(*lines))

    def numbered(self, series: int) -> Block:
        """The same intervals as those of one series with this number."""
        return Block.of(series, self.arrays)

    def counted_from(self, first: int) -> Block:
        """The same, with numbers of series that begin at `first` instead of 0."""
        if not first:
            return self
        return Block(self.series + first, self.start, self.total, self.count, self.least, self.counters)

    @staticmethod
    def joined(parts: Sequence[Block]) -> Block:
        """Blocks that follow each other as one."""
        return Block(
            np.concatenate([part.series for part in parts]),
            np.concatenate([part.start for part in parts]),
            np.concatenate([part.total for part in parts], axis=1),
            np.concatenate([part.count for part in parts], axis=1),
            np.concatenate([part.least for part in parts], axis=1),
            joined([part.counters for part in parts]),
        )

    def then(self, other: Block) -> Block:
        """These and those that follow."""
        return Block.joined([self, other])

    def means(self, line: int) -> pa.Array:
        """The averages of one value."""
        count = self.count[line]
        return pa.array(self.total[line] / np.maximum(count, 1), mask=count == 0)

    def minima(self, line: int) -> pa.Array:
        """The least of one value, as float4."""
        return pa.array(self.least[line].astype(np.float32), mask=self.count[line] == 0)


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

    def some(self, ranks: Sequence[int]) -> Plan:
        """Some of the devices, in their order."""
        places = {rank: place for place, rank in enumerate(ranks)}
        shape = self.shape
        mine = [at for at, rank in enumerate(shape.order) if rank in places]
        some = Shape(
            [shape.streams[at] for at in mine], [shape.places[at] for at in mine], [places[shape.order[at]] for at in mine]
        )
        return Plan(some, [self.uuids[rank] for rank in ranks], self.wanted, self.start, self.end, self.width)
