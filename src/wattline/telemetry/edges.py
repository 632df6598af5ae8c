"""Readings condensed to the ends of short intervals: what a register or a power showed first and last in each."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from wattline.model.clock import MINUTE
from wattline.telemetry.engine import Engine
from wattline.telemetry.tiers import EXISTS, FROM_BUCKETS, FROM_RAW, bucket_of

WIDTH = 5 * MINUTE
LARGE = 50_000
"""So many rows are put in order beside the event loop, not in it."""
ONE_THREAD = 16
"""Sensors that one thread reads sooner than several would have shared the work."""
OWN = ("tier_5m", "tier_1h")
"""Tables whose rows are told as they are; of others the rows of each five minutes are put together."""
COLUMNS = "sensor, first_time, last_time, first, last, low, high, total, count"

Piece = tuple[str, int, int]
"""A table, and the range [start, end) in us that is read from it."""


@dataclass(frozen=True, slots=True)
class Edges:
    """Intervals that hold readings that are not BAD, ordered by sensor, then time; times in us.

    None crosses a multiple of five minutes, except where only rows of an hour are left.
    """

    sensor: NDArray[np.uint32]
    first_time: NDArray[np.int64]
    last_time: NDArray[np.int64]
    first: NDArray[np.float64]
    last: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    total: NDArray[np.float64]
    count: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.first_time)

    def take(self, chosen: NDArray[Any] | slice) -> Edges:
        """Some of them."""
        return Edges(*(getattr(self, column.name)[chosen] for column in fields(self)))

    def of(self, sensor: int) -> Edges:
        """Those of one sensor: views, not copies."""
        low, high = np.searchsorted(self.sensor, [sensor, sensor + 1])
        return self.take(slice(int(low), int(high)))


@dataclass(frozen=True, slots=True)
class Singles:
    """Readings that are not BAD, ordered by sensor, then time (us)."""

    sensor: NDArray[np.uint32]
    time: NDArray[np.int64]
    value: NDArray[np.float64]


class EdgeReader:
    """Queries by sensor; times in us since 1970, ranges half-open. Raises `Unavailable` where the store is away."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def edges(self, pieces: Sequence[Piece], sensors: Sequence[int]) -> Edges:
        """What the sensors have in these pieces."""
        sql = " UNION ALL ".join(_edges_sql(piece) for piece in pieces)
        if len(sensors) <= ONE_THREAD:
            sql += " SETTINGS max_threads = 1"
        table = await self._engine.query(sql, {"sensors": list(sensors)})
        found = Edges(*(_plain(column) for column in table.columns))
        if len(found) < LARGE:
            return _ordered(found)
        return await asyncio.to_thread(_ordered, found)

    async def rows(self, sensors: Sequence[int], start: int, end: int) -> int:
        """At how many instants any of the sensors has a reading, about: exact to a few percent."""
        if not sensors:
            return 0
        # Exact for one: a count costs a tenth of telling instants apart.
        counted = "count()" if len(sensors) == 1 else "uniqCombined64(time)"
        table = await self._engine.query(
            f"""SELECT toInt64({counted}) FROM readings
                WHERE sensor IN {{sensors:Array(UInt32)}}
                  AND time >= fromUnixTimestamp64Micro({{start:Int64}}, 'UTC')
                  AND time < fromUnixTimestamp64Micro({{end:Int64}}, 'UTC')""",
            {"sensors": list(sensors), "start": start, "end": end},
        )
        return int(table.column(0)[0].as_py())

    async def singles(self, sensors: Sequence[int], buckets: Sequence[int], start: int, end: int) -> Singles:
        """The readings of the sensors in any of these buckets of `WIDTH` (their begins in us), which lie in [start, end)."""
        table = await self._engine.query(
            f"""SELECT sensor, time, value FROM readings FINAL
                WHERE sensor IN {{sensors:Array(UInt32)}} AND quality < 2
                  AND time >= fromUnixTimestamp64Micro({{start:Int64}}, 'UTC')
                  AND time < fromUnixTimestamp64Micro({{end:Int64}}, 'UTC')
                  AND {bucket_of("time", WIDTH)} IN {{buckets:Array(Int64)}}
                ORDER BY sensor, time""",
            {"sensors": list(sensors), "buckets": list(buckets), "start": start, "end": end},
        )
        return Singles(*(_plain(column) for column in table.columns))


def _edges_sql(piece: Piece) -> str:
    table, start, end = piece
    mine = f"""b.sensor IN {{sensors:Array(UInt32)}} AND b.time >= fromUnixTimestamp64Micro({start}, 'UTC')
               AND b.time < fromUnixTimestamp64Micro({end}, 'UTC')"""
    if table in OWN:
        told = ", ".join(f"b.{name.strip()} AS {name.strip()}" for name in COLUMNS.split(","))
        return f"SELECT {told} FROM {table} AS b FINAL WHERE {mine} AND b.count > 0"
    raw = table == "readings"
    return f"""
        SELECT {COLUMNS} FROM (
            SELECT b.sensor AS sensor, {bucket_of("b.time", WIDTH)} AS bucket, {FROM_RAW if raw else FROM_BUCKETS}
            FROM {table} AS b FINAL WHERE {mine} AND {"b." + EXISTS if raw else "b.count > 0"} GROUP BY sensor, bucket)
        WHERE count > 0"""


def _ordered(found: Edges) -> Edges:
    sensor, time = found.sensor, found.first_time
    if bool(((sensor[1:] > sensor[:-1]) | ((sensor[1:] == sensor[:-1]) & (time[1:] > time[:-1]))).all()):
        return found
    return found.take(np.lexsort((time, sensor)))


def _plain(column: pa.ChunkedArray) -> NDArray[Any]:
    """A column for arithmetic; times in us."""
    if pa.types.is_timestamp(column.type):
        # The same bits, and no computation.
        column = pa.chunked_array([chunk.view(pa.int64()) for chunk in column.chunks], pa.int64())
    found: NDArray[Any] = column.to_numpy()
    return found.view(np.int64) if found.dtype == np.uint64 else found
