"""Inserting readings and records, finding what is stored, recomputing tiers, dropping what is past its retention."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from wattline.model.clock import from_micros
from wattline.telemetry.engine import Engine
from wattline.telemetry.tiers import Tier, recompute_sql

MICROS = pa.timestamp("us", "UTC")


@dataclass(frozen=True, slots=True)
class Readings:
    """Columns of readings, all of one length: sensor ids, times (us), values, qualities, revisions."""

    sensor: NDArray[np.uint32]
    time: NDArray[np.int64]
    value: NDArray[np.float64]
    quality: NDArray[np.uint8]
    revision: NDArray[np.uint16]

    def __len__(self) -> int:
        return len(self.time)

    def pick(self, chosen: NDArray[np.bool_]) -> Readings:
        """The rows where `chosen` is true."""
        return Readings(self.sensor[chosen], self.time[chosen], self.value[chosen], self.quality[chosen], self.revision[chosen])


NOTHING = Readings(
    np.zeros(0, np.uint32), np.zeros(0, np.int64), np.zeros(0, np.float64), np.zeros(0, np.uint8), np.zeros(0, np.uint16)
)


@dataclass(frozen=True, slots=True)
class Records:
    """Columns of records: stream ids, times and times of receipt (us), status texts ('' where none was sent).

    Of rows that are a table's: ids (16 bytes, all zero where there is none), when each was made (us), and the `Fate` of each.
    """

    stream: NDArray[np.uint32]
    time: NDArray[np.int64]
    received: NDArray[np.int64]
    status: list[str]
    id: list[bytes]
    created: NDArray[np.int64]
    fate: NDArray[np.uint8]


class TelemetryWriter:
    """Every change of the telemetry store. All of it is safe to repeat: the same rows again change nothing."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def insert_readings(self, rows: Readings) -> None:
        """Store readings durably; a higher revision of the same (sensor, time) wins."""
        if not len(rows):
            return
        table = pa.table(
            {
                "sensor": pa.array(rows.sensor),
                "time": pa.array(rows.time).cast(MICROS),
                "value": pa.array(rows.value),
                "quality": pa.array(rows.quality),
                "revision": pa.array(rows.revision),
            }
        )
        await self._engine.insert("readings", table)

    async def insert_replaced(self, rows: Readings, replaced_at: int) -> None:
        """Keep the values that a later message replaced, for audit."""
        table = pa.table(
            {
                "sensor": pa.array(rows.sensor),
                "time": pa.array(rows.time).cast(MICROS),
                "revision": pa.array(rows.revision),
                "value": pa.array(rows.value),
                "quality": pa.array(rows.quality),
                "replaced_at": pa.array(np.full(len(rows), replaced_at)).cast(MICROS),
            }
        )
        await self._engine.insert("replaced_readings", table)

    async def insert_records(self, rows: Records) -> None:
        """Store the part of each record that is not a number."""
        table = pa.table(
            {
                "stream": pa.array(rows.stream),
                "time": pa.array(rows.time).cast(MICROS),
                "received": pa.array(rows.received).cast(MICROS),
                "status": pa.array(rows.status, pa.string()),
                "id": pa.array(rows.id, pa.binary(16)),
                "created": pa.array(rows.created).cast(MICROS),
                "fate": pa.array(rows.fate),
            }
        )
        await self._engine.insert("records", table)

    async def stored(self, sensors: NDArray[np.uint32], times: NDArray[np.int64]) -> Readings:
        """The current readings at any of these sensors and any of these times (a superset of the pairs)."""
        if not len(times):
            return NOTHING
        table = await self._engine.query(
            """SELECT sensor, toUnixTimestamp64Micro(time) AS micros, value, quality, revision FROM readings FINAL
               WHERE sensor IN {sensors:Array(UInt32)}
                 AND time >= fromUnixTimestamp64Micro({first:Int64}, 'UTC')
                 AND time <= fromUnixTimestamp64Micro({last:Int64}, 'UTC')
                 AND toUnixTimestamp64Micro(time) IN {times:Array(Int64)}""",
            {
                "sensors": np.unique(sensors).tolist(),
                "times": np.unique(times).tolist(),
                "first": int(times.min()),
                "last": int(times.max()),
            },
        )
        return Readings(*(table.column(name).to_numpy() for name in ("sensor", "micros", "value", "quality", "revision")))

    async def recompute(self, tier: Tier, start: int, end: int, version: int, sensors: list[int] | None = None) -> None:
        """Compute every bucket of a tier in [start, end) from the tier below; `version` must grow from call to call."""
        bound: dict[str, object] = {"start": start, "end": end, "version": version}
        if sensors is not None:
            bound["sensors"] = sensors
        await self._engine.command(recompute_sql(tier, some_sensors=sensors is not None), bound)

    async def drop_before(self, table: str, moment: int) -> int:
        """Drop the partitions that ended before `moment`, wholly; return how many went.

        The days, months or years themselves count, not the rows in them: what may still arrive for one finds all of it. One
        that holds rows that came in since `moment` stays: whoever sends the past has it for as long as what is sent now.
        """
        # The id of a partition is its day, month or year: 20260611, 202606, 2026.
        parts = await self._engine.query(
            """SELECT DISTINCT partition_id FROM system.parts
               WHERE active AND database = currentDatabase() AND table = {table:String}
                 AND partition_id < left({day:String}, length(partition_id))
                 AND partition_id NOT IN (
                     SELECT arrayJoin([left(day, 4), left(day, 6), day]) FROM (
                         SELECT DISTINCT toString(toYYYYMMDD(time)) AS day FROM records
                         WHERE time < fromUnixTimestamp64Micro({moment:Int64}, 'UTC')
                           AND received >= fromUnixTimestamp64Micro({moment:Int64}, 'UTC')))""",
            {"table": table, "day": from_micros(moment).strftime("%Y%m%d"), "moment": moment},
        )
        gone = parts.column("partition_id").to_pylist()
        for partition in gone:
            await self._engine.command(f"ALTER TABLE {table} DROP PARTITION ID {{partition:String}}", {"partition": partition})
        return len(gone)
