"""A handler that a test can hold, break and look into."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from wattline.gateways.model import Category, Message
from wattline.model.errors import Unauthenticated
from wattline.model.principal import Principal

PATIENCE = 15.0


async def until(ready: Callable[[], bool]) -> None:
    """Wait for something that nobody announces."""
    async with asyncio.timeout(PATIENCE):
        while not ready():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


class Inbox:
    """Keeps what it is given. While `gate` is not set it does not return, as a commit that takes its time."""

    def __init__(self) -> None:
        self.calls: list[list[Message]] = []
        self.taken: list[Message] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.fail: Callable[[Sequence[Message]], Exception | None] = lambda _: None
        self._changed = asyncio.Condition()

    async def handle(self, messages: Sequence[Message]) -> None:
        async with self._changed:
            self.calls.append(list(messages))
            self._changed.notify_all()
        error = self.fail(messages)
        if error is not None:
            raise error
        await self.gate.wait()
        async with self._changed:
            self.taken.extend(messages)
            self._changed.notify_all()

    async def until(self, ready: Callable[[], bool]) -> None:
        """Wait for something that a call changes."""
        async with asyncio.timeout(PATIENCE), self._changed:
            await self._changed.wait_for(ready)

    async def has(self, count: int) -> list[Message]:
        """Wait until so many messages were taken."""
        await self.until(lambda: len(self.taken) >= count)
        return self.taken

    def payloads(self) -> list[bytes]:
        return [message.payload for message in self.taken]


class Letters:
    """Dead letters, in a list."""

    def __init__(self) -> None:
        self.found: list[tuple[str, str, bytes, Category, str]] = []

    def add(self, tenant: str, topic: str, payload: bytes, category: Category, message: str) -> None:
        self.found.append((tenant, topic, payload, category, message))


class KeyRing:
    """Keys by their secret."""

    def __init__(self, **keys: Principal) -> None:
        self.keys = dict(keys)

    async def authenticate(self, secret: str | None) -> Principal:
        try:
            return self.keys[secret or ""]
        except KeyError:
            raise Unauthenticated("missing or invalid API key") from None
