"""A follower: a part of the platform that must see every committed row once it is durable, also across a crash."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Protocol

from wattline.ingest.journal import Block
from wattline.ingest.tail import Tail
from wattline.model.errors import Unavailable
from wattline.model.record import Row, all_shown

SETTLE_SECONDS = 1.0
"""How often a follower that took rows is asked to make their effects durable."""
STEP_ROWS = 2_000
"""Rows offered at once: little enough that a follower which falls behind still settles what it has done."""
RETRY_SECONDS = (0.2, 0.5, 1, 2, 5)
TRIES = 5
"""How often rows that a follower cannot take are offered to it, unless it only waits for a store."""

log = logging.getLogger(__name__)


class Places(Protocol):
    """What a follower needs of the journal."""

    async def read(self, after: int, most_rows: int) -> list[Block]:
        """The blocks after a sequence number, in order."""
        ...

    async def remember(self, name: str, value: int) -> None:
        """Keep a number durably."""
        ...


class Follower:
    """Hands every block to `take` in order. The journal keeps a block until `settle` returned after it.

    `take` may see rows again after a crash. Where it raises `Unavailable` the same rows are offered until they are taken;
    after any other failure they are offered a few times and then passed over, with an error in the log: a fault in one part
    must not stop all readings.
    """

    def __init__(
        self,
        name: str,
        take: Callable[[list[Row]], Awaitable[None]],
        settle: Callable[[], Awaitable[None]],
        places: Places,
    ) -> None:
        self.name = name
        self._take = take
        self._settle = settle
        self._places = places
        self._tail = Tail(places.read, STEP_ROWS)
        self._unsettled: deque[tuple[int, int]] = deque()
        self._wake = asyncio.Event()
        self._finishing = False
        self._timer: asyncio.TimerHandle | None = None
        self._last_settle = 0.0
        self._taken = 0
        self.settled = 0
        """The journal may forget the blocks up to and with this sequence number."""
        self.lag_bytes = 0
        """Payload that the journal keeps for this follower."""

    @property
    def mark(self) -> str:
        """The name under which the journal remembers where it was."""
        return f"follower:{self.name}"

    def open(self, settled: int, committed: int, lag_bytes: int) -> None:
        """Begin after `settled`; what was committed since then waits in the journal's file."""
        self.settled = self._taken = settled
        self._tail.committed = committed
        self.lag_bytes = lag_bytes
        if lag_bytes:
            self._unsettled.append((committed, lag_bytes))

    def add(self, block: Block) -> None:
        """A block was committed; called on the loop, in order of sequence."""
        self._tail.add(block)
        self._unsettled.append((block.sequence, block.size))
        self.lag_bytes += block.size
        self._wake.set()

    async def run(self) -> None:
        """Follow until `finish`, and then to the end of what was committed."""
        while True:
            if not await self._step():
                if self._finishing:
                    break
                await self._rest()
        if self._timer is not None:
            self._timer.cancel()
        await self._settle_now()

    def finish(self) -> None:
        """Nothing more will be committed."""
        self._finishing = True
        self._wake.set()

    async def _rest(self) -> None:
        """Wait for the next block; where there is something to settle, not longer than until then."""
        self._wake.clear()
        if self._taken < self._tail.committed or self._finishing:
            return
        if self.settled < self._taken and self._timer is None:
            # One timer for all the blocks of a second: a timeout around the wait would cost a task for each of them.
            self._timer = asyncio.get_running_loop().call_later(SETTLE_SECONDS, self._ring)
        await self._wake.wait()
        await self._settle_if_due()

    def _ring(self) -> None:
        self._timer = None
        self._wake.set()

    async def _step(self) -> bool:
        if self._taken >= self._tail.committed:
            return False
        blocks = await self._tail.next(self._taken)
        if not blocks:
            return False
        await self._offer(all_shown([row for block in blocks for row in block.rows]))
        self._taken = blocks[-1].sequence
        self._tail.done(self._taken)
        await self._settle_if_due()
        return True

    async def _offer(self, rows: list[Row]) -> None:
        failures = tries = 0
        while True:
            try:
                await self._take(rows)
                return
            except Unavailable as error:
                if failures == 0:
                    log.warning("a follower waits for a store", extra={"follower": self.name, "reason": str(error)})
            except Exception:
                tries += 1
                log.exception("a follower failed", extra={"follower": self.name})
                if tries == TRIES:
                    log.error("rows are passed over by a follower", extra={"follower": self.name, "rows": len(rows)})
                    return
            await asyncio.sleep(RETRY_SECONDS[min(failures, len(RETRY_SECONDS) - 1)])
            failures += 1

    async def _settle_if_due(self) -> None:
        now = time.monotonic()
        if now - self._last_settle >= SETTLE_SECONDS:
            self._last_settle = now
            try:
                await self._settle_now()
            except Exception as error:
                # What was taken stays in the journal, and the next attempt is a second away.
                log.warning("a follower could not settle", extra={"follower": self.name, "reason": str(error)})

    async def _settle_now(self) -> None:
        upto = self._taken
        if upto <= self.settled:
            return
        await self._settle()
        await self._places.remember(self.mark, upto)
        self.settled = upto
        while self._unsettled and self._unsettled[0][0] <= upto:
            self.lag_bytes -= self._unsettled.popleft()[1]
