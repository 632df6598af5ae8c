"""Buckets for a chart, read without grouping in the store: a tier's own rows, and the few rows of the open end on top."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from wattline.model.clock import MINUTE
from wattline.telemetry.tiers import EXISTS, FILLED, TIERS

LONGEST_TAIL = 20 * MINUTE
"""Raw readings of the open end that are put together here; where the tiers lag further behind the store groups them."""

ONE_THREAD = 16
"""Sensors that one thread reads sooner than several would have shared the work."""

_ONE = "sensor = {sensor:UInt32}"
_MANY = "sensor IN {sensors:Array(UInt32)}"
_OF_RAW = "value, value, value, value, time, quality < 2, quality = 0, quality = 2"
_OF_TIER = "total, low, high, last, last_time, count, good, bad"
_OWN = "total, low, high, last, time, count, good, bad"


@dataclass(frozen=True, slots=True)
class Summaries:
    """Buckets ordered by sensor, then time (the begin of the bucket, in us).

    `count` counts usable readings (GOOD and UNCERTAIN), `good` and `bad` their kinds. Where `count` is 0 the values have no
    meaning.
    """

    sensor: NDArray[np.uint32]
    time: NDArray[np.int64]
    total: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    last: NDArray[np.float64]
    count: NDArray[np.uint64]
    good: NDArray[np.uint64]
    bad: NDArray[np.uint64]

    def __len__(self) -> int:
        return len(self.time)

    def only(self, sensors: Sequence[int]) -> Summaries:
        """The buckets of some of the sensors."""
        if len(sensors) == 1:
            mine: slice | NDArray[np.bool_] = self.of(sensors[0])
            if mine == slice(0, len(self)):
                return self
        else:
            mine = np.isin(self.sensor, np.array(sensors, np.uint32))
            if mine.all():
                return self
        return Summaries(*(getattr(self, name)[mine] for name in Summaries.__slots__))

    def of(self, sensor: int) -> slice:
        """Where the buckets of one sensor are."""
        return slice(int(np.searchsorted(self.sensor, sensor)), int(np.searchsorted(self.sensor, sensor, "right")))


_FLOATS, _COUNTS = np.zeros(0), np.zeros(0, np.uint64)
NONE = Summaries(np.zeros(0, np.uint32), np.zeros(0, np.int64), _FLOATS, _FLOATS, _FLOATS, _FLOATS, _COUNTS, _COUNTS, _COUNTS)
"""No buckets."""


def own_table(width: int) -> str | None:
    """The tier whose buckets are this wide."""
    return next((tier.table for tier in TIERS if tier.width == width), None)


def rows_sql(pieces: Sequence[tuple[str, int, int]], width: int, sensors: int) -> str:
    """SQL of the rows of all pieces (table, start, end), in any order.

    Columns: sensor, time, total, low, high, last, time of the last, count, good, bad.
    """
    own = own_table(width)
    single = sensors == 1
    parts = []
    for table, start, end in pieces:
        raw = table == "readings"
        columns = _OF_RAW if raw else _OWN if table == own else _OF_TIER
        parts.append(
            f"""SELECT sensor, time, {columns} FROM {table} FINAL WHERE {_ONE if single else _MANY}
                AND time >= fromUnixTimestamp64Micro({start}, 'UTC') AND time < fromUnixTimestamp64Micro({end}, 'UTC')
                AND {EXISTS if raw else FILLED}"""
        )
    return " UNION ALL ".join(parts) + " SETTINGS max_threads = 1" * (sensors <= ONE_THREAD)


def merged(rows: pa.Table, width: int) -> Summaries:
    """Rows of any pieces as buckets of `width`, each exact: sums of sums, extremes of extremes, the last of the last."""
    sensor, at, *values, seen = (_plain(column) for column in rows.columns[:7])
    counts = [_plain(column).astype(np.uint64, copy=False) for column in rows.columns[7:]]
    time = at // width * width
    if _rising(sensor, time):
        total, low, high, last = values
        return Summaries(sensor, time, total, low, high, last, *counts)
    order = np.lexsort((seen, time, sensor))
    sensor, time = sensor[order], time[order]
    starts = np.ones(len(time), bool)
    starts[1:] = (time[1:] != time[:-1]) | (sensor[1:] != sensor[:-1])
    total, low, high, last = (each[order] for each in values)
    count, good, bad = (each[order] for each in counts)
    if starts.all():
        return Summaries(sensor, time, total, low, high, last, count, good, bad)
    first = np.flatnonzero(starts)
    used = count > 0
    # The row with the last usable reading of each bucket: rows are in order of time, so the highest place that is usable.
    place = np.maximum.reduceat(np.where(used, np.arange(len(time)), first[np.cumsum(starts) - 1]), first)
    return Summaries(
        sensor[first],
        time[first],
        np.add.reduceat(np.where(used, total, 0.0), first),
        np.minimum.reduceat(np.where(used, low, np.inf), first),
        np.maximum.reduceat(np.where(used, high, -np.inf), first),
        last[place],
        np.add.reduceat(count, first),
        np.add.reduceat(good, first),
        np.add.reduceat(bad, first),
    )


def _rising(sensor: NDArray[Any], time: NDArray[Any]) -> bool:
    """Whether rows are in their order already, one a bucket: so they come from one tier alone."""
    return bool(((sensor[1:] > sensor[:-1]) | ((sensor[1:] == sensor[:-1]) & (time[1:] > time[:-1]))).all())


def _plain(column: pa.ChunkedArray) -> NDArray[Any]:
    """A column for arithmetic; times in us."""
    if pa.types.is_timestamp(column.type):
        # The same bits, and no computation: a cast takes as long as everything else here.
        column = pa.chunked_array([chunk.view(pa.int64()) for chunk in column.chunks], pa.int64())
    found: NDArray[Any] = column.to_numpy()
    return found
