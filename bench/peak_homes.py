"""A thousand homes with a day of readings, and how long one look for peaks at all of them takes.

`python -m bench.peak_homes DIRECTORY HOMES` fills a data directory with homes whose meters were read every 15 or 21 s for the
25 hours before the present half hour, as the journal and the background would have left them, looks for the peaks of the last
half hour, and prints what that took and found.
"""

from __future__ import annotations

import asyncio
import json
import resource
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import sqlalchemy as sa

from bench.synthetic_day import Day, Device, readings
from wattline.households.appliances.service import Appliances
from wattline.households.meters.model import LAYOUT, Kind
from wattline.households.meters.service import Meters
from wattline.households.peaks.model import WINDOW
from wattline.households.peaks.service import Peaks
from wattline.households.peaks.store import Home, Look, Standing, keep
from wattline.households.recognition.model import Recogniser
from wattline.households.tables import peaks, suggestions
from wattline.ingest.journal import Journal
from wattline.ingest.pipeline import Options, Pipeline
from wattline.model.clock import DAY, HOUR, MINUTE, SECOND, ManualClock, SystemClock, from_micros
from wattline.registry.registration import Registration
from wattline.registry.service import Registry
from wattline.registry.stream import Stream
from wattline.state.database import Database
from wattline.state.migrate import migrate
from wattline.telemetry.engine import Engine
from wattline.telemetry.schema import prepare
from wattline.telemetry.tiers import TIERS
from wattline.telemetry.writer import Readings, TelemetryWriter

TENANT = "default"
PAST = 25 * HOUR
LAG = 2 * MINUTE
"""us that the tiers lag behind the present."""
RETENTION = {"readings": 90 * DAY, "records": 90 * DAY, "tier_1m": 730 * DAY}
TOGETHER = 100


@dataclass(frozen=True)
class Nobody:
    """A meter that counts nothing."""

    def committed(self, rows: int, seconds: float) -> None:
        """Leave it."""

    def flushed(self, rows: int, seconds: float) -> None:
        """Leave it."""

    def flush_failed(self) -> None:
        """Leave it."""


def _user(number: int) -> str:
    return f"home-{number}"


def _mac(number: int) -> str:
    return "02:00:00:00:" + ":".join(f"{byte:02X}" for byte in number.to_bytes(2))


def _home(number: int, end: int) -> tuple[np.ndarray, np.ndarray]:
    """A day with a few devices; one home in four has something running in the last half hour."""
    choice = np.random.default_rng(number)
    seconds = PAST / SECOND
    begins = [*choice.uniform(0, seconds - 4000, 8), *([seconds - 1500] if number % 4 == 0 else [])]
    devices = [Device(begin, choice.uniform(180, 900), choice.uniform(800, 3000)) for begin in begins]
    return readings(Day(devices, seconds=seconds).watts(choice), end - PAST, (15, 21)[number % 2], offset=choice.uniform(0, 15))


async def _fill(engine: Engine, streams: Sequence[Stream], end: int) -> None:
    store = TelemetryWriter(engine)
    for at in range(0, len(streams), TOGETHER):
        columns = []
        for number, stream in enumerate(streams[at : at + TOGETHER], at):
            times, totals = _home(number, end)
            columns.append((np.full(len(times), stream.sensor_id("total"), np.uint32), times, totals))
        sensor, times, totals = (np.concatenate(each) for each in zip(*columns, strict=True))
        # A block has few partitions: one a day.
        for day in np.unique(times // DAY):
            mine = times // DAY == day
            few = int(mine.sum())
            blank = np.zeros(few, np.uint8), np.zeros(few, np.uint16)
            await store.insert_readings(Readings(sensor[mine], times[mine], totals[mine], *blank))
    first = (end - PAST) // DAY * DAY
    for tier in TIERS:
        await store.recompute(tier, first, (end - LAG) // tier.width * tier.width, end)
    for table in ("readings", *(tier.table for tier in TIERS)):
        await engine.command(f"OPTIMIZE TABLE {table} FINAL")


async def _watch(lags: list[float]) -> None:
    """How late the event loop comes to what is due."""
    while True:
        due = time.perf_counter() + 0.001
        await asyncio.sleep(0.001)
        lags.append(time.perf_counter() - due)


async def measure(data: Path, homes: int) -> dict[str, Any]:
    """Fill the directory and look at every home once."""
    end = SystemClock().micros() // WINDOW * WINDOW
    clock = ManualClock(from_micros(end + 3 * SECOND))
    database = Database(f"sqlite+aiosqlite:///{data}/state.db")
    await migrate(database)
    registry = Registry(database, 10 * homes, clock)
    await registry.load()
    streams = await registry.register_all([Registration(TENANT, _user(n), _mac(n), LAYOUT) for n in range(homes)])
    engine = Engine(f"chdb://{data}/telemetry")
    await engine.command("SELECT 1")
    await prepare(engine)
    await _fill(engine, streams, end)
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
    for number in range(homes):
        await meters.add(TENANT, _mac(number), Kind.DIGITAL_ELECTRICITY)
        await meters.assign(TENANT, _mac(number), _user(number))
    before = Standing(end - WINDOW, None)
    async with database.transaction() as connection:
        await keep(connection, [Look(Home(TENANT, _user(n), _mac(n)), None, before, ()) for n in range(homes)], end)

    appliances = Appliances(database, Recogniser(), clock)
    looking = Peaks(database, meters, pipeline.series, clock, appliances.suggest)
    resident = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    lags: list[float] = []
    watching = asyncio.create_task(_watch(lags))
    begun = time.perf_counter()
    await looking.process_all(end)
    seconds = time.perf_counter() - begun
    watching.cancel()
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - resident
    async with database.read() as connection:
        found = [await connection.scalar(sa.select(sa.func.count()).select_from(table)) for table in (peaks, suggestions)]
    await pipeline.stop()
    await database.close()
    return {
        "seconds": seconds,
        "homes": homes,
        "peaks": found[0],
        "suggestions": found[1],
        "longest_block_ms": 1e3 * max(lags),
        "peak_memory_grew_mb": grown / 1024,
    }


if __name__ == "__main__":
    print(json.dumps(asyncio.run(measure(Path(sys.argv[1]), int(sys.argv[2])))))
