"""Energy from power: each sample holds until the next one.

A gap up to the sensor's hold is measured. A longer one is bridged by the last value, and is an estimate, up to `BRIDGE`.
Beyond, nothing is filled: the last sample before the gap stands for as long as the one before it did, at most the hold.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from wattline.billing.intervals import KWH, Floats, Grid, Ints, Matrix, add, cut, rows_of
from wattline.billing.model import INTERVAL
from wattline.model.clock import DAY, MINUTE, SECOND
from wattline.telemetry.energy import Shapes

LEAST_HOLD = 90 * SECOND
"""Held at least so long: a meter that is read once a minute is measured whatever was registered, and may miss a beat."""
BRIDGE = 6 * MINUTE
"""The longest gap that is bridged: a meter that reports once an interval is complete, even if it reports a little late."""


def hold(poll: int) -> int:
    """How long a sample that is read every `poll` us holds."""
    return max(3 * min(poll, DAY), LEAST_HOLD)


def validity(time: Ints, last_gap: Ints, next_time: Ints, holds: Ints, polls: Ints, now: int) -> Ints:
    """Until when samples hold: until the next one if it comes in time, else as long as the sample before them held.

    `last_gap` is the time since the sample before, 0 or less where there is none; `next_time` is 0 where there is none.
    """
    gap = next_time - time
    in_time = (next_time > 0) & (gap <= np.maximum(holds, BRIDGE))
    own = np.where((last_gap > 0) & (last_gap <= holds), last_gap, np.minimum(polls, holds))
    return np.where(in_time, next_time, np.minimum(time + own, np.maximum(now, time)))


def neighbours(row: Ints, first: Ints, last: Ints) -> tuple[Ints, Ints]:
    """For entries ordered by row, then time: when the entry before ended and the one after begins, 0 at the ends of a row."""
    before, after = np.zeros(len(row), np.int64), np.zeros(len(row), np.int64)
    same = row[1:] == row[:-1]
    before[1:][same] = last[:-1][same]
    after[:-1][same] = first[1:][same]
    return before, after


def power(shapes: Shapes, sensors: Sequence[int], polls: Sequence[int], scales: Floats, grid: Grid) -> Matrix:
    """The energy of power sensors in each interval. `scales` turn their values into kW; polls in us.

    The shapes reach beyond the grid on both sides, as far as any sample there holds.
    """
    matrix = Matrix.empty(len(sensors), grid.size)
    row = rows_of(sensors, shapes.sensor)
    count_readings(matrix, shapes, row, grid)

    live = np.flatnonzero(shapes.samples > 0)
    row = row[live]
    poll = np.maximum(np.array(polls, np.int64)[row], shapes.grain[live])
    longest = np.maximum(np.array([hold(p) for p in polls], np.int64)[row], shapes.grain[live])
    first_time, last_time, last = shapes.first_time[live], shapes.last_time[live], shapes.last[live] * scales[row]

    inside = (shapes.bucket[live] >= grid.start) & (shapes.bucket[live] < grid.end)
    interval = (shapes.bucket[live][inside] - grid.start) // INTERVAL
    here = row[inside]
    add(matrix.energy, here, interval, shapes.held[live][inside] * scales[here] / KWH)
    add(matrix.estimated, here, interval, shapes.over_held[live][inside] * scales[here] / KWH)
    add(matrix.covered, here, interval, (last_time - first_time)[inside])
    add(matrix.bridged, here, interval, shapes.over[live][inside])

    before, after = neighbours(row, first_time, last_time)
    since_before = np.where(before > 0, first_time - before, 0)
    last_gap = np.where(shapes.samples[live] > 1, shapes.last_gap[live], since_before)
    until = validity(last_time, last_gap, after, longest, poll, grid.now)
    pieces = cut(last_time, until, grid)
    # What is split within a row of a tier is not known to be even.
    over = pieces.after(last_time + np.where(shapes.grain[live] > INTERVAL, 0, longest))
    at, value = row[pieces.span], last[pieces.span]
    add(matrix.energy, at, pieces.interval, value * pieces.time / KWH)
    add(matrix.estimated, at, pieces.interval, value * over / KWH)
    add(matrix.covered, at, pieces.interval, pieces.time)
    add(matrix.bridged, at, pieces.interval, over)
    return matrix


def count_readings(matrix: Matrix, shapes: Shapes, row: Ints, grid: Grid) -> None:
    """Enter how many readings of each meter came in each interval."""
    inside = (shapes.bucket >= grid.start) & (shapes.bucket < grid.end)
    interval = (shapes.bucket[inside] - grid.start) // INTERVAL
    here = row[inside]
    matrix.samples[here, interval] += shapes.count[inside]
    matrix.good[here, interval] += shapes.good[inside]
    matrix.readings[here, interval] += (shapes.count + shapes.bad)[inside]
