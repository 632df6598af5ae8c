"""Energy from registers that count up: differences that survive a reset, a rollover and a gap.

The register at an edge is its newest reading up to that edge, the edge itself included. Where an interval has no reading
of its own, the difference over the gap is spread evenly in time over it: its sum is exact, its parts are estimates.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from wattline.billing.intervals import KWH, Flags, Floats, Grid, Ints, Matrix, add, cut
from wattline.billing.model import INTERVAL

NEAR = 0.9
"""A register that falls has rolled over only from the last tenth of its size."""
LEAST_SIZE = 1000.0
BINARY_SIZES = (2.0**16, 2.0**32)
MARGIN = 10.0
"""How far beyond the block's capacity a mean power can be before it is no energy but a mistake."""
LEAST_STEP = 10.0
"""Steps up to so many kWh, or units of the register, are never a mistake: registers count in steps."""
CAPACITY_UNKNOWN = 10_000.0


@dataclass(frozen=True, slots=True)
class Increments:
    """What each reading of a register added to the one before it, in the register's unit.

    `doubtful` marks what is an estimate: counted from 0 after a reset, or not counted at all (`lost`) because no block can
    have used it.
    """

    amount: Floats
    doubtful: Flags
    lost: Flags


def limit(scale: Floats, capacity_kw: float, elapsed: Ints) -> Floats:
    """The largest plausible increment, in the register's unit, over an elapsed time in us."""
    most = MARGIN * (capacity_kw or CAPACITY_UNKNOWN) * elapsed / KWH
    size = np.maximum(np.abs(scale), 1e-12)
    return np.maximum(LEAST_STEP, LEAST_STEP / size) + most / size


def increments(before: Floats, after: Floats, most: Floats) -> Increments:
    """The increment of each pair of neighbouring readings; `most` is the largest plausible one.

    A fall is a rollover where the old value was near the top of a register of a usual size (a power of ten, 16 or 32 bits)
    and the increment that follows from it is plausible. Otherwise the register was reset, and what it shows now is counted.
    """
    step = after - before
    fell = step < 0
    amount = step.copy()
    reset = fell & (after >= 0) & (after <= most)
    amount[reset] = after[reset]
    rolled = np.zeros(len(step), bool)
    with np.errstate(divide="ignore", invalid="ignore"):
        decimal = 10.0 ** (np.floor(np.log10(np.where(before > 0, before, 1.0))) + 1)
    for size in (decimal, *(np.full(len(step), binary) for binary in BINARY_SIZES)):
        through = size - before + after
        near_top = (size >= LEAST_SIZE) & (before >= NEAR * size) & (before < size)
        fits = fell & ~rolled & near_top & (after >= 0) & (through <= most)
        amount[fits] = through[fits]
        rolled |= fits
    lost = (fell & ~reset & ~rolled) | (step > most)
    amount[lost] = 0.0
    return Increments(amount, lost | (reset & ~rolled), lost)


@dataclass(frozen=True, slots=True)
class Track:
    """Readings of registers, ordered by row, then time. `sure`: from the one before it only rose, by plausible steps."""

    row: Ints
    time: Ints
    value: Floats
    sure: Flags


def register(track: Track, scales: Sequence[float], capacity_kw: float, grid: Grid) -> Matrix:
    """The energy of registers in each interval; `scales` has one entry a row, and turns it into kWh.

    The readings reach beyond the grid to the nearest one on each side.
    """
    matrix = Matrix.empty(len(scales), grid.size)
    row, time, value = track.row, track.time, track.value
    pair = np.flatnonzero(row[1:] == row[:-1]) if len(row) else np.zeros(0, np.int64)
    mine, begin, stop = row[pair], time[pair], time[pair + 1]
    scale = np.array(scales, np.float64)[mine]
    most = np.where(track.sure[pair + 1], np.inf, limit(scale, capacity_kw, stop - begin))
    found = increments(value[pair], value[pair + 1], most)
    energy = found.amount * scale

    # A reading on an edge belongs to the interval that the edge ends.
    first, last = -(-(begin - grid.start) // INTERVAL) - 1, -(-(stop - grid.start) // INTERVAL) - 1
    gap = last - first >= 2
    there = ~gap & (last >= 0) & (last < grid.size)
    add(matrix.energy, mine[there], last[there], energy[there])
    add(matrix.estimated, mine[there], last[there], np.where(found.doubtful, energy, 0.0)[there])

    pieces = cut(begin, stop, grid)
    at = mine[pieces.span]
    spread = np.where(gap, energy / np.maximum(stop - begin, 1), 0.0)[pieces.span] * pieces.time
    add(matrix.energy, at, pieces.interval, spread)
    add(matrix.estimated, at, pieces.interval, spread)
    known = np.where(found.lost[pieces.span], 0, pieces.time)
    add(matrix.covered, at, pieces.interval, known)
    add(matrix.bridged, at, pieces.interval, np.where((gap | found.doubtful)[pieces.span], pieces.time, 0))
    seen = found.lost & (last >= 0) & (last < grid.size)
    np.add.at(matrix.anomalies, (mine[seen], last[seen]), 1)
    return matrix
