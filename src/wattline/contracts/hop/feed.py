"""The last minutes of everything that happened, for clients that follow live or come back after a break.

There is one ring, and a client is a position in it: nothing is queued for a client, so a slow one costs nothing. It is
overtaken at last, is told so (`event: gap`), and goes on with what is new.
"""

from __future__ import annotations

import asyncio
from bisect import bisect_right
from collections.abc import Callable

from wattline.bus.protocol import Bus, Subscription
from wattline.contracts.hop.frames import LOST, Frame, Framer
from wattline.metrics import Metrics
from wattline.model.clock import MINUTE, Clock

TOPICS = ("rows", "event", "outage", "alert")
WAITING = 4_096
"""Messages of the bus that may wait to be taken into the ring."""
HELD_FOR = 15 * MINUTE
MOST_FRAMES = 400_000
"""Frames in the ring whatever their age: 13 minutes of 500 readings/s, and some 120 MB."""


class Batch:
    """The frames of one message, and the numbers that they took up."""

    __slots__ = ("first", "frames", "last", "message")

    def __init__(self, first: int, last: int, message: object) -> None:
        self.first, self.last, self.message = first, last, message
        self.frames: list[Frame] | None = None


class Feed:
    """The ring. Ids are microseconds of the clock, or the next number where it stands still: they grow over restarts."""

    def __init__(
        self,
        bus: Bus,
        framer: Framer,
        clock: Clock,
        metrics: Metrics,
        stopping: asyncio.Event,
        *,
        held_for: int = HELD_FOR,
        most_frames: int = MOST_FRAMES,
    ) -> None:
        self._bus = bus
        self._framer = framer
        self._clock = clock
        self._metrics = metrics
        self._stopping = stopping
        self._held_for = held_for
        self._most = most_frames
        self._batches: list[Batch] = []
        self._dropped = 0
        self._held = 0
        self._followers: set[Callable[[], None]] = set()
        self._tasks: list[asyncio.Task[None]] = []
        self._subscription: Subscription | None = None
        self.floor = 0
        """The newest number of which, or of what came before it, something may be missing here."""
        self.last = 0
        """The newest number given."""
        self.closed = False

    @property
    def end(self) -> int:
        """The position after the newest batch."""
        return self._dropped + len(self._batches)

    def start(self) -> None:
        """Begin to listen, once; called on the event loop."""
        if self._tasks or self.closed:
            return
        self.floor = self.last = self._clock.micros()
        self._subscription = self._bus.subscribe(TOPICS, size=WAITING)
        self._tasks = [
            asyncio.create_task(self._listen(self._subscription), name="live feed"),
            asyncio.create_task(self._stop(), name="live feed stop"),
        ]

    async def _listen(self, subscription: Subscription) -> None:
        async for delivery in subscription:
            if delivery.lost:
                self._metrics.stream_dropped.add(delivery.lost)
                self._forget_everything()
            self._append(delivery.message)
        self.close()

    async def _stop(self) -> None:
        await self._stopping.wait()
        self.close()

    def close(self) -> None:
        """End every client's stream."""
        self.closed = True
        if self._subscription is not None:
            self._subscription.close()
        self._wake()

    def _append(self, message: object) -> None:
        now = self._clock.micros()
        first = max(self.last + 1, now)
        self.last = first + (len(message) if isinstance(message, list) else 1) - 1
        self._batches.append(Batch(first, self.last, message))
        self._held += self.last - first + 1
        self._trim(now)
        self._wake()

    def _trim(self, now: int) -> None:
        gone = 0
        while gone < len(self._batches) - 1:
            batch = self._batches[gone]
            if self._held <= self._most and batch.last >= now - self._held_for:
                break
            self._held -= batch.last - batch.first + 1
            self.floor = batch.last
            gone += 1
        if gone:
            del self._batches[:gone]
            self._dropped += gone

    def _forget_everything(self) -> None:
        """Messages were lost on the way here: what is held is not whole any more, and everybody must be told."""
        self._dropped += len(self._batches) + 1
        self._batches.clear()
        self._held = 0
        self.floor = self.last = max(self.last + 1, self._clock.micros())

    def position(self, number: int | None) -> tuple[int, int | None]:
        """Where a client goes on that last saw this number; where it misses something, after which number no more."""
        if number is None:
            return self.end, None
        if number > self.last:
            return self.end, self.last
        if number < self.floor:
            return self._dropped, self.floor
        return self._dropped + bisect_right(self._batches, number, key=lambda batch: batch.last), None

    def batch(self, position: int) -> list[Frame] | None:
        """The frames at a position; None where they are held no more."""
        if position < self._dropped:
            return None
        batch = self._batches[position - self._dropped]
        if batch.frames is None:
            batch.frames = self._framer.frames(batch.message, batch.first)
            batch.message = None
        return batch.frames

    def follow(self, wake: Callable[[], None]) -> Callable[[], None]:
        """Call `wake` whenever there is more, until the function that is returned is called."""
        self._followers.add(wake)
        self._metrics.stream_subscribers.set(len(self._followers))

        def leave() -> None:
            self._followers.discard(wake)
            self._metrics.stream_subscribers.set(len(self._followers))

        return leave

    def _wake(self) -> None:
        for wake in tuple(self._followers):
            wake()


def gap(since: int | None, complete_after: int) -> Frame:
    """What tells a client that it missed something, and after which number nothing is missing again."""
    return Frame(complete_after, LOST, None, None, {"last_event_id": since, "complete_after": complete_after})
