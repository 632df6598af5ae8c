"""Meters on a state database of either engine, without readings."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import sqlalchemy as sa

from tests.stores import RETENTION, Counts, fresh_telemetry_url
from wattline.households.meters.service import Meters
from wattline.ingest.pipeline import Options, Pipeline
from wattline.model.clock import DAY, MINUTE, Clock
from wattline.registry.service import Registry
from wattline.state.database import Database

TENANT, MAC = "homes", "AA:BB:CC:DD:EE:01"


class Asked:
    """Counts the questions that are put to a database."""

    def __init__(self, database: Database) -> None:
        self.count = 0
        sa.event.listen(database.engine.sync_engine, "before_cursor_execute", self._one)

    def _one(self, _connection: object, _cursor: object, statement: str, *_: object) -> None:
        self.count += statement.startswith("SELECT")


@asynccontextmanager
async def desk(
    database: Database, directory: Path, clock: Clock, name: str = "one", *, grace: int = 300
) -> AsyncIterator[Meters]:
    """A process's meters; several on one database are several processes. Its pipeline is not started."""
    registry = Registry(database)
    await registry.load()
    options = Options(directory / f"journal-{name}.db", fresh_telemetry_url(), 1 << 20, RETENTION)
    pipeline = Pipeline(options, registry, clock, Counts(), lambda _rows: None)
    meters = Meters(
        database, registry, pipeline, clock, ahead=5 * MINUTE, kept=90 * DAY, token_seconds=3600, grace_seconds=grace
    )
    await meters.load()
    try:
        yield meters
    finally:
        await pipeline.abandon()
