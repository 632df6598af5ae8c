"""Energy of a meter that has no register: the trapezoid of its power, each direction by itself, and no bridge over a gap."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wattline.billing.intervals import Grid, cut
from wattline.metering.energy.register import Floats, Ints
from wattline.model.clock import HOUR, MINUTE

BRIDGE = 5 * MINUTE


def bridged(interval: int) -> int:
    """The longest gap (us) that is bridged, of a meter that reports every `interval` us."""
    return max(BRIDGE, 2 * interval)


@dataclass(frozen=True, slots=True)
class Line:
    """Power over time as pieces in order, none overlapping another: from `begin` to `stop` (us), from `first` to `last` (W).

    A single reading is a piece without length. `mean` (W) is that of what lies between, NaN where it is a straight line.
    """

    begin: Ints
    stop: Ints
    first: Floats
    last: Floats
    mean: Floats

    @classmethod
    def of(cls, time: Ints, value: Floats) -> Line:
        """Single readings."""
        return cls(time, time, value, value, np.full(len(time), np.nan))


def power(line: Line, grid: Grid, longest: int) -> dict[str, NDArray[Any]]:
    """The columns of `cells.Cells`: the energy that came and went in each interval; gaps longer than `longest` stay open."""
    cells = {name: np.zeros(grid.size) for name in ("energy", "back", "covered")}
    if not len(line.begin) or not grid.size:
        return cells
    gap = line.begin[1:] - line.stop[:-1]
    link = np.flatnonzero((gap > 0) & (gap <= longest))
    _enter(cells, grid, line.stop[link], line.begin[link + 1], line.last[link], line.first[link + 1])
    inner = line.stop > line.begin
    straight = np.flatnonzero(inner & np.isnan(line.mean))
    _enter(cells, grid, line.begin[straight], line.stop[straight], line.first[straight], line.last[straight])
    rest = np.flatnonzero(inner & ~np.isnan(line.mean))
    mean = line.mean[rest]
    _enter(cells, grid, line.begin[rest], line.stop[rest], mean, mean)
    # What one piece covers is a float's rounding away from the whole.
    np.minimum(cells["covered"], 1.0, out=cells["covered"])
    return cells


def _enter(cells: dict[str, NDArray[Any]], grid: Grid, begin: Ints, stop: Ints, first: Floats, last: Floats) -> None:
    """Add straight lines, cut at the edges of intervals."""
    pieces = cut(begin, stop, grid)
    if not len(pieces.span):
        return
    start, slope = begin[pieces.span], (last - first) / (stop - begin)
    low = first[pieces.span] + slope[pieces.span] * (pieces.begin - start)
    high = first[pieces.span] + slope[pieces.span] * (pieces.stop - start)
    time = pieces.time
    above = (("energy", _above_zero(low, high)), ("back", _above_zero(-low, -high)))
    for name, amount in (*((name, mean * time / (HOUR * 1000.0)) for name, mean in above), ("covered", time / grid.width)):
        cells[name] += np.bincount(pieces.interval, weights=amount, minlength=grid.size)


def _above_zero(a: Floats, b: Floats) -> Floats:
    """The mean over a straight line from `a` to `b` of what lies above zero."""
    high, low = np.maximum(a, b), np.minimum(a, b)
    with np.errstate(divide="ignore", invalid="ignore"):
        part = high * high / (2.0 * (high - low))
    found: Floats = np.where(low >= 0, (a + b) / 2.0, np.where(high <= 0, 0.0, part))
    return found
