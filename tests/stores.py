"""Real stores for tests: one embedded ClickHouse per test process, a fresh database in it for every test."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.memory import quick_place
from tests.migrated import lay_out
from wattline.ingest.pipeline import Options, Pipeline
from wattline.metering.fields import LAYOUT as METER
from wattline.model.clock import DAY, ManualClock
from wattline.model.place import Layout, Quantity
from wattline.model.record import Row
from wattline.registry.service import Registry
from wattline.state.database import Database
from wattline.state.migrate import migrate
from wattline.telemetry.engine import Location

RETENTION = {"readings": 90 * DAY, "records": 90 * DAY, "tier_1m": 730 * DAY}
FOUR = Layout(
    "hop.telemetry",
    (Quantity("voltage_kv", "kV"), Quantity("current_a", "A"), Quantity("power_mw", "MW"), Quantity("frequency_hz", "Hz")),
)

_root = tempfile.TemporaryDirectory(prefix="wattline-telemetry-", dir=quick_place())
_engine = Path(_root.name, "engine")
_given: list[str] = []
_lasting: set[str] = set()


def _url(database: str) -> str:
    return f"chdb://{_engine}?database={database}"


def fresh_telemetry_url() -> str:
    """The URL of an empty database in this process's embedded engine (chDB allows one directory per process)."""
    _given.append(f"test_{len(_given)}")
    return _url(_given[-1])


def lasting_telemetry_url() -> str:
    """The same of one that is kept to the end: a fixture of the session may be made in the middle of a module."""
    url = fresh_telemetry_url()
    _lasting.add(_given[-1])
    return url


@contextmanager
def telemetry_dropped() -> Iterator[None]:
    """Drop the databases that are first asked for in here: with each one that is left, the next takes longer to make."""
    before = len(_given)
    yield
    made = [name for name in _given[before:] if name not in _lasting and (_engine / "metadata" / name).exists()]
    if made:
        client = Location(_url("default")).connect(None)
        for name in made:
            client.command(f"DROP DATABASE IF EXISTS {name} SYNC")
        client.close()


@dataclass
class Counts:
    """A meter that counts."""

    rows: int = 0
    moved: int = 0
    failures: int = 0
    published: list[Row] = field(default_factory=list)
    progress: asyncio.Event = field(default_factory=asyncio.Event)

    def committed(self, rows: int, seconds: float) -> None:
        self.rows += rows

    def flushed(self, rows: int, seconds: float) -> None:
        self.moved += rows
        self.progress.set()

    def flush_failed(self) -> None:
        self.failures += 1


@dataclass
class Spine:
    """A registry and a pipeline on a directory; `restart` closes them cleanly or drops them as a crash would."""

    directory: Path
    clock: ManualClock
    telemetry_url: str
    most_journal_bytes: int = 1 << 30
    counts: Counts = field(default_factory=Counts)

    async def open(self) -> None:
        lay_out(self.directory)
        self.database = Database(f"sqlite+aiosqlite:///{self.directory}/state.db")
        await migrate(self.database)
        self.registry = Registry(self.database)
        await self.registry.load()
        options = Options(self.directory / "journal.db", self.telemetry_url, self.most_journal_bytes, RETENTION, {METER.name})
        self.pipeline = Pipeline(options, self.registry, self.clock, self.counts, self.counts.published.extend)
        await self.pipeline.start()

    async def drained(self) -> None:
        """Wait until the writer has moved everything by itself."""
        async with asyncio.timeout(30):
            while self.pipeline.ingest.backlog_bytes:
                self.counts.progress.clear()
                await self.counts.progress.wait()

    async def close(self) -> None:
        await self.pipeline.stop()
        await self.database.close()

    async def crash(self) -> None:
        """Forget everything in memory; only what is on disk remains."""
        await self.pipeline.abandon()
        await self.database.close()


@asynccontextmanager
async def spine(directory: Path, clock: ManualClock, **options: object) -> AsyncIterator[Spine]:
    """An open spine, closed at the end."""
    url = str(options.pop("telemetry_url", None) or fresh_telemetry_url())
    made = Spine(directory, clock, url, **options)  # type: ignore[arg-type]
    await made.open()
    try:
        yield made
    finally:
        await made.close()
