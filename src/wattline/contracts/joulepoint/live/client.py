"""One reader of channels: what waits for it, bounded, and what it is told of what it missed."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import accumulate

from wattline.contracts.joulepoint.live.frames import Frame, dropped_frame

MOST_WAITING = 1_024
"""Frames that may wait; with one more, only the newest of each channel are kept."""
MOST_BYTES = 4 * 1024 * 1024
"""The same in bytes."""
MOST_TOGETHER = 256 * 1024 * 1024
"""Bytes that may wait for all clients of this process; beyond it each has `LESS`."""
LESS = 64 * 1024
AT_ONCE = 256
SENT = 256 * 1024
"""Bytes that are sent at once, or one frame: what the connection holds cannot be taken back."""


class Room:
    """How many bytes wait for all clients together. A frame for many counts for each."""

    def __init__(self) -> None:
        self.bytes = 0


class Client:
    """Filled without waiting, by lanes and by the conversation; emptied as fast as the reader reads."""

    def __init__(self, lost: Callable[[int], None], shared: Room | None = None) -> None:
        self._shared = Room() if shared is None else shared
        self.more = asyncio.Event()
        self._lost = lost
        self._said: list[Frame] = []
        self._waiting: list[Frame] = []
        self._bytes = 0
        self._dropped: Counter[str] = Counter()
        self._most = MOST_WAITING
        self._taken = asyncio.Event()
        self.filled = asyncio.Event()
        """Set once a source had to wait for the reader."""

    def say(self, frame: Frame) -> None:
        """Something about the connection itself: it is never left out, and goes first."""
        self._said.append(frame)
        self.more.set()

    def put(self, frame: Frame) -> None:
        """A frame of a channel."""
        self._waiting.append(frame)
        self._count(self._bytes + len(frame.payload))
        if len(self._waiting) > self._most or self._bytes > self._most_bytes():
            self._conflate()
        self.more.set()

    def _most_bytes(self) -> int:
        return MOST_BYTES if self._shared.bytes <= MOST_TOGETHER else LESS

    def _count(self, waiting: int) -> None:
        self._shared.bytes += waiting - self._bytes
        self._bytes = waiting

    def leave(self) -> None:
        """The reader has gone."""
        self._waiting.clear()
        self._count(0)

    def _conflate(self) -> None:
        newest = {frame.channel: number for number, frame in enumerate(self._waiting)}
        kept = sorted(newest.values())
        left = Counter(frame.channel for frame in self._waiting)
        left.subtract(newest.keys())
        self._dropped += left
        self._lost(len(self._waiting) - len(kept))
        some = [self._waiting[number] for number in kept]
        self._waiting = [frame.in_full() if left[frame.channel] else frame for frame in some]
        self._count(sum(len(frame.payload) for frame in self._waiting))
        self._most = max(MOST_WAITING, 2 * len(kept))

    def missed(self, channel: str, count: int) -> None:
        """Frames of a channel were lost before they came here."""
        self._dropped[channel] += count
        self._lost(count)

    def forget(self, channel: str) -> None:
        """The reader wants nothing more of a channel."""
        self._waiting = [frame for frame in self._waiting if frame.channel != channel]
        self._count(sum(len(frame.payload) for frame in self._waiting))
        self._dropped.pop(channel, None)

    @property
    def crowded(self) -> bool:
        """Whether more waits than is sent at once: a source that can wait should."""
        return len(self._waiting) >= AT_ONCE or self._bytes >= MOST_BYTES // 4

    async def room(self) -> None:
        """Wait until the reader has taken enough of what waits."""
        while self.crowded:
            self._taken.clear()
            self.filled.set()
            await self._taken.wait()

    def take(self) -> Sequence[Frame]:
        """What is to be sent next, in order."""
        found, self._said = self._said, []
        number = AT_ONCE
        if self._bytes > SENT:
            sums = accumulate(len(frame.payload) for frame in self._waiting[:AT_ONCE])
            number = max(1, sum(size <= SENT for size in sums))
        some, self._waiting = self._waiting[:number], self._waiting[number:]
        self._count(self._bytes - sum(len(frame.payload) for frame in some))
        self._taken.set()
        if not self._dropped:
            return [*found, *some]
        for frame in some:
            count = self._dropped.pop(frame.channel, 0)
            if count:
                found.append(dropped_frame(frame.channel, count))
            found.append(frame)
        return found
