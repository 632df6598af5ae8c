"""A fleet's past meter rows, put into a data directory before a server starts on it.

`python -m bench.meters DIRECTORY ROWS` makes one device with a row every minute for 30 days and a value in every column, and
their tiers; and 100 devices with ROWS rows together, one a second up to now, eight columns each. It prints their uuids.
"""

from __future__ import annotations

import asyncio
import json
import sys
import uuid
from pathlib import Path

from wattline.changes.service import ChangeLog
from wattline.contracts.flux.relations.devices import layout_of
from wattline.contracts.flux.tables import METER
from wattline.ingest.journal import Journal
from wattline.model.clock import DAY, MINUTE, SECOND, SystemClock
from wattline.registry.listings import Listings
from wattline.registry.service import Registry
from wattline.registry.stream import Stream
from wattline.state.database import Database
from wattline.state.migrate import migrate
from wattline.telemetry.engine import Engine
from wattline.telemetry.schema import prepare
from wattline.telemetry.tiers import TIERS
from wattline.telemetry.writer import TelemetryWriter

TENANT = "default"
DEVICES = 100
MONTH = 43_200
FEW = 8

READINGS = """
    INSERT INTO readings (sensor, time, value, quality, revision)
    SELECT {sensors:Array(UInt32)}[intDiv(number, {rows:UInt64}) + 1] AS sensor,
           fromUnixTimestamp64Micro({start:Int64} + (number % {rows:UInt64}) * {step:Int64}, 'UTC') AS time,
           toFloat64(toFloat32(if(has({counters:Array(UInt32)}, sensor), (number % {rows:UInt64}) * 0.05,
                                  200 + (cityHash64(number) % 10000) / 100))), 0, 0
    FROM numbers({count:UInt64})"""
RECORDS = """
    INSERT INTO records (stream, time, received, status, id, created, fate)
    SELECT {stream:UInt32}, fromUnixTimestamp64Micro({start:Int64} + number * {step:Int64}, 'UTC') AS time, time, '',
           reinterpret(bitShiftLeft(toUInt128(cityHash64(number)), 64) + number, 'FixedString(16)'), time, 0
    FROM numbers({rows:UInt64})"""
WHOLE = "SETTINGS max_insert_threads = 1, max_threads = 2"


async def _streams(data: Path, uuids: list[str]) -> list[Stream]:
    database = Database(f"sqlite+aiosqlite:///{data}/state.db")
    await migrate(database)
    clock = SystemClock()
    registry = Registry(database, 1_000, clock)
    await registry.load()
    log = ChangeLog(database, clock)
    await log.load()
    found = await Listings(registry, log, clock).streams(TENANT, uuids, layout_of(METER))
    await database.close()
    return found


async def _fill(engine: Engine, stream: Stream, rows: int, columns: int, start: int, step: int) -> None:
    counters = [sensor.id for sensor in stream.sensors if sensor.quantity.kind == "counter"]
    every = list(stream.sensor_ids)
    chosen = every if columns == len(every) else [*every[: columns - 2], *counters[:2]]
    known = {"start": start, "step": step, "rows": rows}
    await engine.command(
        f"{READINGS} {WHOLE}", {**known, "sensors": sorted(chosen), "counters": counters, "count": rows * len(chosen)}
    )
    await engine.command(f"{RECORDS} {WHOLE}", {**known, "stream": stream.id})


async def make(data: Path, rows: int) -> list[str]:
    """The uuids: first that of the device with a month, then the others."""
    uuids = [str(uuid.uuid4()) for _ in range(DEVICES + 1)]
    streams = await _streams(data, uuids)
    end = SystemClock().micros() // MINUTE * MINUTE
    engine = Engine(f"chdb://{data}/telemetry")
    # The writing client makes the database.
    await engine.command("SELECT 1")
    await prepare(engine)
    month, others = streams[0], streams[1:]
    start = end - MONTH * MINUTE
    await _fill(engine, month, MONTH, len(month.sensor_ids), start, MINUTE)
    each = rows // DEVICES
    for stream in others:
        await _fill(engine, stream, each, FEW, end - each * SECOND, SECOND)
    store = TelemetryWriter(engine)
    for tier in TIERS:
        closed = end // tier.width * tier.width
        for a in range(start // DAY * DAY, closed, DAY):
            await store.recompute(tier, a, min(a + DAY, closed), end, list(month.sensor_ids))
    # What the background would have done in the meantime.
    for table in ("readings", "records", *(tier.table for tier in TIERS)):
        await engine.command(f"OPTIMIZE TABLE {table} FINAL")
    await engine.close()
    journal = Journal(data / "journal.db")
    journal.set_mark("watermark", end)
    journal.set_mark("version", end)
    journal.close()
    return uuids


if __name__ == "__main__":
    print(json.dumps(asyncio.run(make(Path(sys.argv[1]), int(sys.argv[2])))))
