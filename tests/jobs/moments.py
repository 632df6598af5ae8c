"""Time that passes when the test says so."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

from wattline.model.clock import ManualClock


class Moments:
    """A clock, and a sleep that ends whenever the clock is moved."""

    def __init__(self) -> None:
        self.clock = ManualClock(datetime(2026, 6, 11, 14, 32, tzinfo=UTC))
        self.asleep = asyncio.Event()
        self._moved = asyncio.Event()

    async def sleep(self, _seconds: float) -> None:
        self.asleep.set()
        await self._moved.wait()

    def advance(self, seconds: float) -> None:
        self.clock.advance(seconds)
        self.asleep.clear()
        self._moved.set()
        self._moved = asyncio.Event()
