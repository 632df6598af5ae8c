"""The bus inside one process: a queue for every reader, filled on the event loop's thread."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Self

from wattline.bus.protocol import OVERFLOWED, SHUT_DOWN, Delivery, Overflow, check_pattern, matches
from wattline.model.errors import Invalid

# Topics may carry a site's or a device's name, so what is remembered of them is bounded.
REMEMBERED_TOPICS = 4096


class MemorySubscription:
    """One reader's queue; made by `MemoryBus.subscribe`. `dropped` and `reason` are as in `protocol.Subscription`."""

    def __init__(
        self, patterns: tuple[str, ...], size: int, overflow: Overflow, forget: Callable[[MemorySubscription], None]
    ) -> None:
        self.patterns = patterns
        self.dropped = 0
        self.reason: str | None = None
        self._size = size
        self._overflow = overflow
        self._forget = forget
        self._queue: deque[tuple[str, object]] = deque()
        self._lost = 0
        self._waiting: asyncio.Future[None] | None = None

    def put(self, topic: str, message: object) -> None:
        """Queue one message, or do what was agreed for when there is no room."""
        if self.reason is not None:
            return
        if len(self._queue) >= self._size:
            if self._overflow == "close":
                self.close(OVERFLOWED)
                return
            self._queue.popleft()
            self._lost += 1
            self.dropped += 1
        self._queue.append((topic, message))
        self._wake()

    def close(self, reason: str = "closed") -> None:
        if self.reason is None:
            self.reason = reason
            self._forget(self)
            self._wake()

    def _wake(self) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Delivery:
        while not self._queue:
            if self.reason is not None:
                raise StopAsyncIteration
            if self._waiting is not None:
                raise RuntimeError("a subscription has one reader")
            self._waiting = asyncio.get_running_loop().create_future()
            try:
                await self._waiting
            finally:
                self._waiting = None
        topic, message = self._queue.popleft()
        lost, self._lost = self._lost, 0
        return Delivery(topic, message, lost)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


class MemoryBus:
    """The bus of one process and one event loop; see `protocol.Bus`."""

    def __init__(self) -> None:
        self._subscriptions: list[MemorySubscription] = []
        self._routes: dict[str, tuple[MemorySubscription, ...]] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._dropped = 0

    @property
    def dropped(self) -> int:
        """Messages lost to overflow by any subscription, past or present."""
        return self._dropped + sum(subscription.dropped for subscription in self._subscriptions)

    @property
    def subscriptions(self) -> int:
        """How many subscriptions are open."""
        return len(self._subscriptions)

    def publish(self, topic: str, message: object) -> None:
        route = self._routes.get(topic)
        if route is None:
            route = self._route(topic)
        for subscription in route:
            subscription.put(topic, message)

    def publish_threadsafe(self, topic: str, message: object) -> None:
        loop = self._loop
        # Before the first subscription there is nobody to tell, and after the loop's end neither.
        if loop is None or loop.is_closed():
            return
        loop.call_soon_threadsafe(self.publish, topic, message)

    def subscribe(self, topics: Iterable[str], *, size: int, overflow: Overflow = "drop_oldest") -> MemorySubscription:
        if size < 1:
            raise Invalid("a subscription holds at least one message", "size")
        patterns = tuple(check_pattern(topic) for topic in topics)
        self._loop = asyncio.get_running_loop()
        subscription = MemorySubscription(patterns, size, overflow, self._forget)
        self._subscriptions.append(subscription)
        self._routes.clear()
        return subscription

    def close(self) -> None:
        """Close every subscription with the reason `shutdown`: their readers finish what they hold and end."""
        for subscription in tuple(self._subscriptions):
            subscription.close(SHUT_DOWN)

    def _forget(self, subscription: MemorySubscription) -> None:
        self._dropped += subscription.dropped
        self._subscriptions.remove(subscription)
        self._routes.clear()

    def _route(self, topic: str) -> tuple[MemorySubscription, ...]:
        if "*" in check_pattern(topic):
            raise Invalid(f"not a topic: {topic!r}", "topic")
        if len(self._routes) >= REMEMBERED_TOPICS:
            self._routes.clear()
        route = tuple(
            subscription
            for subscription in self._subscriptions
            if any(matches(pattern, topic) for pattern in subscription.patterns)
        )
        self._routes[topic] = route
        return route
