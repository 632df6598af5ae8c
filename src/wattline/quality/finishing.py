"""Work that is done to its end though whoever asked for it goes away: what was committed must be told and remembered."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

Result = TypeVar("Result")


class Finishing:
    """Runs work apart from its caller's cancellation."""

    def __init__(self) -> None:
        self._working: set[asyncio.Task[Any]] = set()

    async def run(self, work: Coroutine[Any, Any, Result]) -> Result:
        """What the work returns or raises; a caller that is cancelled leaves it running."""
        task = asyncio.create_task(work)
        self._working.add(task)
        task.add_done_callback(self._finished)
        return await asyncio.shield(task)

    def _finished(self, task: asyncio.Task[Any]) -> None:
        self._working.discard(task)
        if not task.cancelled():
            # Told to the caller; looked at here for one that went away.
            task.exception()
