"""What a meter's register says about the power of every five minutes, from the tiers: weeks of many meters in one question."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wattline.households.meters.model import TOTAL
from wattline.ingest.series import Series
from wattline.model.clock import HOUR, MINUTE
from wattline.registry.point import Point
from wattline.registry.stream import Stream

STEP = 5 * MINUTE
STEPS_PER_HOUR = HOUR // STEP
LONGEST_GAP = 6
"""Steps between two readings over which the register is taken to grow evenly; in a longer gap the power is not known."""
WATTS = 1_000 * STEPS_PER_HOUR
"""kWh a step, in W."""


@dataclass(frozen=True, slots=True)
class Steps:
    """Mean power in W of each step from `start` (us): one row a meter, NaN where it is not known."""

    start: int
    watts: NDArray[np.float64]

    @property
    def end(self) -> int:
        return self.start + int(self.watts.shape[1]) * STEP

    def index(self, time: int) -> int:
        """The step that begins at `time`."""
        return (time - self.start) // STEP


async def read(series: Series, streams: Sequence[Stream], start: int, end: int) -> Steps:
    """The steps of [start, end), both multiples of `STEP`.

    The register at the end of a step is its last reading, so with a reading every 21 s the power of one step is right
    within 7 %, of twenty minutes within 2 %.
    """
    sensors = np.array([stream.sensor_ids[TOTAL] for stream in streams], np.int64)
    points = [Point(stream.sensors[TOTAL], stream, TOTAL, stream.sensor_ids[TOTAL]) for stream in streams]
    found = await series.summaries(points, start - (LONGEST_GAP + 1) * STEP, end, STEP)
    used = found.count > 0
    order = np.argsort(sensors)
    row = order[np.searchsorted(sensors[order], found.sensor[used].astype(np.int64))]
    # Long enough to be noticed by those who wait for an answer meanwhile.
    return Steps(start, await asyncio.to_thread(powers, len(streams), start, end, row, found.time[used], found.last[used]))


def powers(
    meters: int, start: int, end: int, row: NDArray[np.int64], time: NDArray[np.int64], last: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The power of each step of [start, end) from the last reading of some steps: meter, begin of the step, register in kWh.

    Readings of up to `LONGEST_GAP` + 1 steps before `start` tell of the first ones.
    """
    lead = LONGEST_GAP + 1
    count = (end - start) // STEP
    register = np.full((meters, lead + count), np.nan)
    at = (time - start) // STEP + lead
    inside = (at >= 0) & (at < register.shape[1])
    register[row[inside], at[inside]] = last[inside]
    columns = np.arange(register.shape[1], dtype=np.int32)
    known = ~np.isnan(register)
    before = np.maximum.accumulate(np.where(known, columns, -1), axis=1)[:, :-1]
    after = np.minimum.accumulate(np.where(known, columns, len(columns))[:, ::-1], axis=1)[:, ::-1][:, 1:]
    width = after - before
    good = (before >= 0) & (after < len(columns)) & (width <= LONGEST_GAP)
    rows = np.arange(meters)[:, None]
    low, high = register[rows, np.maximum(before, 0)], register[rows, np.minimum(after, len(columns) - 1)]
    watts = np.full(good.shape, np.nan)
    # A register of a household never falls; should it, nothing was used.
    np.divide(np.maximum(high - low, 0.0) * WATTS, width, out=watts, where=good)
    return watts[:, lead - 1 :]
