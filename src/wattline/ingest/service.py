"""Taking rows in: order check, durable group commit, answer, publication."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Protocol

from wattline.ingest.journal import Block, Journal
from wattline.ingest.receipt import Receipts
from wattline.model.errors import NotFound, QueueFull, Unavailable, WattlineError
from wattline.model.record import NEVER, UNKNOWN, Row, all_shown, shown
from wattline.registry.service import Registry
from wattline.registry.stream import Stream

log = logging.getLogger(__name__)

Pending = tuple[Sequence[Row], "asyncio.Future[None]"]


class Meter(Protocol):
    """What ingest reports about itself."""

    def committed(self, rows: int, seconds: float) -> None:
        """A group of rows became durable, and the commit took so long."""
        ...


class Ingest:
    """Group commit: what arrives while a commit runs is the next commit, and everybody in it is answered at once.

    All methods run on the event loop; the journal has a thread of its own.
    """

    def __init__(
        self,
        journal: Journal,
        thread: ThreadPoolExecutor,
        registry: Registry,
        *,
        most_bytes: int,
        committed: Callable[[Block], None],
        kept: Callable[[], int],
        publish: Callable[[list[Row]], None],
        meter: Meter,
        receipts: Receipts,
    ) -> None:
        self._journal = journal
        self._thread = thread
        self._registry = registry
        self._most_bytes = most_bytes
        self._on_committed = committed
        self._kept = kept
        self._publish = publish
        self._meter = meter
        self._receipts = receipts
        self._pending: list[Pending] = []
        self._seen: dict[int, int] = {}
        self._committing = False
        self._closed = False
        self._idle = asyncio.Event()
        self._idle.set()
        self.backlog_bytes = 0
        """Payload bytes in the journal that the store does not hold yet; the pipeline takes off what was moved."""
        self.backlog_rows = 0
        """The same in rows."""

    async def submit(self, rows: Sequence[Row]) -> None:
        """Make rows durable: all of them or, on an error, none.

        Raises `QueueFull` where the journal has reached its size, `StorageFull` where the disk has no room.
        """
        if self._closed:
            raise Unavailable("the server is stopping", retry_after=2)
        if self._kept() >= self._most_bytes:
            raise QueueFull("the journal is full: the telemetry store does not take readings", retry_after=10)
        if not rows:
            return
        loop = asyncio.get_running_loop()
        done: asyncio.Future[None] = loop.create_future()
        self._pending.append((rows, done))
        if not self._committing:
            self._committing = True
            self._idle.clear()
            # At the end of this turn of the loop, so that every request read in the turn is in the group.
            loop.call_soon(self._begin)
        await done

    def _begin(self) -> None:
        waiting, self._pending = self._pending, []
        group: list[Pending] = []
        rows: list[Row] = []
        self._receipts.begin()
        for some, done in waiting:
            try:
                self._order(some)
            except NotFound as error:
                _settle(done, error)
                continue
            group.append((some, done))
            rows.extend(some)
        loop = asyncio.get_running_loop()
        started = time.perf_counter()
        work = self._thread.submit(self._journal.append, rows, self._receipts.given)
        work.add_done_callback(lambda finished: loop.call_soon_threadsafe(self._end, group, rows, finished, started))

    def _order(self, rows: Sequence[Row]) -> None:
        """Mark the rows that are not newer than their streams, and say when they are received.

        Raises `NotFound` for a stream that is not registered.
        """
        stream, numbered = self._registry.stream, self._receipts.layouts
        for row in rows:
            head = stream(row.stream)
            if row.time > head.admitted:
                head.admitted = row.time
            else:
                row.late = True
                if head.admitted == UNKNOWN:
                    self._seen[row.stream] = max(row.time, self._seen.get(row.stream, NEVER))
            if head.layout.name in numbered:
                row.received = self._receipts.next()

    def _end(self, group: list[Pending], rows: list[Row], finished: Future[Block], started: float) -> None:
        error = finished.exception()
        self._receipts.end()
        if error is None:
            self._committed(finished.result(), rows, time.perf_counter() - started)
        elif not isinstance(error, WattlineError):
            log.error("the journal cannot be written", exc_info=error)
            error = Unavailable("the journal cannot be written now")
        for _, done in group:
            _settle(done, error)
        if self._pending:
            self._begin()
        else:
            self._committing = False
            self._idle.set()

    def _committed(self, block: Block, rows: list[Row], seconds: float) -> None:
        self.backlog_bytes += block.size
        self.backlog_rows += len(rows)
        stream = self._registry.stream
        for row in rows:
            head = stream(row.stream)
            if head.latest is None or row.time >= head.latest.time:
                # Who takes a row back looks up which one is the newest then.
                head.latest = row if row.mark is None else shown(row)
        self._on_committed(block)
        self._meter.committed(len(rows), seconds)
        try:
            self._publish(all_shown(rows))
        except Exception:
            # The rows are durable, and their callers must hear so whatever a listener does.
            log.exception("a listener failed")

    def know(self, streams: Iterable[Stream], newest: Mapping[int, int], otherwise: int) -> None:
        """Set the heads of streams from what the store holds (time by stream id); until then every row is compared with it.

        A stream that the store did not name has nothing newer than `otherwise`.
        """
        for head in streams:
            if head.admitted == UNKNOWN:
                held = head.latest.time if head.latest is not None else NEVER
                head.admitted = max(newest.get(head.id, otherwise), self._seen.pop(head.id, NEVER), held)

    async def close(self) -> None:
        """Refuse new rows and wait until those already taken are answered."""
        self._closed = True
        await self._idle.wait()


def _settle(done: asyncio.Future[None], error: BaseException | None) -> None:
    """Answer a caller, unless it has gone away meanwhile."""
    if done.done():
        return
    if error is None:
        done.set_result(None)
    else:
        done.set_exception(error)
