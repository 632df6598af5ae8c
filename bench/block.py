"""A large block's past, put into a data directory before a server starts on it.

`python -m bench.block DIRECTORY DAYS` makes 10 blocks of 1,000 points with readings every hour for so many days, every five
minutes for the last one and every minute for its last eight hours, and their tiers: as fine as what is asked. What goes
through the path of a reading is measured elsewhere; here it only has to be there, so the store makes it itself.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from wattline.ingest.journal import Journal
from wattline.model.clock import DAY, HOUR, MINUTE, SystemClock
from wattline.registry.point import PointSpec
from wattline.registry.service import Registry
from wattline.state.database import Database
from wattline.state.migrate import migrate
from wattline.telemetry.engine import Engine
from wattline.telemetry.schema import prepare
from wattline.telemetry.tiers import TIERS
from wattline.telemetry.writer import TelemetryWriter

SITE = "bench"
BLOCKS = 10
POINTS = 1000
DAYS = 30

FILL = """
    INSERT INTO readings (sensor, time, value, quality, revision)
    SELECT {first:UInt32} + intDiv(number, {steps:UInt64}) AS sensor,
           fromUnixTimestamp64Micro({start:Int64} + (number % {steps:UInt64}) * {step:Int64}, 'UTC') AS time,
           round(40 + sensor % 20 + 5 * sin(toUnixTimestamp(time) / 13750) + (cityHash64(sensor, number) % 100) / 100, 2),
           0, 0
    FROM numbers({count:UInt64})"""

# Parts follow one another in time, as those of a store do that was filled day by day.
WHOLE = (
    "SETTINGS max_insert_threads = 1, max_threads = 2, min_insert_block_size_rows = 1000000000, min_insert_block_size_bytes = 0"
)


def slug(block: int) -> str:
    """The name of a block, from 0 on."""
    return f"block-{block + 1:02}"


async def _points(data: Path) -> int:
    """Register every point; the first sensor id of the run of ids."""
    database = Database(f"sqlite+aiosqlite:///{data}/state.db")
    await migrate(database)
    registry = Registry(database, BLOCKS * POINTS + 1, SystemClock())
    await registry.load()
    first = 0
    for block in range(BLOCKS):
        specs = [PointSpec(f"P-{n:04}", f"E-{n // 20:02}", "electrical", "kW") for n in range(POINTS)]
        points = await registry.put_points("default", SITE, slug(block), specs)
        first = first or points[0].id
        if points[-1].id != first + (block + 1) * POINTS - 1:
            raise RuntimeError("the ids of the points are not in a row")
    await database.close()
    return first


async def _fill(engine: Engine, first: int, start: int, end: int, step: int) -> None:
    for a in range(start, end, DAY):
        steps = -(-(min(a + DAY, end) - a) // step)
        count = steps * BLOCKS * POINTS
        await engine.command(f"{FILL} {WHOLE}", {"first": first, "steps": steps, "start": a, "step": step, "count": count})


async def make(data: Path, days: int) -> None:
    """Points, readings up to the present minute, and every tier of them."""
    first = await _points(data)
    end = SystemClock().micros() // MINUTE * MINUTE
    today = (end - DAY) // DAY * DAY
    recent = (end - 8 * HOUR) // HOUR * HOUR
    start = today - (days - 2) * DAY
    engine = Engine(f"chdb://{data}/telemetry")
    # The writing client makes the database.
    await engine.command("SELECT 1")
    await prepare(engine)
    await _fill(engine, first, start, today, HOUR)
    await _fill(engine, first, today, recent, 5 * MINUTE)
    await _fill(engine, first, recent, end, MINUTE)
    store = TelemetryWriter(engine)
    for tier in TIERS:
        closed = end // tier.width * tier.width
        for a in range(start, closed, DAY):
            await store.recompute(tier, a, min(a + DAY, closed), end)
        # What the background would have done in the meantime.
        await engine.command(f"OPTIMIZE TABLE {tier.table} FINAL")
    await engine.close()
    journal = Journal(data / "journal.db")
    journal.set_mark("watermark", end)
    journal.set_mark("version", end)
    journal.close()


if __name__ == "__main__":
    asyncio.run(make(Path(sys.argv[1]), int(sys.argv[2])))
