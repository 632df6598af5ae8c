"""What waits to be sent on one connection: bounded, filled without waiting, emptied as fast as the client reads."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import NamedTuple

from wattline.contracts.flux.realtime.limits import Limits
from wattline.sockets import Deliver

TRY_AGAIN, INTERNAL = 1013, 1011
AT_ONCE = 256 * 1024
"""Bytes handed to the transport at a time."""


class Closing(NamedTuple):
    """Why the server ends a connection: a code of RFC 6455 and its registry, and words."""

    code: int
    reason: str


TOO_SLOW = Closing(TRY_AGAIN, "the client reads too slowly")
GAP = Closing(INTERNAL, "changes were lost on the way")


class Outbox:
    """A queue of frames. Once `broken` is done nothing more is taken: with one too many, or because it has a gap."""

    def __init__(self, limits: Limits) -> None:
        self.broken: asyncio.Future[Closing] = asyncio.get_running_loop().create_future()
        self.sent = 0
        """Bytes that the transport has taken."""
        self._limits = limits
        self._frames: deque[bytes] = deque()
        self._bytes = 0
        self._more = asyncio.Event()
        self._idle = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()

    def put(self, frame: bytes) -> None:
        """Have a frame sent after those that wait; one too many ends the connection."""
        if self.broken.done():
            return
        self._frames.append(frame)
        self._bytes += len(frame)
        self._more.set()
        if self._above(2):
            self._room.clear()
            if self._above(1):
                self._break(TOO_SLOW)

    def give_up(self) -> None:
        """End the connection: something that it should have been told is lost."""
        self._break(GAP)

    def _break(self, closing: Closing) -> None:
        self._frames.clear()
        self._bytes = 0
        self._room.set()
        if not self.broken.done():
            self.broken.set_result(closing)

    def _above(self, parts: int) -> bool:
        """Whether more waits than that part of what may."""
        return len(self._frames) * parts > self._limits.waiting_frames or self._bytes * parts > self._limits.waiting_bytes

    @property
    def crowded(self) -> bool:
        """Whether more than half of what may wait does."""
        return not self._room.is_set()

    async def room(self) -> None:
        """Wait until at most half of what may wait does, or the connection ends."""
        await self._room.wait()

    async def run(self, deliver: Deliver) -> None:
        """Send what there is until the client has gone (OSError)."""
        while True:
            self._idle.set()
            await self._more.wait()
            self._more.clear()
            self._idle.clear()
            while self._frames:
                taken, size = self._take()
                await deliver(taken)
                self.sent += size
                if self.crowded and not self._above(2):
                    self._room.set()

    def _take(self) -> tuple[list[bytes], int]:
        taken, size = [], 0
        while self._frames and size < AT_ONCE:
            frame = self._frames.popleft()
            size += len(frame)
            taken.append(frame)
        self._bytes -= size
        return taken, size

    async def flushed(self) -> None:
        """Wait until the transport has taken everything."""
        while self._more.is_set() or not self._idle.is_set():
            await self._idle.wait()
            await asyncio.sleep(0)
