"""Moving committed rows from the journal to the telemetry store, in order, a block every quarter of a second."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Collection, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import islice
from typing import ParamSpec, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from wattline.ingest.columns import as_stored, readings_of, records_of, resolve_late
from wattline.ingest.journal import Backlog, Block, Journal
from wattline.ingest.late import LateHours
from wattline.ingest.tail import Tail
from wattline.model.clock import HOUR, Clock
from wattline.model.errors import StorageFull, Unavailable
from wattline.model.record import Row
from wattline.registry.service import Registry
from wattline.telemetry.writer import Readings, TelemetryWriter

T = TypeVar("T")
P = ParamSpec("P")

LATE_ROWS = 1_000
"""Late rows compared in one look-up."""
FLUSH_SECONDS = 0.25
RETRY_SECONDS = (0.5, 1, 2, 5)

log = logging.getLogger(__name__)


class Meter(Protocol):
    """What the writer reports about itself."""

    def flushed(self, rows: int, seconds: float) -> None:
        """Rows reached the store, and the step took so long."""
        ...

    def flush_failed(self) -> None:
        """A step failed and will be tried again."""
        ...


def _hours(sensors: NDArray[np.uint32], times: NDArray[np.int64]) -> set[tuple[int, int]]:
    """The distinct (sensor, hour) of some readings. One integer names both, because sorting pairs is ten times slower."""
    hours = times // HOUR
    first = int(hours.min())
    span = int(hours.max()) - first + 1
    distinct = np.unique(sensors.astype(np.int64) * span + (hours - first))
    return set(zip((distinct // span).tolist(), ((distinct % span + first) * HOUR).tolist(), strict=True))


class Writer:
    """The only task that changes the telemetry store; `lane` is held while it does, and tiers take it too."""

    def __init__(
        self,
        journal: Journal,
        thread: ThreadPoolExecutor,
        store: TelemetryWriter,
        registry: Registry,
        clock: Clock,
        meter: Meter,
        *,
        prepare: Callable[[], Awaitable[None]],
        moved: Callable[[int, int], None],
        unneeded: Callable[[int], int],
    ) -> None:
        self._journal = journal
        self._thread = thread
        self._store = store
        self._registry = registry
        self._clock = clock
        self._meter = meter
        self._prepare = prepare
        self._prepared = False
        self._moved = moved
        self._unneeded = unneeded
        self._tail = Tail(self.read)
        self._replaying = True
        self._flushed = 0
        self._newest_block: dict[int, int] = {}
        self.lane = asyncio.Lock()
        self.watermark = 0
        """Every bucket before this instant is in the tiers, but for the late hours."""
        self.late_hours = LateHours()

    async def open(self) -> Backlog:
        """Read what the journal owes. Nothing is moved yet."""
        backlog = await self._in_journal(self._journal.backlog)
        self._flushed, self._tail.committed = backlog.moved, backlog.newest
        self.late_hours = LateHours(await self._in_journal(self._journal.late))
        watermark = await self._in_journal(self._journal.mark, "watermark")
        self.watermark = watermark or 0
        return backlog

    async def read(self, after: int, most_rows: int) -> list[Block]:
        """The journal's blocks after a sequence number, in order."""
        return await self._in_journal(self._journal.read, after, most_rows)

    async def remember(self, name: str, value: int) -> None:
        """Keep a number in the journal."""
        await self._in_journal(self._journal.set_mark, name, value)

    async def remembered(self, name: str) -> tuple[int | None, int]:
        """A number kept in the journal, and the payload bytes of the blocks after it (as a sequence number)."""
        found = await self._in_journal(self._journal.mark, name)
        size, _ = await self._in_journal(self._journal.waiting, found or 0)
        return found, size

    async def _in_journal(self, work: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, partial(work, *arguments, **named))

    def add(self, block: Block) -> None:
        """A block was committed; called on the loop, in order of sequence."""
        self._newest_block.update((row.stream, block.sequence) for row in block.rows)
        self._tail.add(block)

    def waits(self, streams: Iterable[int]) -> bool:
        """Whether rows of any of these streams are committed but not yet in the store."""
        if self._flushed >= self._tail.committed:
            return False
        newest, flushed = self._newest_block, self._flushed
        return self._replaying or any(newest.get(stream, 0) > flushed for stream in streams)

    async def waiting(self, streams: Collection[int]) -> list[Row]:
        """The rows of these streams that are committed but may not be in the store yet, in order: none is missing whose stream
        `waits`, or it is in the store by now. Raises `Unavailable` where the store has to take them first, and does not."""
        if not self.waits(streams):
            return []
        blocks = None if self._replaying else self._tail.held
        if blocks is None:
            await self.flush()
            return []
        return [row for block in blocks for row in block.rows if row.stream in streams]

    async def flush(self) -> None:
        """Move everything committed before the call. Raises `Unavailable` where the store does not take it."""
        goal = self._tail.committed
        if not self._prepared:
            async with self.lane:
                if not self._prepared:
                    await self._prepare()
                    self._prepared = True
        while self._flushed < goal:
            async with self.lane:
                if self._flushed < goal:
                    await self._step()

    async def _step(self) -> None:
        blocks = await self._tail.next(self._flushed)
        if not blocks:
            return
        started = time.perf_counter()
        upto = blocks[-1].sequence
        rows = [row for block in blocks for row in block.rows]
        await self._move(rows)
        await self._in_journal(self._journal.trim, upto, self._unneeded(upto))
        self._flushed = upto
        self._tail.done(upto)
        if upto >= self._tail.committed:
            self._newest_block.clear()
            self._replaying = False
        self._moved(sum(block.size for block in blocks), len(rows))
        self._meter.flushed(len(rows), time.perf_counter() - started)

    async def _move(self, rows: list[Row]) -> None:
        sensor_ids = self._sensor_ids
        fresh = [row for row in rows if not row.late]
        late = [row for row in rows if row.late]
        if fresh:
            readings = await asyncio.to_thread(readings_of, fresh, sensor_ids)
            await self._mark_late(readings)
            await self._store.insert_readings(readings)
            await self._store.insert_records(await asyncio.to_thread(records_of, fresh))
        pending = iter(late)
        while some := list(islice(pending, LATE_ROWS)):
            asked = await asyncio.to_thread(readings_of, some, sensor_ids)
            stored = as_stored(await self._store.stored(asked.sensor, asked.time))
            written, replaced, changed = await asyncio.to_thread(resolve_late, some, sensor_ids, stored)
            if changed:
                # The readings go last: once they are stored, a repeated step finds nothing changed any more.
                await self._mark_late(written)
                if len(replaced):
                    await self._store.insert_replaced(replaced, self._clock.micros())
                await self._store.insert_records(records_of(changed))
                await self._store.insert_readings(written)

    def _sensor_ids(self, stream: int) -> tuple[int, ...]:
        return self._registry.stream(stream).sensor_ids

    async def _mark_late(self, readings: Readings) -> None:
        """Before a reading older than the watermark is stored, its hour is marked, so that no crash leaves a stale tier."""
        old = readings.time < self.watermark
        if not old.any():
            return
        marks = self.late_hours.new(await asyncio.to_thread(_hours, readings.sensor[old], readings.time[old]))
        if marks:
            await self._in_journal(self._journal.mark_late, marks)
            self.late_hours.add(marks)

    async def next_version(self) -> int:
        """A number for recomputed buckets that grows over restarts, even where the machine's clock is set back."""
        last = await self._in_journal(self._journal.mark, "version")
        version = max(self._clock.micros(), (last or 0) + 1)
        await self._in_journal(self._journal.set_mark, "version", version)
        return version

    async def settle(self, pairs: list[tuple[int, int]]) -> None:
        """The tiers of these late hours were recomputed (by the holder of `lane`)."""
        await self._in_journal(self._journal.settle, pairs)
        self.late_hours.remove(pairs)

    async def advance(self, watermark: int) -> None:
        """The tiers hold every bucket before `watermark` (said by the holder of `lane`)."""
        await self._in_journal(self._journal.set_mark, "watermark", watermark)
        self.watermark = watermark

    async def run(self) -> None:
        """Move rows for ever; while the store is away, try again with growing pauses."""
        failures = 0
        while True:
            try:
                await self.flush()
                failures = 0
                pause = FLUSH_SECONDS
            except Exception as error:
                # Whatever it was, the rows are safe in the journal: this task must outlive it.
                self._meter.flush_failed()
                if not isinstance(error, Unavailable | StorageFull):
                    log.exception("moving rows to the telemetry store failed")
                elif failures == 0:
                    log.warning("the telemetry store takes no rows; they wait in the journal", extra={"reason": str(error)})
                pause = RETRY_SECONDS[min(failures, len(RETRY_SECONDS) - 1)]
                failures += 1
            await asyncio.sleep(pause)
