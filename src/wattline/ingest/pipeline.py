"""The parts of the path of a reading, put together, started and stopped."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from wattline.ingest import service, writer
from wattline.ingest.follower import Follower
from wattline.ingest.heads import newest_rows
from wattline.ingest.intervals import Intervals
from wattline.ingest.journal import Block, Journal
from wattline.ingest.receipt import MARK, Receipts
from wattline.ingest.received import ReceivedRows
from wattline.ingest.rollup import Rollup
from wattline.ingest.series import Series
from wattline.ingest.service import Ingest
from wattline.ingest.table_rows import TableRows
from wattline.ingest.writer import Writer
from wattline.model.clock import DAY, Clock
from wattline.model.errors import Unavailable
from wattline.model.record import Row
from wattline.registry.service import Registry
from wattline.registry.stream import Stream
from wattline.telemetry.engine import Engine
from wattline.telemetry.reader import TelemetryReader
from wattline.telemetry.receipts import ReceiptReader
from wattline.telemetry.rows import RowReader
from wattline.telemetry.schema import prepare
from wattline.telemetry.writer import TelemetryWriter

STOP_SECONDS = 10
WARM_SPAN = 2 * DAY
"""How far back the newest rows are looked for at start; older streams pay one look-up for their first rows."""

log = logging.getLogger(__name__)


class Meter(service.Meter, writer.Meter, Protocol):
    """What the whole path reports about itself."""


@dataclass(frozen=True, slots=True)
class Options:
    """Where the path keeps its data, and its bounds. `retention` is in us by table name.

    Rows of streams with the layouts in `by_receipt` can be read in the order of their receipt.
    """

    journal: Path
    telemetry_url: str
    most_journal_bytes: int
    retention: Mapping[str, int]
    by_receipt: Collection[str] = ()


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
            self._journal,
            self._thread,
            self.store,
            registry,
            clock,
            meter,
            prepare=self._prepare,
            moved=self._moved,
            unneeded=self._unneeded,
        )
        self._followers: list[Follower] = []
        self.rollup = Rollup(self.writer, self.store, clock, options.retention)
        self.series = Series(self.writer, self.rollup, self.reader)
        self.tables = TableRows(self.writer, RowReader(self.engine))
        self.intervals = Intervals(self.writer, self.rollup, self.engine, clock, options.retention)
        self.receipts = Receipts(clock, options.by_receipt)
        self.received = ReceivedRows(self.writer, self.receipts, ReceiptReader(self.engine))
        self.ingest = Ingest(
            self._journal,
            self._thread,
            registry,
            most_bytes=options.most_journal_bytes,
            committed=self._committed,
            kept=self._kept,
            publish=publish,
            meter=meter,
            receipts=self.receipts,
        )
        self.caught_up = asyncio.Event()
        """Set once the journal was replayed and the newest rows are known."""
        self.listeners: list[Callable[[Sequence[Row]], None]] = []
        """Called with every committed row in the order of the commits, before their senders are answered; must be quick."""
        self._tasks: list[asyncio.Task[None]] = []
        self._following: list[asyncio.Task[None]] = []

    def follow(self, name: str, take: Callable[[list[Row]], Awaitable[None]], settle: Callable[[], Awaitable[None]]) -> None:
        """Hand every row committed from now on, and those not settled at the last stop, to `take`; see `Follower`.

        To be called before `start`. `name` must stay the same over restarts.
        """
        self._followers.append(Follower(name, take, settle, self.writer))

    def _committed(self, block: Block) -> None:
        self.writer.add(block)
        self.tables.recent.heard(block.rows)
        self.intervals.finished.heard(block.rows)
        for follower in self._followers:
            follower.add(block)
        for listener in self.listeners:
            try:
                listener(block.rows)
            except Exception:
                # The rows are durable, and their callers must hear so whatever a listener does.
                log.exception("a listener failed")

    def _unneeded(self, upto: int) -> int:
        """Up to which block no follower needs the journal any more."""
        return min((follower.settled for follower in self._followers), default=upto)

    @property
    def follower_lag(self) -> int:
        """Payload bytes that the journal keeps for the slowest follower."""
        return max([follower.lag_bytes for follower in self._followers], default=0)

    def _kept(self) -> int:
        """Payload bytes that the journal must keep, for the store or for the slowest follower."""
        return max(self.ingest.backlog_bytes, self.follower_lag)

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
        received, _ = await self.writer.remembered(MARK)
        self.receipts.resume(received or 0)
        for follower in self._followers:
            settled, behind = await self.writer.remembered(follower.mark)
            if settled is None:
                settled, behind = backlog.moved, backlog.size
                await self.writer.remember(follower.mark, settled)
            follower.open(settled, backlog.newest, behind)
            self._following.append(asyncio.create_task(follower.run(), name=follower.mark))
        try:
            await self._catch_up()
        except Unavailable as error:
            log.warning("started without the telemetry store; rows wait in the journal", extra={"reason": str(error)})
            self._tasks.append(asyncio.create_task(self._catch_up_later(), name="telemetry catch-up"))
        else:
            self._tasks.append(asyncio.create_task(self.writer.run(), name="telemetry writer"))

    async def _catch_up(self) -> None:
        await self.writer.flush()
        await self.learn(list(self._registry.every_stream()))
        self.caught_up.set()

    async def learn(self, streams: Sequence[Stream]) -> None:
        """Look up the newest rows of streams that may hold some, so that newer ones need no look-up."""
        since = self._clock.micros() - WARM_SPAN
        newest = await newest_rows(self.reader, streams, since)
        for stream_id, row in newest.items():
            stream = self._registry.stream(stream_id)
            if stream.latest is None or stream.latest.time < row.time:
                stream.latest = row
        self.ingest.know(streams, {stream_id: row.time for stream_id, row in newest.items()}, since)

    async def relearn(self, streams: Collection[int]) -> None:
        """Find the newest rows of streams of which rows were taken back: of any age."""
        missing = [stream for stream in map(self._registry.stream, streams) if stream.latest is None]
        if missing:
            await self.writer.flush()
            newest = await newest_rows(self.reader, missing, 0)
            for stream in missing:
                if stream.latest is None:
                    stream.latest = newest.get(stream.id)

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
        for follower in self._followers:
            follower.finish()
        if self._following:
            await asyncio.wait(self._following, timeout=STOP_SECONDS)
        with contextlib.suppress(Unavailable, TimeoutError):
            await asyncio.wait_for(self.writer.flush(), STOP_SECONDS)
        await self.abandon()

    async def abandon(self) -> None:
        """Close without moving anything: the next start replays the journal."""
        for task in (every := [*self._tasks, *self._following]):
            task.cancel()
        await asyncio.gather(*every, return_exceptions=True)
        await self.engine.close()
        await asyncio.get_running_loop().run_in_executor(self._thread, self._journal.close)
        self._thread.shutdown()
