"""Something done every so often, in step with the clock."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable

from wattline.jobs.model import Tick, due_slot, slot_at
from wattline.model.clock import SECOND, Clock

_log = logging.getLogger(__name__)

# The clock may be set while we sleep, so no sleep is longer than this, in seconds.
LONGEST_SLEEP = 30.0
# How long to wait when not the job but its bookkeeping failed, in seconds.
RETRY_SECONDS = 5.0


class Periodic:
    """A job that runs once for every slot, a multiple of `every` microseconds since 1970; one run at a time.

    `runs`, `failures`, `last_slot` (us) and `last_error` tell of the runs in this process.
    """

    def __init__(self, name: str, every: int, function: Tick, *, durable: bool, catch_up: bool) -> None:
        self.name = name
        self.every = every
        self.durable = durable
        self.catch_up = catch_up
        self.runs = 0
        self.failures = 0
        self.last_slot: int | None = None
        self.last_error: str | None = None
        self._function = function

    async def run(self, slot: int) -> None:
        """Run for one slot. Counts, and raises what the job raises."""
        self.runs += 1
        self.last_slot = slot
        try:
            await self._function(slot)
        except Exception as error:
            self.failures += 1
            self.last_error = f"{type(error).__name__}: {error}"
            _log.exception("periodic job %s failed", self.name)
            raise

    async def attempt(self, slot: int) -> None:
        """The same for a run that only this process knows of: a failure is told, and the next slot comes."""
        try:
            await self.run(slot)
        except Exception:
            return

    async def follow(
        self,
        clock: Clock,
        sleep: Callable[[float], Awaitable[None]],
        fire: Callable[[int], Awaitable[None]],
        done: int,
    ) -> None:
        """Call `fire` for every slot after `done`, for ever. A slot whose `fire` raises is tried again."""
        while True:
            now = clock.micros()
            # A clock that was set back must not silence the job until the old time comes round again.
            done = min(done, slot_at(now, self.every))
            slot = due_slot(done, now, self.every, catch_up=self.catch_up)
            if slot > now:
                await sleep(min((slot - now) / SECOND, LONGEST_SLEEP))
                continue
            try:
                await fire(slot)
            except Exception:
                _log.exception("periodic job %s could not be started; trying again in %g s", self.name, RETRY_SECONDS)
                await sleep(RETRY_SECONDS)
            else:
                done = slot
