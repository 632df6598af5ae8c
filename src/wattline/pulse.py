"""Whether the platform is well, asked by anybody as often as they like."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from wattline.model.clock import SECOND, Clock
from wattline.model.errors import WattlineError

PATIENCE_SECONDS = 2.0
"""A store that does not answer within this is down."""
REMEMBERED = SECOND
"""A finding holds for so long, so that anybody who asks without a key cannot load the stores."""


class Pulse:
    """Asks the stores by `check`, which raises where one does not answer, at most once a second."""

    def __init__(self, clock: Clock, check: Callable[[], Awaitable[None]]) -> None:
        self._clock = clock
        self._check = check
        self._asking: asyncio.Task[bool] | None = None
        self._asked = -REMEMBERED

    async def well(self) -> bool:
        """Whether the telemetry store and the state store answer and the journal has room."""
        now = self._clock.micros()
        if self._asking is None or (self._asking.done() and not 0 <= now - self._asked < REMEMBERED):
            self._asked = now
            self._asking = asyncio.create_task(self._ask())
        return await asyncio.shield(self._asking)

    async def _ask(self) -> bool:
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                await self._check()
        except (WattlineError, TimeoutError):
            return False
        return True
