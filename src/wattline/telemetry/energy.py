"""Readings of meters, condensed in the store to what energy accounts need of each sensor and interval."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from wattline.model.clock import HOUR, MINUTE
from wattline.telemetry.engine import Engine
from wattline.telemetry.tiers import EXISTS

TIME = "b.time >= fromUnixTimestamp64Micro({start:Int64}, 'UTC') AND b.time < fromUnixTimestamp64Micro({end:Int64}, 'UTC')"
MINE = f"b.sensor IN {{sensors:Array(UInt32)}} AND {TIME}"


@dataclass(frozen=True, slots=True)
class Source:
    """A table that energy can be read from. `grain` is the width of its rows in us, 0 for single readings."""

    table: str
    grain: int


RAW = Source("readings", 0)
MINUTES = Source("tier_1m", MINUTE)
HOURS = Source("tier_1h", HOUR)


@dataclass(frozen=True, slots=True)
class Shapes:
    """What is in each interval of each sensor, ordered by sensor, then bucket; times in us, BAD readings left out.

    `held` is the integral of the value over time (value x us) from the first sample to the last, each sample held until the
    next; `over` and `over_held` are the time and the integral of what was held for longer than the sensor's hold.
    `samples` counts what was integrated: readings, or rows of a tier with their mean. `last_gap` is the time between the last
    two samples, 0 where there is one. `rise` and `fall` are the extreme steps between neighbours, 0 where there is none.
    `count`, `good` and `bad` count readings. Where `samples` is 0 only the counts have meaning.
    """

    sensor: NDArray[np.uint32]
    bucket: NDArray[np.int64]
    count: NDArray[np.int64]
    good: NDArray[np.int64]
    bad: NDArray[np.int64]
    samples: NDArray[np.int64]
    first_time: NDArray[np.int64]
    last_time: NDArray[np.int64]
    first: NDArray[np.float64]
    last: NDArray[np.float64]
    last_gap: NDArray[np.int64]
    held: NDArray[np.float64]
    over: NDArray[np.int64]
    over_held: NDArray[np.float64]
    rise: NDArray[np.float64]
    fall: NDArray[np.float64]
    grain: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.bucket)


@dataclass(frozen=True, slots=True)
class Samples:
    """Single samples of every quality, ordered by sensor, then time. A row of a tier is one sample: its mean, at its start.

    `count`, `good` and `bad` are of the readings that a sample stands for.
    """

    sensor: NDArray[np.uint32]
    time: NDArray[np.int64]
    value: NDArray[np.float64]
    quality: NDArray[np.uint8]
    count: NDArray[np.int64]
    good: NDArray[np.int64]
    bad: NDArray[np.int64]
    grain: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.time)


READINGS = f"""
    SELECT b.sensor AS sensor, toUnixTimestamp64Micro(b.time) AS at, b.value AS value, b.quality AS quality,
           b.quality < 2 AS n, b.quality = 0 AS good, b.quality = 2 AS bad
    FROM readings AS b FINAL WHERE {MINE} AND b.{EXISTS}"""

QUALITY = "multiIf(b.count = 0, 2, b.good < b.count, 1, 0)"


def _samples_of(source: Source, *, registers: bool) -> str:
    """SQL of the samples: readings; rows of a tier with their mean; or, of a register, each row's first and last value."""
    if not source.grain:
        return READINGS
    if not registers:
        return f"""
            SELECT b.sensor AS sensor, toUnixTimestamp64Micro(b.time) AS at, if(b.count > 0, b.total / b.count, 0.) AS value,
                   {QUALITY} AS quality, b.count AS n, b.good AS good, b.bad AS bad
            FROM {source.table} AS b FINAL WHERE {MINE} AND b.count + b.bad > 0"""
    return f"""
        SELECT sensor, edge.1 AS at, edge.2 AS value, quality, edge.3 AS n, edge.4 AS good, edge.5 AS bad FROM (
            SELECT b.sensor AS sensor, {QUALITY} AS quality, arrayJoin([
                (toUnixTimestamp64Micro(if(b.count > 0, b.first_time, b.time)), b.first, b.count, b.good, b.bad),
                (toUnixTimestamp64Micro(if(b.count > 0, b.last_time, b.time)), b.last, 0, 0, 0)]) AS edge
            FROM {source.table} AS b FINAL WHERE {MINE} AND b.count + b.bad > 0)"""


