"""The end of a tenant's event log in memory, for all who follow it: the log is read once, not once for each client.

A client is a position in the log. One that comes back, or is slow, reads on in the log itself until it has caught up, so
nothing is queued for it and nothing is lost.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import AsyncIterator, Callable
from itertools import islice

from starlette.types import Message

from wattline.bus.protocol import Bus, Subscription
from wattline.events.model import Event
from wattline.events.service import EventLog
from wattline.model.errors import Unavailable

TOPICS = ("alarm", "event", "outage")
"""What comes on these tells that there are new events. What comes on none is seen at the next tick."""
TICK_SECONDS = 0.5
HELD = 2000
BLOCK = 500
WAITING = 1024

log = logging.getLogger(__name__)


class Logged:
    """An event, and the messages that it has been made into."""

    __slots__ = ("event", "messages")

    def __init__(self, event: Event) -> None:
        self.event = event
        self.messages: dict[str, Message | None] = {}


class Tail:
    """The newest events of one tenant, without a gap: those after `floor`, up to `last`."""

    def __init__(self, events: EventLog, tenant: str, begin: int) -> None:
        self.tenant = tenant
        self.floor = self.last = begin
        self.clients = 0
        self._events = events
        self._held: deque[Logged] = deque()
        self._followers: set[Callable[[], None]] = set()
        self._wanted = asyncio.Event()
        self.task: asyncio.Task[None] | None = None

    def wake(self) -> None:
        """There may be more in the log."""
        self._wanted.set()

    def follow(self, wake: Callable[[], None]) -> Callable[[], None]:
        """Call `wake` whenever there is more, until the function that is returned is called."""
        self._followers.add(wake)
        return lambda: self._followers.discard(wake)

    async def run(self) -> None:
        """Keep up with the log."""
        while True:
            self._wanted.clear()
            try:
                found, upto = await self._events.after(self.tenant, self.last, BLOCK)
            except Unavailable:
                found, upto = [], self.last
            except Exception:
                log.exception("the event log could not be followed")
                found, upto = [], self.last
            if upto > self.last:
                self._append(found, upto)
            if len(found) < BLOCK:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._wanted.wait(), TICK_SECONDS)

    def _append(self, found: list[Event], upto: int) -> None:
        self._held.extend(map(Logged, found))
        while len(self._held) > HELD:
            self._held.popleft()
            self.floor += 1
        self.last = upto
        for wake in tuple(self._followers):
            wake()

    async def after(self, position: int) -> tuple[list[Logged], int]:
        """Events that follow a position, and the position after them. Raises `Unavailable`."""
        if position >= self.last:
            return [], position
        if position >= self.floor:
            return list(islice(self._held, position - self.floor, None)), self.last
        found, upto = await self._events.after(self.tenant, position, BLOCK)
        return [Logged(event) for event in found], upto


class Tails:
    """The tails of the tenants that have clients now."""

    def __init__(self, events: EventLog, bus: Bus, heard: Callable[[object], None]) -> None:
        """`heard` is given every message that says that there are new events."""
        self._events = events
        self._bus = bus
        self._heard = heard
        self._tails: dict[str, Tail] = {}
        self._subscription: Subscription | None = None
        self._task: asyncio.Task[None] | None = None

    @contextlib.asynccontextmanager
    async def following(self, tenant: str, wake: Callable[[], None]) -> AsyncIterator[tuple[Tail, int]]:
        """The tenant's tail and the last number of its log at this moment. Raises `Unavailable`."""
        last = await self._events.last_sequence(tenant)
        tail = self._join(tenant, last)
        leave = tail.follow(wake)
        try:
            yield tail, last
        finally:
            leave()
            self._leave(tail)

    def _join(self, tenant: str, last: int) -> Tail:
        if self._subscription is None:
            self._subscription = self._bus.subscribe(TOPICS, size=WAITING)
            self._task = asyncio.create_task(self._listen(self._subscription), name="live events")
        tail = self._tails.get(tenant)
        if tail is None:
            tail = self._tails[tenant] = Tail(self._events, tenant, last)
            tail.task = asyncio.create_task(tail.run(), name="tail of the event log")
        tail.clients += 1
        return tail

    def _leave(self, tail: Tail) -> None:
        tail.clients -= 1
        if tail.clients == 0:
            del self._tails[tail.tenant]
            if tail.task is not None:
                tail.task.cancel()

    async def _listen(self, subscription: Subscription) -> None:
        async for delivery in subscription:
            self._heard(delivery.message)
            for tail in self._tails.values():
                tail.wake()
