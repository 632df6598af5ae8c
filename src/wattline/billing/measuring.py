"""From meters to energy: read what each kind needs, in stretches that fit in memory, and compute it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from wattline.billing.heat import heat
from wattline.billing.intervals import Flags, Grid, Ints, Matrix, rows_of
from wattline.billing.model import INTERVAL, Kind, MeteringPoint
from wattline.billing.power import BRIDGE, count_readings, hold, power
from wattline.billing.register import Track, limit, register
from wattline.ingest.energy_series import EnergySeries
from wattline.model.clock import DAY, HOUR
from wattline.registry.point import Point
from wattline.telemetry.energy import Samples, Shapes

STRETCH = 31 * DAY
MOST_KWH = 1e12
"""In five minutes; mankind uses less. What is more is no energy, but what a broken meter sent."""


class Measuring:
    """Energy of meters over a grid of intervals. Raises `Unavailable` where the store is away."""

    def __init__(self, series: EnergySeries) -> None:
        self._series = series

    async def measure(self, meters: Sequence[MeteringPoint], capacity_kw: float, grid: Grid) -> Matrix:
        """One row a meter, in their order. The capacity of the block bounds what a register can be believed to have counted."""
        parts = [Matrix.empty(len(meters), 0)]
        for start in range(grid.start, grid.end, STRETCH):
            part = Grid(start, min(start + STRETCH, grid.end), grid.now)
            matrix = Matrix.empty(len(meters), part.size)
            for kind in Kind:
                rows = [i for i, meter in enumerate(meters) if meter.kind is kind]
                if rows:
                    with np.errstate(over="ignore", invalid="ignore"):
                        found = await self._measure(kind, [meters[i] for i in rows], capacity_kw, part)
                    matrix.put(rows, believed(found))
            parts.append(matrix)
        return Matrix.joined(parts)

    async def _measure(self, kind: Kind, meters: Sequence[MeteringPoint], capacity_kw: float, grid: Grid) -> Matrix:
        points = [point for meter in meters for point in meter.points]
        # Twice the hold, so that how long the sample before the first one held is known too.
        reach = max(HOUR, BRIDGE, *(2 * hold(point.poll) + INTERVAL for point in points))
        start = max(grid.start - reach, 0) // HOUR * HOUR
        end = min(grid.end + reach, grid.now + 1)
        if kind is Kind.HEAT:
            samples = await self._series.samples(points, start, end, registers=False)
            return await asyncio.to_thread(heat, meters, samples, grid)
        sensors = [point.id for point in points]
        scales = [meter.scale for meter in meters]
        holds = [hold(point.poll) for point in points]
        register_like = kind is Kind.REGISTER
        shapes = await self._series.shapes(points, holds, start, end, INTERVAL, registers=register_like)
        if not register_like:
            polls = [point.poll for point in points]
            return await asyncio.to_thread(power, shapes, sensors, polls, np.array(scales), grid)
        uneven, single = await self._uneven(points, scales, shapes)
        track = await asyncio.to_thread(_track, sensors, shapes, uneven, single)
        track = await self._reaching(points, track, start, end, grid)
        matrix = await asyncio.to_thread(register, track, scales, capacity_kw, grid)
        count_readings(matrix, shapes, rows_of(sensors, shapes.sensor), grid)
        return matrix

    async def _uneven(self, points: Sequence[Point], scales: Sequence[float], shapes: Shapes) -> tuple[Flags, Samples | None]:
        """Which intervals hold more than a register that rises by small steps, and the readings in them one by one."""
        row = rows_of([point.id for point in points], shapes.sensor)
        small = limit(np.array(scales), 0.0, np.zeros(len(scales), np.int64))[row]
        uneven = (shapes.samples > 0) & ((shapes.fall < 0) | (shapes.rise > small))
        if not uneven.any():
            return uneven, None
        named = set(shapes.sensor[uneven].tolist())
        first, last = int(shapes.bucket[uneven].min()), int(shapes.bucket[uneven].max())
        samples = await self._series.samples(
            [point for point in points if point.id in named], first // HOUR * HOUR, last + INTERVAL, registers=True
        )
        return uneven, samples

    async def _reaching(self, points: Sequence[Point], track: Track, start: int, end: int, grid: Grid) -> Track:
        """The track with the nearest readings outside of what was read, for the registers that have none near the edges."""
        lone = _without(track.row[track.time <= grid.start], len(points))
        open_ended = _without(track.row[track.time >= grid.end], len(points))
        before = await self._series.newest_before([points[i] for i in lone], start) if lone and start else {}
        after = await self._series.oldest_since([points[i] for i in open_ended], end) if open_ended and end <= grid.now else {}
        if not before and not after:
            return track
        extra = [(i, *found[points[i].id]) for found in (before, after) for i in range(len(points)) if points[i].id in found]
        return await asyncio.to_thread(_extended, track, extra)


def believed(matrix: Matrix) -> Matrix:
    """The same without energy that cannot be: where it is, nothing was measured, and each such interval is an anomaly."""
    absurd = ~(np.abs(matrix.energy) <= MOST_KWH)
    if not absurd.any():
        return matrix
    known = {name: np.where(absurd, 0, getattr(matrix, name)) for name in ("energy", "estimated", "covered", "bridged")}
    return replace(matrix, **known, anomalies=matrix.anomalies + absurd)


def _without(row: Ints, rows: int) -> list[int]:
    """The rows, of so many, that are not among these."""
    return np.flatnonzero(np.bincount(row, minlength=rows) == 0).tolist()


def _extended(track: Track, extra: Sequence[tuple[int, int, float]]) -> Track:
    """The track with these readings (row, time, value) besides."""
    row = np.concatenate([track.row, np.array([i for i, _, _ in extra], np.int64)])
    time = np.concatenate([track.time, np.array([t for _, t, _ in extra], np.int64)])
    value = np.concatenate([track.value, np.array([v for _, _, v in extra], np.float64)])
    sure = np.concatenate([track.sure, np.zeros(len(extra), bool)])
    order = np.lexsort((time, row))
    return Track(row[order], time[order], value[order], sure[order])


def _track(sensors: Sequence[int], shapes: Shapes, uneven: Flags, samples: Samples | None) -> Track:
    """The first and the last reading of each even interval, and every usable reading of the others."""
    even = np.flatnonzero((shapes.samples > 0) & ~uneven)
    row = rows_of(sensors, shapes.sensor)
    rows, times, values = [np.repeat(row[even], 2)], [], []
    times.append(np.column_stack([shapes.first_time[even], shapes.last_time[even]]).ravel())
    values.append(np.column_stack([shapes.first[even], shapes.last[even]]).ravel())
    sure = [np.tile([False, True], len(even))]
    if samples is not None:
        wanted = np.unique(row[uneven] * 2**40 + shapes.bucket[uneven] // INTERVAL)
        mine = rows_of(sensors, samples.sensor)
        inside = np.isin(mine * 2**40 + samples.time // INTERVAL, wanted) & (samples.quality < 2)
        rows.append(mine[inside])
        times.append(samples.time[inside])
        values.append(samples.value[inside])
        sure.append(np.zeros(int(inside.sum()), bool))
    at, time = np.concatenate(rows), np.concatenate(times)
    order = np.lexsort((time, at))
    return Track(at[order], time[order], np.concatenate(values)[order], np.concatenate(sure)[order])