def _shapes_sql(source: Source, width: int, *, registers: bool) -> str:
    # The order of an array is that of the threads that met it, so both are sorted by time; sorting what is sorted is cheap.
    return f"""
        SELECT sensor, bucket, toInt64(readings), toInt64(fine), toInt64(wrong), toInt64(length(t)),
               t[1], t[-1], v[1], v[-1], g[-1],
               arraySum((x, y) -> x * y, g, arrayPopBack(v)),
               arraySum(x -> greatest(x - hold, 0), g),
               arraySum((x, y) -> greatest(x - hold, 0) * y, g, arrayPopBack(v)),
               if(empty(steps), 0., arrayMax(steps)), if(empty(steps), 0., arrayMin(steps)), toInt64({source.grain})
        FROM (
            SELECT sensor, intDiv(at, {width}) * {width} AS bucket,
                   sum(n) AS readings, sum(good) AS fine, sum(bad) AS wrong,
                   groupArrayIf(at, quality < 2) AS t0, groupArrayIf(value, quality < 2) AS v0,
                   arraySort(t0) AS t, arraySort((x, y) -> y, v0, t0) AS v,
                   arrayPopFront(arrayDifference(t)) AS g, arrayPopFront(arrayDifference(v)) AS steps,
                   transform(sensor, {{sensors:Array(UInt32)}}, {{holds:Array(Int64)}}, toInt64(0)) AS hold
            FROM ({_samples_of(source, registers=registers)}) GROUP BY sensor, bucket
        ) ORDER BY sensor, bucket"""


class EnergyReader:
    """Queries for energy accounts; times in us since 1970, ranges half-open."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def shapes(
        self, source: Source, sensors: Sequence[int], holds: Sequence[int], start: int, end: int, width: int, *, registers: bool
    ) -> Shapes:
        """The readings in [start, end) condensed to intervals of `width`, aligned to 1970; `holds` has one entry a sensor.

        `registers` are read by their values at both ends of a tier's row instead of by its mean.
        """
        table = await self._engine.query(
            _shapes_sql(source, width, registers=registers),
            {"sensors": list(sensors), "holds": list(holds), "start": start, "end": end},
        )
        return Shapes(*(table.column(i).to_numpy() for i in range(table.num_columns)))

    async def samples(self, source: Source, sensors: Sequence[int], start: int, end: int, *, registers: bool) -> Samples:
        """The samples in [start, end), one by one."""
        table = await self._engine.query(
            f"""SELECT sensor, at, value, toUInt8(quality), toInt64(n), toInt64(good), toInt64(bad), toInt64({source.grain})
                FROM ({_samples_of(source, registers=registers)}) ORDER BY sensor, at""",
            {"sensors": list(sensors), "start": start, "end": end},
        )
        return Samples(*(table.column(i).to_numpy() for i in range(table.num_columns)))


def joined(parts: Sequence[Shapes]) -> Shapes:
    """Shapes of consecutive ranges as one, ordered by sensor, then bucket."""
    columns = [np.concatenate([getattr(part, f.name) for part in parts]) for f in fields(Shapes)]
    order = np.lexsort((columns[1], columns[0]))
    return Shapes(*(column[order] for column in columns))


def joined_samples(parts: Sequence[Samples]) -> Samples:
    """Samples of consecutive ranges as one, ordered by sensor, then time."""
    columns = [np.concatenate([getattr(part, f.name) for part in parts]) for f in fields(Samples)]
    order = np.lexsort((columns[1], columns[0]))
    return Samples(*(column[order] for column in columns))
