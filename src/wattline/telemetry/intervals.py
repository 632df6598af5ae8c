"""Reading intervals of many sensors at once: what they held on average and least, which rows there are, and single readings.

A reading of quality BAD has no value, unless what was sent is no finite number: that is kept as BAD, and counts.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from wattline.telemetry.engine import Engine
from wattline.telemetry.tiers import EXISTS, TIERS, bucket_of

Piece = tuple[str, int, int]
"""A table and a range [start, end) in us, which lies on the table's own buckets."""
Factors = Sequence[float] | None
"""What each sensor's readings are multiplied by, before they are rounded to float4; None where they are as they shall be."""
LARGE = 50_000
"""Readings from which on they are put in order beside the event loop, not in it."""
RAW = "readings"
ONE_THREAD = " SETTINGS max_threads = 1"
"""Rows that are read as they lie come sooner from one thread than from several that hand them over."""
FINEST = TIERS[0].width
TIME = "b.time >= fromUnixTimestamp64Micro({start:Int64}, 'UTC') AND b.time < fromUnixTimestamp64Micro({end:Int64}, 'UTC')"
MINE = f"b.sensor IN {{sensors:Array(UInt32)}} AND {TIME}"
USED = "(b.quality < 2 OR b.quality = 2 AND NOT isFinite(b.value))"
FACTOR = "transform(b.sensor, {sensors:Array(UInt32)}, {factors:Array(Float64)}, toFloat64(1))"


@dataclass(frozen=True, slots=True)
class Cells:
    """Parts of intervals of sensors, in no order: how many values, their sum, the least (NaN where there is no number).

    `odd` counts readings of quality BAD, of which some may be values that are not in `count`.
    """

    sensor: NDArray[np.uint32]
    start: NDArray[np.int64]
    total: NDArray[np.float64]
    least: NDArray[np.float64]
    count: NDArray[np.uint64]
    odd: NDArray[np.uint64]

    def part(self, chosen: NDArray[np.bool_]) -> Cells:
        """Some of them."""
        return Cells(*(getattr(self, each.name)[chosen] for each in fields(self)))


@dataclass(frozen=True, slots=True)
class Filled:
    """Intervals of streams in which there are rows, in no order."""

    stream: NDArray[np.uint32]
    start: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Samples:
    """Single readings, ordered by sensor, then time."""

    sensor: NDArray[np.uint32]
    time: NDArray[np.int64]
    value: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.time)


def _cells_sql(piece: Piece, *, plain: bool) -> str:
    table, start, end = piece
    mine = f"""b.sensor IN {{sensors:Array(UInt32)}} AND b.time >= fromUnixTimestamp64Micro({start}, 'UTC')
               AND b.time < fromUnixTimestamp64Micro({end}, 'UTC')"""
    if table == RAW:
        value = _value(plain=plain)
        return f"""
            SELECT b.sensor AS sensor, {bucket_of("b.time", FINEST)} AS bucket, sumIf({value}, {USED}) AS total,
                   if(countIf({USED} AND NOT isNaN(b.value)) = 0, nan, minIf({value}, {USED} AND NOT isNaN(b.value))) AS least,
                   countIf({USED}) AS n, toUInt64(0) AS odd
            FROM readings AS b FINAL WHERE {mine} AND b.{EXISTS} GROUP BY sensor, bucket"""
    # A factor below 0 exchanges the extremes.
    low = "b.low" if plain else f"toFloat64(toFloat32(if({FACTOR} < 0, b.high, b.low) * {FACTOR}))"
    total = "b.total" if plain else f"b.total * {FACTOR}"
    return f"""
        SELECT b.sensor AS sensor, toUnixTimestamp64Micro(b.time) AS bucket, {total} AS total,
               if(b.count > 0, {low}, nan) AS least, b.count AS n, b.bad AS odd
        FROM {table} AS b FINAL WHERE {mine} AND b.count + b.bad > 0"""


