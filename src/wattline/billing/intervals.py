"""Dense columns of energy by meter and interval, and the cutting of spans of time at the edges of intervals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from wattline.billing.model import INTERVAL
from wattline.model.clock import HOUR

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

KWH = float(HOUR)
"""Microseconds in an hour: kW x us in one kWh."""


@dataclass(frozen=True, slots=True)
class Grid:
    """The intervals of `width` us that begin in [start, end), both on an edge; `now` ends what can be known."""

    start: int
    end: int
    now: int
    width: int = INTERVAL

    @classmethod
    def over(cls, start: int, end: int, now: int) -> Grid:
        """The intervals that begin in a range, up to the one that is open now."""
        first = -(-start // INTERVAL) * INTERVAL
        last = -(-min(end, now + 1) // INTERVAL) * INTERVAL
        return cls(first, max(first, last), now)

    @property
    def size(self) -> int:
        return (self.end - self.start) // self.width

    @property
    def buckets(self) -> Ints:
        """The start of each interval in us."""
        return np.arange(self.start, self.end, self.width, dtype=np.int64)

    @property
    def passed(self) -> Ints:
        """How much of each interval has passed, in us."""
        return np.clip(self.now - self.buckets, 0, self.width)


@dataclass(frozen=True, slots=True)
class Matrix:
    """One row a meter, one column an interval. `energy` in kWh, of which `estimated` is; `covered` and `bridged` in us: the
    time whose energy is known, and what of it is estimated. `samples`, `good` and `readings` are counts of readings.
    """

    energy: Floats
    estimated: Floats
    covered: Floats
    bridged: Floats
    samples: Ints
    good: Ints
    readings: Ints
    anomalies: Ints

    @classmethod
    def empty(cls, meters: int, intervals: int) -> Matrix:
        """Nothing is known."""
        shape = (meters, intervals)
        a, b, c, d = (np.zeros(shape, np.float64) for _ in range(4))
        return cls(a, b, c, d, *(np.zeros(shape, np.int64) for _ in range(4)))

    def put(self, rows: Sequence[int], part: Matrix) -> None:
        """Set these rows."""
        for column in fields(self):
            getattr(self, column.name)[list(rows)] = getattr(part, column.name)

    def pick(self, rows: Sequence[int]) -> Matrix:
        """These rows alone."""
        return Matrix(*(getattr(self, column.name)[list(rows)] for column in fields(self)))

    def between(self, intervals: slice) -> Matrix:
        """These intervals alone."""
        return Matrix(*(getattr(self, column.name)[:, intervals] for column in fields(self)))

    @staticmethod
    def joined(parts: Sequence[Matrix]) -> Matrix:
        """The same meters over consecutive ranges."""
        return Matrix(*(np.concatenate([getattr(p, column.name) for p in parts], axis=1) for column in fields(Matrix)))


def rows_of(sensors: Sequence[int], found: NDArray[np.uint32]) -> Ints:
    """The row of each found sensor id, the rows being in the order of `sensors`."""
    ids = np.array(sensors, np.int64)
    order = np.argsort(ids)
    return order[np.searchsorted(ids[order], found)] if len(found) else np.zeros(0, np.int64)


@dataclass(frozen=True, slots=True)
class Pieces:
    """Spans cut at the edges of intervals: the span that each piece is of, the interval it is in, and its ends in us."""

    span: Ints
    interval: Ints
    begin: Ints
    stop: Ints

    @property
    def time(self) -> Ints:
        return self.stop - self.begin

    def after(self, moments: Ints) -> Ints:
        """How much of each piece lies after the moment of its span."""
        return np.maximum(self.stop - np.maximum(self.begin, moments[self.span]), 0)


def cut(begin: Ints, stop: Ints, grid: Grid) -> Pieces:
    """Cut the spans [begin, stop) at every edge of the grid; what lies outside of it is left out."""
    low, high = np.clip(begin, grid.start, grid.end), np.clip(stop, grid.start, grid.end)
    kept = np.flatnonzero(high > low)
    low, high = low[kept], high[kept]
    first = (low - grid.start) // grid.width
    number = (high - 1 - grid.start) // grid.width - first + 1
    span = np.repeat(np.arange(len(kept)), number)
    ahead = np.arange(len(span)) - np.repeat(np.cumsum(number) - number, number)
    interval = first[span] + ahead
    edge = grid.start + interval * grid.width
    return Pieces(kept[span], interval, np.maximum(low[span], edge), np.minimum(high[span], edge + grid.width))


def add(target: NDArray[np.float64], row: Ints, interval: Ints, amount: Floats | Ints) -> None:
    """Add amounts to cells of a matrix, several to one cell where they fall together."""
    flat = row * target.shape[1] + interval
    target += np.bincount(flat, weights=amount, minlength=target.size).reshape(target.shape)
