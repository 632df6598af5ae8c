"""Readings condensed to the ends of short intervals: what a register or a power showed first and last in each."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from wattline.model.clock import DAY, MINUTE
from wattline.telemetry.engine import Engine
from wattline.telemetry.tiers import EXISTS, FROM_BUCKETS, FROM_RAW, TIERS, bucket_of

T = TypeVar("T")

WIDTH = 5 * MINUTE
LARGE = 50_000
"""So many rows are put in order beside the event loop, not in it."""
ONE_THREAD = 16
"""Sensors that one thread reads sooner than several would have shared the work."""
OWN = ("tier_5m", "tier_1h")
"""Tables whose rows are told as they are; of others the rows of each five minutes are put together."""
COLUMNS = "sensor, first_time, last_time, first, last, low, high, total, count"
LEAN = "sensor, first_time, first, count"
"""All that there is to tell of an interval with a single reading."""

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
        # In its own type, or every call would convert the whole column.
        number = np.uint32(sensor)
        low, high = np.searchsorted(self.sensor, number), np.searchsorted(self.sensor, number, "right")
        return self.take(slice(int(low), int(high)))


@dataclass(frozen=True, slots=True)
class Extents:
    """Of sensors that have a reading that is not BAD: when the oldest and the newest were (us), and the least value."""

    sensor: NDArray[np.uint32]
    oldest: NDArray[np.int64]
    newest: NDArray[np.int64]
    low: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Days:
    """Days (UTC, counted from 1970) of sensors whose buckets are computed, ordered by sensor, then day.

    `version` grows whenever anything of the day is computed again. `count` readings are not BAD: where there are any, `oldest`
    and `newest` say when (us), and `low` is the least.
    """

    sensor: NDArray[np.uint32]
    day: NDArray[np.int64]
    version: NDArray[np.int64]
    count: NDArray[np.int64]
    oldest: NDArray[np.int64]
    newest: NDArray[np.int64]
    low: NDArray[np.float64]

    def extents(self) -> Extents:
        """What the days tell together of each sensor that has a reading."""
        told = np.flatnonzero(self.count > 0)
        sensor = self.sensor[told]
        starts = np.flatnonzero(np.diff(sensor, prepend=sensor[:1] + 1 if len(sensor) else sensor))
        if not len(starts):
            return Extents(sensor, self.oldest[told], self.newest[told], self.low[told])
        oldest, newest = np.minimum.reduceat(self.oldest[told], starts), np.maximum.reduceat(self.newest[told], starts)
        return Extents(sensor[starts], oldest, newest, np.minimum.reduceat(self.low[told], starts))


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

    async def edges(self, pieces: Sequence[Piece], sensors: Sequence[int], *, lone: bool = False) -> Edges:
        """What the sensors have in these pieces. Where most intervals are expected to hold a `lone` reading, less is read."""
        if not lone:
            table = await self._table(pieces, sensors, COLUMNS)
            return await _aside(table.num_rows, lambda: _ordered(_told(table)))
        brief = await self._table(pieces, sensors, LEAN)
        found, more = await _aside(brief.num_rows, lambda: _lone(brief))
        if not len(more):
            return found
        rest = await self._table(pieces, more.tolist(), COLUMNS)
        return await _aside(len(found) + rest.num_rows, lambda: _ordered(_joined(found, _told(rest))))

    async def _table(self, pieces: Sequence[Piece], sensors: Sequence[int], columns: str) -> pa.Table:
        sql = " UNION ALL ".join(_edges_sql(piece, columns) for piece in pieces)
        if len(sensors) <= ONE_THREAD:
            sql += " SETTINGS max_threads = 1"
        return await self._engine.query(sql, {"sensors": list(sensors)})

    async def extents(self, pieces: Sequence[Piece], sensors: Sequence[int]) -> Extents:
        """From when to when the sensors have readings in these pieces; ordered by sensor."""
        parts = " UNION ALL ".join(_extents_sql(piece) for piece in pieces)
        table = await self._engine.query(
            f"""SELECT sensor, toUnixTimestamp64Micro(min(oldest)), toUnixTimestamp64Micro(max(newest)), min(least)
                FROM ({parts}) GROUP BY sensor ORDER BY sensor""",
            {"sensors": list(sensors)},
        )
        return Extents(*(_plain(column) for column in table.columns))

    async def days(self, sensors: Sequence[int], first: int, last: int) -> Days:
        """The days of the sensors whose buckets are computed; all before day `first` as one, and all from `last` on."""
        table = await self._engine.query(
            f"""SELECT sensor, day, toInt64(sum(b.version)), toInt64(sum(b.count)) AS n,
                       toUnixTimestamp64Micro(minIf(b.first_time, b.count > 0)),
                       toUnixTimestamp64Micro(maxIf(b.last_time, b.count > 0)), minIf(b.low, b.count > 0)
                FROM (SELECT sensor, version, count, first_time, last_time, low,
                             least(intDiv(toUnixTimestamp64Micro(time), {DAY}), {{last:Int64}}) AS upto,
                             greatest(upto, {{before:Int64}}) AS day
                      FROM {TIERS[-1].table} FINAL WHERE sensor IN {{sensors:Array(UInt32)}}) AS b
                GROUP BY sensor, day ORDER BY sensor, day SETTINGS max_threads = 1""",
            {"sensors": list(sensors), "before": first - 1, "last": last},
        )
        return Days(*(_plain(column) for column in table.columns))

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


def _within(piece: Piece) -> str:
    _, start, end = piece
    return f"""b.sensor IN {{sensors:Array(UInt32)}} AND b.time >= fromUnixTimestamp64Micro({start}, 'UTC')
               AND b.time < fromUnixTimestamp64Micro({end}, 'UTC')"""


def _edges_sql(piece: Piece, columns: str) -> str:
    table = piece[0]
    if table in OWN:
        told = ", ".join(f"b.{name.strip()} AS {name.strip()}" for name in columns.split(","))
        return f"SELECT {told} FROM {table} AS b FINAL WHERE {_within(piece)} AND b.count > 0"
    raw = table == "readings"
    return f"""
        SELECT {columns} FROM (
            SELECT b.sensor AS sensor, {bucket_of("b.time", WIDTH)} AS bucket, {FROM_RAW if raw else FROM_BUCKETS}
            FROM {table} AS b FINAL WHERE {_within(piece)} AND {"b." + EXISTS if raw else "b.count > 0"}
            GROUP BY sensor, bucket)
        WHERE count > 0"""


def _extents_sql(piece: Piece) -> str:
    raw = piece[0] == "readings"
    told = ("b.time", "b.time", "b.value") if raw else ("b.first_time", "b.last_time", "b.low")
    return f"""
        SELECT b.sensor AS sensor, min({told[0]}) AS oldest, max({told[1]}) AS newest, min({told[2]}) AS least
        FROM {piece[0]} AS b FINAL WHERE {_within(piece)} AND {"b.quality < 2" if raw else "b.count > 0"} GROUP BY sensor"""


async def _aside(rows: int, work: Callable[[], T]) -> T:
    """Do work on so many rows, beside the event loop where they are many."""
    return work() if rows < LARGE else await asyncio.to_thread(work)


def _told(table: pa.Table) -> Edges:
    return Edges(*(_plain(column) for column in table.columns))


def _lone(table: pa.Table) -> tuple[Edges, NDArray[np.uint32]]:
    """The intervals of the sensors that have one reading in each, and the other sensors."""
    sensor, time, value, count = (_plain(column) for column in table.columns)
    more = np.unique(sensor[count > 1])
    if len(more):
        kept = ~np.isin(sensor, more)
        sensor, time, value, count = sensor[kept], time[kept], value[kept], count[kept]
    return _ordered(Edges(sensor, time, time, value, value, value, value, value, count)), more


def _joined(one: Edges, other: Edges) -> Edges:
    return Edges(*(np.concatenate([getattr(one, each.name), getattr(other, each.name)]) for each in fields(Edges)))


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
