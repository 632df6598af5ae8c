"""Every interval of some series, while what was read is put in."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from wattline.contracts.flux.relations.blocks import Block, Plan
from wattline.contracts.flux.rpc.deltas import blank, summarise, taken
from wattline.ingest.intervals import Cells, Filled, Samples
from wattline.ingest.table_rows import Shape


@dataclass(slots=True)
class Sensors:
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


class Grid:
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

    def value(self, part: Cells, sensors: Sensors) -> None:
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

    def sample(self, part: Samples, sensors: Sensors) -> None:
        """Add readings of counters."""
        line, series = sensors.places(part.sensor)
        cell = self._cell(series, part.time)
        self._there[cell] = True
        summarise(self._counters, line, cell, part.time, part.value)

    def block(self) -> Block:
        """The intervals in which there are rows."""
        cells = np.flatnonzero(self._there)
        series, interval = np.divmod(cells, max(self._intervals, 1))
        return Block(
            series,
            self._start + interval * self._width,
            self._total[:, cells],
            self._count[:, cells],
            self._least[:, cells],
            taken(self._counters, cells),
        )
