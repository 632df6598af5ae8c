"""A thousand homes with four weeks of readings, and how long one look for anomalies at all of them takes.

`python -m bench.anomaly_town DIRECTORY HOMES` fills a data directory as the journal and the background would have left it, with
a reading every 5 minutes in four weeks; looks at the last half hour, in which one home in 50 uses 9 kW, first with nothing
learnt, then again half an hour later; and prints what that took and found.
"""

from __future__ import annotations

import asyncio
import json
import resource
import sys
import time
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from bench.peak_homes import LAG, RETENTION, Nobody
from wattline.households.accounts.service import Accounts
from wattline.households.anomalies.service import Anomalies
from wattline.households.anomalies.store import Key, Move, move
from wattline.households.anomalies.watch import WINDOW
from wattline.households.meters.model import LAYOUT, Kind
from wattline.households.meters.service import Meters
from wattline.households.tables import anomalies
from wattline.identity.service import Identity
from wattline.ingest.journal import Journal
from wattline.ingest.pipeline import Options, Pipeline
from wattline.model.clock import DAY, MINUTE, SECOND, ManualClock, SystemClock, from_micros
from wattline.notify.service import Notify
from wattline.registry.registration import Registration
from wattline.registry.service import Registry
from wattline.state.database import Database
from wattline.state.migrate import migrate
from wattline.telemetry.engine import Engine
from wattline.telemetry.schema import prepare
from wattline.telemetry.tiers import TIERS
from wattline.telemetry.writer import TelemetryWriter

TENANT = "default"
PAST = 30 * DAY
EVERY = 5 * MINUTE
UNUSUAL_EVERY = 50
RAW = 2 * DAY
"""us before the end from which on the readings themselves are there; before that the five minutes that they came to."""
SOME = """
    SELECT sensors[intDiv(number, {steps:Int64}) + 1] AS sensor,
           fromUnixTimestamp64Micro({start:Int64} + number % {steps:Int64} * {every:Int64}, 'UTC') AS time,
           500 + at / 5e6 / 3600 + floor(at / 86400e6 + 0.5) +
               if(intDiv(number, {steps:Int64}) % {unusual:Int64} = 0, greatest(at - {event:Int64}, 0) / 400e6, 0) AS value
    FROM (SELECT number, {sensors:Array(UInt32)} AS sensors,
                 {start:Int64} + number % {steps:Int64} * {every:Int64} - {origin:Int64} AS at
          FROM numbers({count:Int64}))"""
"""200 W, a kilowatt hour more at the same time each day, and 9 kW from `event` on in some homes."""
READINGS = f"INSERT INTO readings SELECT sensor, time, value, 0 AS quality, 0 AS revision FROM ({SOME})"
FIVE_MINUTES = f"""
    INSERT INTO tier_5m SELECT sensor, time, value, value * value, value, value, value, value, time, time,
                               1 AS count, 1 AS good, 0 AS bad, 1 AS version FROM ({SOME})"""


async def _fill(engine: Engine, sensors: list[int], end: int) -> None:
    origin, recent = (end - PAST) // DAY * DAY, (end - RAW) // DAY * DAY
    for day in range(origin, end, DAY):
        steps = (min(day + DAY, end) - day) // EVERY
        bound = {"start": day, "steps": steps, "every": EVERY, "origin": origin, "event": end - 25 * MINUTE - origin}
        bound |= {"sensors": sensors, "unusual": UNUSUAL_EVERY, "count": steps * len(sensors)}
        await engine.command(FIVE_MINUTES if day < recent else READINGS, bound)
    store = TelemetryWriter(engine)
    for tier in TIERS:
        closed = (end - LAG) // tier.width * tier.width
        for day in range(recent if tier.width <= EVERY else origin, closed, DAY):
            await store.recompute(tier, day, min(day + DAY, closed), end)
        await engine.command(f"OPTIMIZE TABLE {tier.table} FINAL")


async def measure(data: Path, homes: int) -> dict[str, Any]:
    """Fill the directory and look at every home twice."""
    end = SystemClock().micros() // WINDOW * WINDOW
    clock = ManualClock(from_micros(end + 3 * SECOND))
    database = Database(f"sqlite+aiosqlite:///{data}/state.db")
    await migrate(database)
    registry = Registry(database, 10 * homes, clock)
    await registry.load()
    keys = [Key(TENANT, f"home-{n}", "02:00:00:00:" + ":".join(f"{byte:02X}" for byte in n.to_bytes(2))) for n in range(homes)]
    accounts = Accounts(database, registry, Identity(database, clock), clock)
    for key in keys:
        await accounts.create_user(TENANT, {"id": key.user, "email": f"{key.user}@bench.example"})
    streams = await registry.register_all([Registration(key.tenant, key.user, key.mac, LAYOUT) for key in keys])
    engine = Engine(f"chdb://{data}/telemetry")
    await engine.command("SELECT 1")
    await prepare(engine)
    await _fill(engine, [stream.sensor_id("total") for stream in streams], end)
    await engine.close()
    journal = Journal(data / "journal.db")
    journal.set_mark("watermark", (end - LAG) // MINUTE * MINUTE)
    journal.set_mark("version", end)
    journal.close()

    options = Options(data / "journal.db", f"chdb://{data}/telemetry", 1 << 30, RETENTION)
    pipeline = Pipeline(options, registry, clock, Nobody(), lambda _rows: None)
    await pipeline.start()
    meters = Meters(database, registry, pipeline, clock, ahead=DAY, kept=90 * DAY)
    await meters.load()
    for key in keys:
        await meters.add(TENANT, key.mac, Kind.DIGITAL_ELECTRICITY)
        await meters.assign(TENANT, key.mac, key.user)
    async with database.transaction() as connection:
        await move(connection, [Move(key, None, end - WINDOW) for key in keys])
    looking = Anomalies(database, accounts, meters, pipeline.series, Notify(database, clock), clock)
    resident = _resident_mb()
    lags: list[float] = []
    sizes: list[float] = []
    watching = asyncio.create_task(_watch(lags, sizes))
    begun = time.perf_counter()
    await looking.process_all(end)
    first = time.perf_counter()
    async with database.transaction() as connection:
        await connection.execute(sa.text("UPDATE household_progress SET upto = :upto"), {"upto": end - WINDOW})
    begun_again = time.perf_counter()
    await looking.process_all(end)
    again = time.perf_counter() - begun_again
    watching.cancel()
    async with database.read() as connection:
        found = await connection.scalar(sa.select(sa.func.count()).select_from(anomalies))
    await pipeline.stop()
    await database.close()
    return {
        "seconds": first - begun,
        "seconds_when_learnt": again,
        "homes": homes,
        "incidents": found,
        "unusual_homes": -(-homes // UNUSUAL_EVERY),
        "longest_block_ms": 1e3 * max(lags),
        "memory_grew_mb": max(sizes) - resident,
    }


async def _watch(lags: list[float], sizes: list[float]) -> None:
    """How late the event loop comes to what is due, and the memory of the process."""
    while True:
        due = time.perf_counter() + 0.001
        await asyncio.sleep(0.001)
        lags.append(time.perf_counter() - due)
        sizes.append(_resident_mb())


def _resident_mb() -> float:
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() / 1e6


if __name__ == "__main__":
    print(json.dumps(asyncio.run(measure(Path(sys.argv[1]), int(sys.argv[2])))))
