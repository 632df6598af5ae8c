"""One open WebSocket, spoken to in plain ASGI messages: what is sent to many clients is made once, as a message."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, NamedTuple, Protocol

import msgspec
from starlette.types import Message, Receive, Send

from wattline.contracts.mcs.feeds import wire
from wattline.contracts.mcs.feeds.spelling import spell
from wattline.model.clock import Clock
from wattline.model.errors import Unavailable

GONE = 1005
RESTARTING = 1012
KEY_ENDED = 4401
LONGEST_COMMAND = 4096
AT_ONCE = 256
"""Messages that one client may be sent before others have their turn."""
AGAIN_SECONDS = 1.0

log = logging.getLogger(__name__)


class Closing(NamedTuple):
    """Why the server ends a connection: a code of RFC 6455 or of this contract, and words."""

    code: int
    reason: str


class Follower(Protocol):
    """What one client gets of a feed."""

    @property
    def more(self) -> asyncio.Event:
        """Set whenever `take` may have something."""
        ...

    async def take(self) -> Sequence[Message]:
        """What waits for this client, in order; empty where it has everything. May raise `Unavailable`, nothing being lost."""
        ...

    def ask_snapshot(self) -> None:
        """The client wants the present state."""
        ...


def text_message(shown: object) -> Message:
    """A frame as an ASGI message, that can be sent to any number of clients."""
    return {"type": "websocket.send", "text": msgspec.json.encode(shown).decode()}


def is_snapshot_command(text: str | None) -> bool:
    """Whether a client asks for the present state; whatever else it says is passed over."""
    if not text or len(text) > LONGEST_COMMAND:
        return False
    try:
        said: Any = json.loads(text)
    except (ValueError, RecursionError):
        return False
    return isinstance(said, dict) and said.get("type") == "snapshot"


class Patience(NamedTuple):
    """The intervals of a connection in seconds. `heartbeat` None sends none: protocol pings keep the connection."""

    heartbeat: float | None
    recheck: float


class Connection:
    """An accepted WebSocket until it ends, for whichever reason."""

    def __init__(self, receive: Receive, send: Send, clock: Clock, stopping: asyncio.Event) -> None:
        self._receive = receive
        self._send = send
        self._clock = clock
        self._stopping = stopping

    async def serve(self, follower: Follower, patience: Patience, allowed: Callable[[], Awaitable[bool]]) -> None:
        """Send what there is until the client has gone, the server stops, or `allowed` says no."""
        tasks = [
            asyncio.create_task(self._listen(follower)),
            asyncio.create_task(self._feed(follower)),
            asyncio.create_task(self._guard(patience, allowed)),
        ]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        closing = self._outcome(done)
        if closing is not None:
            with contextlib.suppress(OSError):
                await self._send({"type": "websocket.close", "code": closing.code, "reason": closing.reason})

    def _outcome(self, done: set[asyncio.Task[Closing | None]]) -> Closing | None:
        """Why the connection ends; None where the client has gone."""
        closing = None
        for task in done:
            error = task.exception()
            if error is None:
                closing = task.result() or closing
            elif not isinstance(error, OSError):
                log.error("a live feed failed", exc_info=error)
                closing = Closing(1011, "internal error")
        return closing

    async def _listen(self, follower: Follower) -> Closing | None:
        while True:
            message = await self._receive()
            if message["type"] == "websocket.disconnect":
                return None
            if is_snapshot_command(message.get("text")):
                follower.ask_snapshot()

    async def _feed(self, follower: Follower) -> Closing | None:
        deliver, more = wire.deliver(self._receive, self._send), follower.more
        while True:
            more.clear()
            try:
                messages = await follower.take()
            except Unavailable:
                await asyncio.sleep(AGAIN_SECONDS)
                continue
            if not messages:
                await more.wait()
                continue
            for start in range(0, len(messages), AT_ONCE):
                if start:
                    await asyncio.sleep(0)
                await deliver(messages[start : start + AT_ONCE])

    async def _guard(self, patience: Patience, allowed: Callable[[], Awaitable[bool]]) -> Closing | None:
        loop = asyncio.get_running_loop()
        check_at = loop.time() + patience.recheck
        beat_at = loop.time() + patience.heartbeat if patience.heartbeat is not None else None
        while True:
            due = check_at if beat_at is None else min(check_at, beat_at)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), max(0.0, due - loop.time()))
                return Closing(RESTARTING, "the server stops")
            if loop.time() >= check_at:
                if not await allowed():
                    return Closing(KEY_ENDED, "the key is not valid any more")
                check_at = loop.time() + patience.recheck
            if beat_at is not None and patience.heartbeat is not None and loop.time() >= beat_at:
                await self._send(text_message({"type": "heartbeat", "timestamp": spell(self._clock.micros())}))
                beat_at = loop.time() + patience.heartbeat
