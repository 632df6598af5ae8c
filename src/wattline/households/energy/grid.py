"""Power on an even grid, from the register `total`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wattline.ingest.series import Buckets, Series
from wattline.model.clock import HOUR, MINUTE
from wattline.registry.stream import Stream

LONGEST_GAP = 5 * MINUTE
"""us between two readings; what happened in a longer one is not known."""
CHUNK_STEPS = 300_000
"""Steps of all streams that are read from the store at a time, so that memory does not grow with their number."""
WATTS = 1_000 * HOUR
"""kWh / us to W."""


@dataclass(frozen=True, slots=True)
class Grid:
    """Mean power in W of each step of `width` us from `start`: one row a stream; NaN where it is not known."""

    start: int
    width: int
    watts: NDArray[np.float64]


async def power(series: Series, streams: Sequence[Stream], start: int, end: int, width: int = MINUTE) -> Grid:
    """The mean power of the streams in every step of [start, end); both are multiples of `width`, a multiple of a minute.

    Energy is exact: the steps of a span sum up to the difference of the register at its edges. The register at an edge lies
    on the line between the readings before and after it. A step is NaN where the register is not known at one of its edges:
    in a gap of more than five minutes between two readings, before the first one, after the last one.
    """
    edges = np.arange(start, end + 1, width, dtype=np.int64)
    watts = np.full((len(streams), max(len(edges) - 1, 0)), np.nan)
    at_once = max(CHUNK_STEPS // max(watts.shape[1], 1), 1)
    for at in range(0, len(streams) if watts.size else 0, at_once):
        some = streams[at : at + at_once]
        sensors = [stream.sensor_id("total") for stream in some]
        found = await series.buckets(some, sensors, start - LONGEST_GAP, end + LONGEST_GAP, width)
        watts[at : at + at_once] = np.diff(_registers(found, np.array(sensors), edges), axis=1) * (WATTS / width)
    return Grid(start, width, watts)


def _registers(found: Buckets, sensors: NDArray[np.int64], edges: NDArray[np.int64]) -> NDArray[np.float64]:
    """The register of each sensor (rows) at each edge, NaN where it is not known.

    The readings on both sides of an edge are the last one of a bucket and the first one of the next.
    """
    registers = np.full((len(sensors), len(edges)), np.nan)
    used = found.count > 0
    group = np.repeat(found.group[used].astype(np.int64), 2)
    time = np.stack((found.first_time[used], found.last_time[used]), axis=1).ravel()
    value = np.stack((found.first[used], found.last[used]), axis=1).ravel()
    if not len(time):
        return registers
    # One search for all: times of one sensor lie beyond those of the one before.
    origin = min(int(time.min()), int(edges[0]))
    span = max(int(time.max()), int(edges[-1])) - origin + 1
    order = np.argsort(sensors)
    place = np.empty(len(sensors), np.int64)
    place[order] = np.arange(len(sensors))
    key = np.searchsorted(sensors[order], group) * span + (time - origin)
    wanted = place[:, None] * span + (edges - origin)[None, :]
    after = np.searchsorted(key, wanted, "right")
    before = np.maximum(after - 1, 0)
    exact = (after > 0) & (key[before] == wanted)
    after = np.minimum(after, len(key) - 1)
    width = key[after] - key[before]
    known = (key[before] < wanted) & (key[after] > wanted) & (width <= LONGEST_GAP)
    known &= (key[before] // span == place[:, None]) & (key[after] // span == place[:, None])
    share = np.divide(wanted - key[before], width, out=np.zeros(wanted.shape), where=known)
    between = value[before] + (value[after] - value[before]) * share
    registers[known] = between[known]
    registers[exact] = value[before][exact]
    return registers
