"""The parts of the path of a reading, put together, started and stopped."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from wattline.ingest import service, writer
from wattline.ingest.heads import newest_rows
from wattline.ingest.journal import Journal
from wattline.ingest.rollup import Rollup
from wattline.ingest.series import Series
from wattline.ingest.service import Ingest
from wattline.ingest.writer import Writer
from wattline.model.clock import DAY, Clock
from wattline.model.errors import Unavailable
from wattline.model.record import Row
from wattline.registry.service import Registry
from wattline.telemetry.engine import Engine
from wattline.telemetry.reader import TelemetryReader
from wattline.telemetry.schema import prepare
from wattline.telemetry.writer import TelemetryWriter

WARM_SPAN = 2 * DAY
"""How far back the newest rows are looked for at start; older streams pay one look-up for their first rows."""

log = logging.getLogger(__name__)


class Meter(service.Meter, writer.Meter, Protocol):
    """What the whole path reports about itself."""


@dataclass(frozen=True, slots=True)
class Options:
    """Where the path keeps its data, and its bounds. `retention` is in us by table name."""

    journal: Path
    telemetry_url: str
    most_journal_bytes: int
    retention: Mapping[str, int]


class Pipeline:
    """Owns the journal and the telemetry store of this process."""

    def __init__(
        self, options: Options, registry: Registry, clock: Clock, meter: Meter, publish: Callable[[list[Row]], None]
    ) -> None:
        self._registry = registry
        self._clock = clock
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="journal")
        self._journal = Journal(options.journal)
        self.engine = Engine(options.telemetry_url)
        self.store = TelemetryWriter(self.engine)
        self.reader = TelemetryReader(self.engine)
        self.writer = Writer(
            self._journal, self._thread, self.store, registry, clock, meter, prepare=self._prepare, moved=self._moved
        )
        self.rollup = Rollup(self.writer, self.store, clock, options.retention)
        self.series = Series(self.writer, self.rollup, self.reader)
        self.ingest = Ingest(
            self._journal,
            self._thread,
            registry,
            most_bytes=options.most_journal_bytes,
            committed=self.writer.add,
            publish=publish,
            meter=meter,
        )
        self.caught_up = asyncio.Event()
        """Set once the journal was replayed and the newest rows are known."""
        self._task: asyncio.Task[None] | None = None

    async def _prepare(self) -> None:
        await prepare(self.engine)

    def _moved(self, size: int, rows: int) -> None:
        self.ingest.backlog_bytes -= size
        self.ingest.backlog_rows -= rows

    async def start(self) -> None:
        """Replay the journal and learn the newest rows, then keep moving rows.

        Where the telemetry store is away, ingest starts all the same, and this happens when it comes back.
        """
        backlog = await self.writer.open()
        self.ingest.backlog_bytes, self.ingest.backlog_rows = backlog.size, backlog.rows
        try:
            await self._catch_up()
        except Unavailable as error:
            log.warning("started without the telemetry store; rows wait in the journal", extra={"reason": str(error)})
            self._task = asyncio.create_task(self._catch_up_later(), name="telemetry catch-up")
        else:
            self._task = asyncio.create_task(self.writer.run(), name="telemetry writer")

    async def _catch_up(self) -> None:
        await self.writer.flush()
        since = self._clock.micros() - WARM_SPAN
        newest = await newest_rows(self.reader, list(self._registry.every_stream()), since)
        for stream_id, row in newest.items():
            stream = self._registry.stream(stream_id)
            if stream.latest is None or stream.latest.time < row.time:
                stream.latest = row
        self.ingest.know({stream_id: row.time for stream_id, row in newest.items()}, since)
        self.caught_up.set()

    async def _catch_up_later(self) -> None:
        pause = 0.5
        while True:
            try:
                await self._catch_up()
                break
            except Unavailable:
                await asyncio.sleep(pause)
                pause = min(2 * pause, 5)
        log.info("the telemetry store is back")
        await self.writer.run()

    async def stop(self) -> None:
        """Answer what was taken in, move it if the store takes it (else it stays journalled), close everything."""
        await self.ingest.close()
        with contextlib.suppress(Unavailable, TimeoutError):
            await asyncio.wait_for(self.writer.flush(), 10)
        await self.abandon()

    async def abandon(self) -> None:
        """Close without moving anything: the next start replays the journal."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        await self.engine.close()
        await asyncio.get_running_loop().run_in_executor(self._thread, self._journal.close)
        self._thread.shutdown()
