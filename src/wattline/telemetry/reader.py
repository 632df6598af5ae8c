"""Reading readings: raw, pivoted to rows by whoever asks, and buckets from the cheapest exact sources."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import ArrayLike, NDArray

from wattline.model.clock import MINUTE, SECOND
from wattline.telemetry.engine import Engine
from wattline.telemetry.gather import Gather
from wattline.telemetry.runs import IN_RUNS, runs_of
from wattline.telemetry.summaries import LONGEST_TAIL, NONE, Summaries, merged, rows_sql
from wattline.telemetry.tiers import EXISTS, FROM_BUCKETS, FROM_RAW, TIERS, VALUE_COLUMNS, bucket_of

SPAN = "time >= fromUnixTimestamp64Micro({start:Int64}, 'UTC') AND time < fromUnixTimestamp64Micro({end:Int64}, 'UTC')"
SENSORS = "sensor IN {sensors:Array(UInt32)}"


@dataclass(frozen=True, slots=True)
class RawReadings:
    """Readings ordered by time, then sensor, unless the query says otherwise."""

    sensor: NDArray[np.uint32]
    time: NDArray[np.int64]
    value: NDArray[np.float64]
    quality: NDArray[np.uint8]

    def of(self, sensor: int) -> slice:
        """Where the readings of one sensor are, in an answer that is ordered by sensor first."""
        return slice(int(np.searchsorted(self.sensor, sensor)), int(np.searchsorted(self.sensor, sensor, "right")))


@dataclass(frozen=True, slots=True)
class Buckets:
    """Aggregates ordered by group, then time; `time` is the start of the bucket. Where `count` is 0 only `bad` has meaning."""

    group: NDArray[np.uint32]
    time: NDArray[np.int64]
    total: NDArray[np.float64]
    squares: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    first: NDArray[np.float64]
    last: NDArray[np.float64]
    first_time: NDArray[np.int64]
    last_time: NDArray[np.int64]
    count: NDArray[np.uint64]
    good: NDArray[np.uint64]
    bad: NDArray[np.uint64]


@dataclass(frozen=True, slots=True)
class Extent:
    """How many readings there are, and the times of the oldest and the newest (0 where there is none)."""

    count: int
    oldest: int
    newest: int


@dataclass(frozen=True, slots=True)
class Newest:
    """The newest reading of each sensor and the newest record of each stream in some span."""

    sensor: NDArray[np.uint32]
    time: NDArray[np.int64]
    value: NDArray[np.float64]
    quality: NDArray[np.uint8]
    stream: NDArray[np.uint32]
    received: NDArray[np.int64]
    status: list[str]


def sources(start: int, end: int, width: int, watermark: int) -> Iterator[tuple[str, int, int]]:
    """Cut [start, end) into pieces (table, start, end), each read from the coarsest tier that is exact there.

    A tier serves buckets that lie wholly before the watermark and inside the piece, and only where `width`, the width
    asked for, is a multiple of its own; what is left over falls to finer tiers and at last to the raw readings.
    """
    pieces = [(start, end)]
    for tier in reversed(TIERS):
        if width % tier.width:
            continue
        left: list[tuple[int, int]] = []
        for a, b in pieces:
            low = -(-a // tier.width) * tier.width
            high = min(b, watermark) // tier.width * tier.width
            if low < high:
                yield tier.table, low, high
                left += [(a, low), (high, b)]
            else:
                left.append((a, b))
        pieces = [(a, b) for a, b in left if a < b]
    for a, b in pieces:
        yield "readings", a, b


class TelemetryReader:
    """Queries over sensors; times in microseconds since 1970, ranges half-open, buckets aligned to 1970 UTC."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._gather = Gather(self._rows_of)

    async def ping(self) -> None:
        """Raise `Unavailable` unless the store answers."""
        await self._engine.query("SELECT 1")

    async def count(self, sensors: Sequence[int], start: int, end: int) -> int:
        """How many readings the sensors have in [start, end)."""
        table = await self._engine.query(
            f"SELECT count() AS n FROM readings FINAL WHERE {SENSORS} AND {SPAN} AND {EXISTS}",
            {"sensors": list(sensors), "start": start, "end": end},
        )
        return int(table.column("n")[0].as_py())

    async def extent(self, sensors: Sequence[int], start: int, end: int) -> Extent:
        """How many readings the sensors have in [start, end), and from when to when."""
        table = await self._engine.query(
            f"""SELECT toInt64(count()), toUnixTimestamp64Micro(min(time)), toUnixTimestamp64Micro(max(time))
                FROM readings FINAL WHERE {SENSORS} AND {SPAN} AND {EXISTS}""",
            {"sensors": list(sensors), "start": start, "end": end},
        )
        return Extent(*(column[0].as_py() for column in table.columns))

    async def stored_bytes(self) -> int:
        """How much of the disk the readings take, compressed as they are."""
        table = await self._engine.query(
            """SELECT toInt64(sum(bytes_on_disk)) FROM system.parts
               WHERE active AND database = currentDatabase() AND table = 'readings'"""
        )
        return int(table.column(0)[0].as_py())

    async def readings(self, sensors: Sequence[int], start: int, end: int) -> RawReadings:
        """The readings of the sensors in [start, end), every quality."""
        table = await self._engine.query(
            f"""SELECT sensor, toUnixTimestamp64Micro(time) AS micros, value, quality FROM readings FINAL
                WHERE {SENSORS} AND {SPAN} AND {EXISTS} ORDER BY time, sensor""",
            {"sensors": list(sensors), "start": start, "end": end},
        )
        return RawReadings(*(table.column(name).to_numpy() for name in ("sensor", "micros", "value", "quality")))

    async def statuses(self, stream: int, start: int, end: int) -> dict[int, str]:
        """The status text sent with each record of one stream, by time."""
        table = await self._engine.query(
            f"""SELECT toUnixTimestamp64Micro(time) AS micros, status FROM records FINAL
                WHERE stream = {{stream:UInt32}} AND {SPAN} AND status != '' AND fate != 1""",
            {"stream": stream, "start": start, "end": end},
        )
        return dict(zip(table.column("micros").to_pylist(), table.column("status").to_pylist(), strict=True))

    async def noted(self, stream: int, start: int, end: int, name: str) -> tuple[NDArray[np.int64], pa.ChunkedArray]:
        """What the records of a stream say of a name at the top of their statuses, which are JSON: times, ascending, and texts.

        Records that say nothing of it are left out.
        """
        table = await self._engine.query(
            f"""SELECT toUnixTimestamp64Micro(time) AS micros, JSONExtractString(status, {{name:String}}) AS text
                FROM records FINAL WHERE stream = {{stream:UInt32}} AND {SPAN} AND fate != 1 AND text != '' ORDER BY time""",
            {"stream": stream, "start": start, "end": end, "name": name},
        )
        return table.column("micros").to_numpy(), table.column("text")

    async def buckets(
        self, sensors: Sequence[int], start: int, end: int, width: int, watermark: int, groups: Sequence[int] | None = None
    ) -> Buckets:
        """Aggregate [start, end) into buckets of `width` microseconds, one series a sensor, or one a group of sensors.

        `groups` names the group of each sensor. Buckets at the edges hold only what lies inside the range.
        """
        parts = []
        group = "transform(b.sensor, {sensors:Array(UInt32)}, {groups:Array(UInt32)})"
        for table, a, b in sources(start, end, width, watermark):
            parts.append(
                f"""SELECT {group} AS sensor, {bucket_of("b.time", width)} AS bucket,
                           {FROM_RAW if table == "readings" else FROM_BUCKETS}
                    FROM {table} AS b FINAL
                    WHERE b.{SENSORS} AND b.time >= fromUnixTimestamp64Micro({a}, 'UTC')
                      AND b.time < fromUnixTimestamp64Micro({b}, 'UTC')
                      AND {"b." + EXISTS if table == "readings" else "b.count + b.bad > 0"}
                    GROUP BY sensor, bucket"""
            )
        sql = f"""SELECT sensor, bucket, {VALUE_COLUMNS.replace("first_time, last_time", TIMES_AS_MICROS)} FROM (
                      SELECT b.sensor AS sensor, b.bucket AS bucket, {FROM_BUCKETS}
                      FROM ({" UNION ALL ".join(parts)}) AS b GROUP BY sensor, bucket
                  ) ORDER BY sensor, bucket"""
        table = await self._engine.query(sql, {"sensors": list(sensors), "groups": list(sensors if groups is None else groups)})
        return Buckets(*(table.column(i).to_numpy() for i in range(table.num_columns)))

    async def summaries(self, sensors: Sequence[int], start: int, end: int, width: int, watermark: int) -> Summaries:
        """As `buckets` of a tier's width, with what a chart shows alone: one lean read, and whole buckets at both edges.

        A bucket belongs to [start, end) where it begins there, and then it is whole.
        """
        low, high = -(-start // width) * width, -(-end // width) * width
        pieces = list(sources(low, high, width, watermark))
        if not pieces:
            return NONE
        if sum(b - a for table, a, b in pieces if table == "readings") > LONGEST_TAIL:
            found = await self.buckets(sensors, low, high, width, watermark)
            kept = (found.total, found.low, found.high, found.last, found.count, found.good, found.bad)
            return Summaries(found.group, found.time, *kept)
        return (await self._gather((width, tuple(pieces)), sensors)).only(sensors)

    async def _rows_of(self, key: tuple[int, tuple[tuple[str, int, int], ...]], sensors: list[int]) -> Summaries:
        width, pieces = key
        bound = {"sensor": sensors[0]} if len(sensors) == 1 else {"sensors": sensors}
        return merged(await self._engine.query(rows_sql(pieces, width, len(sensors)), bound), width)

    async def first_readings(self, sensors: Sequence[int], start: int, end: int, most: int) -> RawReadings:
        """The readings of the sensors in [start, end), every quality, ordered by sensor, then time: the first `most`."""
        where = "sensor = {sensor:UInt32}" if len(sensors) == 1 else SENSORS
        table = await self._engine.query(
            f"""SELECT sensor, toUnixTimestamp64Micro(time) AS micros, value, quality FROM readings FINAL
                WHERE {where} AND {SPAN} AND {EXISTS} ORDER BY sensor, time LIMIT {{most:UInt64}}""",
            {"sensors": list(sensors), "sensor": sensors[0], "start": start, "end": end, "most": most},
        )
        return RawReadings(*(table.column(name).to_numpy() for name in ("sensor", "micros", "value", "quality")))

    async def usable(self, sensors: Sequence[int], start: int, end: int) -> RawReadings:
        """The readings of the sensors in [start, end) that are not BAD, ordered by sensor, then time."""
        table = await self._engine.query(
            f"""SELECT sensor, toUnixTimestamp64Micro(time) AS micros, value, quality FROM readings FINAL
                WHERE {SENSORS} AND {SPAN} AND quality < 2 ORDER BY sensor, time""",
            {"sensors": list(sensors), "start": start, "end": end},
        )
        return RawReadings(*(table.column(name).to_numpy() for name in ("sensor", "micros", "value", "quality")))

    async def nearest(self, sensors: Sequence[int], start: int, end: int, most: int, *, newest: bool) -> RawReadings:
        """The oldest or the newest `most` readings of the sensors in [start, end) that are not BAD, from that end on."""
        table = await self._engine.query(
            f"""SELECT sensor, toUnixTimestamp64Micro(time) AS micros, value, quality FROM readings FINAL
                WHERE {SENSORS} AND {SPAN} AND quality < 2
                ORDER BY time {"DESC" if newest else "ASC"}, sensor LIMIT {{most:UInt64}}""",
            {"sensors": list(sensors), "start": start, "end": end, "most": most},
        )
        return RawReadings(*(table.column(name).to_numpy() for name in ("sensor", "micros", "value", "quality")))

    async def density(
        self, sensors: Sequence[int], start: int, end: int, width: int
    ) -> tuple[NDArray[np.int64], NDArray[np.uint64]]:
        """How many readings that are not BAD lie in each bucket of `width` us, for all the sensors together, in order of time.

        Buckets without any are left out.
        """
        table = await self._engine.query(
            f"""SELECT {bucket_of("time", width)} AS bucket, count() AS n FROM readings FINAL
                WHERE {SENSORS} AND {SPAN} AND quality < 2 GROUP BY bucket ORDER BY bucket""",
            {"sensors": list(sensors), "start": start, "end": end},
        )
        return table.column(0).to_numpy(), table.column(1).to_numpy()

    async def extremes(
        self, sensors: Sequence[int], groups: Sequence[int], start: int, end: int, width: int, watermark: int
    ) -> Buckets:
        """Buckets for a chart: as `buckets`, but only total, low, high and count are computed (the rest is zero)."""
        if width % MINUTE == 0:
            return await self.buckets(sensors, start, end, width, watermark, groups)
        table = await self._engine.query(
            f"""SELECT transform(sensor, {{sensors:Array(UInt32)}}, {{groups:Array(UInt32)}}) AS g,
                       {bucket_of("time", width)} AS bucket,
                       sum(value) AS total, min(value) AS low, max(value) AS high, count() AS n
                FROM readings FINAL WHERE {SENSORS} AND {SPAN} AND quality < 2 GROUP BY g, bucket ORDER BY g, bucket""",
            {"sensors": list(sensors), "groups": list(groups), "start": start, "end": end},
        )
        g, bucket, total, low, high, n = (table.column(i).to_numpy() for i in range(6))
        none, never, zero = np.zeros(len(g)), np.zeros(len(g), np.int64), np.zeros(len(g), np.uint64)
        return Buckets(g, bucket, total, none, low, high, none, none, never, never, n, zero, zero)

    async def medians(self, sensors: Sequence[int], groups: Sequence[int], start: int, end: int, width: int) -> RawReadings:
        """The median over the sensors of each group in each bucket of `width` us, BAD values left out.

        `sensor` of the answer is the group and `time` the start of the bucket; the order is arbitrary.
        """
        table = await self._engine.query(
            f"""SELECT transform(sensor, {{sensors:Array(UInt32)}}, {{groups:Array(UInt32)}}) AS g,
                       {bucket_of("time", width)} AS bucket, quantileExactInclusive(0.5)(value) AS middle, max(quality) AS q
                FROM readings FINAL WHERE {SENSORS} AND {SPAN} AND quality < 2 GROUP BY g, bucket""",
            {"sensors": list(sensors), "groups": list(groups), "start": start, "end": end},
        )
        return RawReadings(*(table.column(i).to_numpy() for i in range(4)))

    async def newest_time(self) -> int | None:
        """The time of the newest reading of all, from the parts' own bounds; None where there is none."""
        table = await self._engine.query(
            """SELECT toUnixTimestamp64Micro(max(toDateTime64(max_time, 6, 'UTC'))) AS newest, count() AS n FROM system.parts
               WHERE active AND database = currentDatabase() AND table = 'readings' AND rows > 0"""
        )
        # The bound is in whole seconds: it may lie up to one before the reading.
        return int(table.column("newest")[0].as_py()) + SECOND if table.column("n")[0].as_py() else None

    async def last_days(self, sensors: ArrayLike, end: int) -> RawReadings:
        """The newest reading that is not BAD of each of the sensors before the begin of a day (us), from the tier of days.

        In no order; as far back as that tier is kept. Days that are not computed yet are not looked at.
        """
        return await self._of_many(
            f"""SELECT sensor, toUnixTimestamp64Micro(max(last_time)) AS newest, argMax(last, last_time) AS v,
                       toUInt8(0) AS quality
                FROM {TIERS[-1].table} FINAL WHERE {IN_RUNS} AND {SPAN} AND count > 0 GROUP BY sensor""",
            sensors,
            {"start": 0, "end": end},
        )

    async def newest_of(self, sensors: ArrayLike, start: int, end: int) -> RawReadings:
        """The newest reading of each of these sensors in [start, end), of every quality, in no order; for very many sensors."""
        return await self._of_many(
            f"""SELECT sensor, toUnixTimestamp64Micro(max(time)) AS newest, argMax(value, time) AS v, argMax(quality, time) AS q
                FROM readings FINAL WHERE {IN_RUNS} AND {SPAN} AND {EXISTS} GROUP BY sensor""",
            sensors,
            {"start": start, "end": end},
        )

    async def _of_many(self, sql: str, sensors: ArrayLike, bound: dict[str, int]) -> RawReadings:
        runs = runs_of(sensors)
        table = pa.concat_tables([await self._engine.query(sql, {**bound, **some}) for some in runs.bounds])
        sensor, time, value, quality = (table.column(i).to_numpy() for i in range(4))
        mine = runs.has(sensor)
        return RawReadings(sensor[mine], time[mine], value[mine], quality[mine])

    async def newest(self, sensors: Sequence[int], streams: Sequence[int], start: int, end: int) -> Newest:
        """The newest reading of each of the sensors and the newest record of each of the streams in [start, end)."""
        bound = {"start": start, "end": end, "sensors": list(sensors), "streams": list(streams)}
        values = await self._engine.query(
            f"""SELECT sensor, toUnixTimestamp64Micro(max(time)) AS newest, argMax(value, time) AS v, argMax(quality, time) AS q
                FROM readings FINAL WHERE {SENSORS} AND {SPAN} AND {EXISTS} GROUP BY sensor""",
            bound,
        )
        records = await self._engine.query(
            f"""SELECT stream, toUnixTimestamp64Micro(argMax(received, time)) AS r, argMax(status, time) AS s
                FROM records FINAL WHERE stream IN {{streams:Array(UInt32)}} AND {SPAN} AND fate != 1 GROUP BY stream""",
            bound,
        )
        sensor, time, value, quality = (values.column(i).to_numpy() for i in range(4))
        stream, received = (records.column(i).to_numpy() for i in range(2))
        return Newest(sensor, time, value, quality, stream, received, records.column(2).to_pylist())


TIMES_AS_MICROS = "toUnixTimestamp64Micro(first_time), toUnixTimestamp64Micro(last_time)"