def _samples_sql(table: str, *, plain: bool) -> str:
    value = _value(plain=plain)
    if table == RAW:
        return f"""SELECT b.sensor AS sensor, toUnixTimestamp64Micro(b.time) AS at, {value} AS v
                   FROM readings AS b FINAL WHERE {MINE} AND {USED} LIMIT {{most:UInt64}}"""
    edges = "[(toUnixTimestamp64Micro(b.first_time), b.first), (toUnixTimestamp64Micro(b.last_time), b.last)]"
    return f"""
        SELECT b.sensor AS sensor, b.at AS at, {value} AS v FROM (
            SELECT sensor, edge.1 AS at, edge.2 AS value FROM (
                SELECT b.sensor AS sensor, arrayJoin(if(b.first_time = b.last_time, arrayPopBack({edges}), {edges})) AS edge
                FROM {table} AS b FINAL WHERE {MINE} AND b.count > 0)) AS b LIMIT {{most:UInt64}}"""


def _value(*, plain: bool) -> str:
    return "b.value" if plain else f"toFloat64(toFloat32(b.value * {FACTOR}))"


class IntervalReader:
    """Queries of intervals; times in us since 1970, ranges half-open. Raises `Unavailable` where the store is away."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def bounds(self, streams: Sequence[int], sensors: Sequence[int]) -> tuple[int, int] | None:
        """From when to when there may be rows or tiers of these streams, which have these sensors; None where nothing is."""
        found = await self._engine.query(
            f"""SELECT toUnixTimestamp64Micro(min(low)), toUnixTimestamp64Micro(max(high)), sum(n) FROM (
                    SELECT min(time) AS low, max(time) AS high, count() AS n FROM records
                    WHERE stream IN {{streams:Array(UInt32)}} HAVING n > 0
                    UNION ALL
                    SELECT min(time) AS low, addMicroseconds(max(time), {TIERS[-1].width}) AS high, count() AS n
                    FROM {TIERS[-1].table} WHERE sensor IN {{sensors:Array(UInt32)}} HAVING n > 0)""",
            {"streams": list(streams), "sensors": list(sensors)},
        )
        low, high, count = (column[0].as_py() for column in found.columns)
        return (int(low), int(high) + 1) if count else None

    async def cells(self, pieces: Sequence[Piece], sensors: Sequence[int], factors: Factors) -> Cells:
        """Rows of tiers, and readings put together by the minute: whoever wants longer intervals adds them up."""
        sql = " UNION ALL ".join(_cells_sql(piece, plain=factors is None) for piece in pieces) + ONE_THREAD
        found = await self._engine.query(sql, _bound(sensors, factors))
        return Cells(*(column.to_numpy() for column in found.columns))

    async def filled(self, streams: Sequence[int], start: int, end: int, width: int) -> Filled:
        """The intervals in which the streams have rows, also such as hold no value."""
        mine = "b.stream = {stream:UInt32}" if len(streams) == 1 else "b.stream IN {streams:Array(UInt32)}"
        found = await self._engine.query(
            f"""SELECT b.stream AS stream, {bucket_of("b.time", width)} AS bucket FROM records AS b FINAL
                WHERE {mine} AND {TIME} AND b.fate != 1 GROUP BY stream, bucket""",
            {"stream": streams[0], "streams": list(streams), "start": start, "end": end},
        )
        return Filled(*(column.to_numpy() for column in found.columns))

    async def samples(self, piece: Piece, sensors: Sequence[int], factors: Factors, most: int) -> Samples | None:
        """The values one by one, of a tier the first and the last of each bucket; None where they are more than `most`."""
        table, start, end = piece
        sql = _samples_sql(table, plain=factors is None) + ONE_THREAD
        found = await self._engine.query(sql, _bound(sensors, factors) | {"start": start, "end": end, "most": most + 1})
        if found.num_rows > most:
            return None
        columns = [column.to_numpy() for column in found.columns]
        if found.num_rows < LARGE:
            return _ordered(*columns)
        return await asyncio.to_thread(_ordered, *columns)


def _ordered(sensor: NDArray[np.uint32], time: NDArray[np.int64], value: NDArray[np.float64]) -> Samples:
    if not len(time):
        return Samples(sensor, time, value)
    known, first = np.unique(sensor), int(time.min())
    span = int(time.max()) - first + 1
    if span * len(known) < 2**62:
        # They come in runs that are in order, one a day and sensor, which a stable sort of one key merges fast.
        order = np.argsort(np.searchsorted(known, sensor) * span + (time - first), kind="stable")
    else:
        order = np.lexsort((time, sensor))
    return Samples(sensor[order], time[order], value[order])


def _bound(sensors: Sequence[int], factors: Factors) -> dict[str, object]:
    return {"sensors": list(sensors), "factors": [] if factors is None else [float(factor) for factor in factors]}
