"""One open connection: it hears its client, sends what waits, and ends when it is idle, too slow, or the server stops."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable

from starlette.types import Receive, Send

from wattline import sockets as wire
from wattline.contracts.flux.caller import Caller
from wattline.contracts.flux.gate.words import SocketRefused
from wattline.contracts.flux.realtime import joining
from wattline.contracts.flux.realtime.conversation import Conversation
from wattline.contracts.flux.realtime.frames import Version
from wattline.contracts.flux.realtime.joining import Realtime
from wattline.contracts.flux.realtime.outbox import INTERNAL, Closing, Outbox
from wattline.model.clock import SECOND
from wattline.model.errors import WattlineError

TOO_LONG = Closing(1009, "the message is too long")
IDLE = Closing(1000, "no heartbeat")
RESTARTING = Closing(1012, "the server stops")
FAILED = Closing(INTERNAL, "internal error")

log = logging.getLogger(__name__)


class Connection:
    """An accepted WebSocket. `held` tells whether the key that opened it still holds."""

    def __init__(
        self,
        shared: Realtime,
        version: Version,
        caller: Caller,
        receive: Receive,
        send: Send,
        held: Callable[[], Awaitable[bool]],
    ) -> None:
        self._shared = shared
        self._receive = receive
        self._send = send
        self._held = held
        self._outbox = Outbox(shared.limits)
        self._conversation = Conversation(shared, version, caller, self._outbox)
        self._heard = asyncio.get_running_loop().time()
        self._changed = asyncio.Event()

    async def serve(self) -> None:
        """Until the client has gone or the server ends it."""
        ends = (self._listen, self._write, self._guard, self._stop, self._break)
        tasks: list[asyncio.Task[Closing | None]] = [asyncio.create_task(end()) for end in ends]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            closing = self._outcome(done)
            if closing is not None:
                await self._farewell(closing)
        finally:
            self._conversation.leave()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def _outcome(self, done: set[asyncio.Task[Closing | None]]) -> Closing | None:
        """Why the connection ends; None where the client has gone."""
        closing: Closing | None = None
        for task in done:
            error = task.exception()
            if error is None:
                closing = task.result() or closing
            elif isinstance(error, OSError):
                return None
            else:
                log.error("a realtime connection failed", exc_info=error)
                closing = FAILED
        return closing

    async def _farewell(self, closing: Closing) -> None:
        try:
            async with asyncio.timeout(self._shared.limits.farewell_seconds):
                await self._outbox.flushed()
                await self._send({"type": "websocket.close", "code": closing.code, "reason": closing.reason})
        except TimeoutError:
            wire.abort(self._receive)
        except OSError:
            pass

    async def _listen(self) -> Closing | None:
        loop, most = asyncio.get_running_loop(), self._shared.limits.message_bytes
        while True:
            message = await self._receive()
            if message["type"] == "websocket.disconnect":
                raise ConnectionResetError
            self._heard = loop.time()
            text, data = message.get("text"), message.get("bytes")
            if len(text or data or "") > most:
                return TOO_LONG
            closing = await self._conversation.text(text) if text is not None else self._conversation.binary(data or b"")
            self._changed.set()
            if closing is not None:
                return closing

    async def _write(self) -> Closing | None:
        await self._outbox.run(wire.deliver(self._receive, self._send))
        return None

    async def _stop(self) -> Closing | None:
        await self._shared.stopping.wait()
        return RESTARTING

    async def _break(self) -> Closing | None:
        return await self._outbox.broken

    async def _guard(self) -> Closing | None:
        """Look at the clock when the next thing can be due."""
        loop, limits = asyncio.get_running_loop(), self._shared.limits
        check_at = loop.time() + limits.recheck_seconds
        while True:
            self._changed.clear()
            now = loop.time()
            if now >= self._heard + limits.idle_seconds:
                return IDLE
            self._expire()
            if now >= check_at:
                await self._recheck()
                check_at = loop.time() + limits.recheck_seconds
            due = min(check_at, self._heard + limits.idle_seconds, now + self._next_expiry())
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout_at(due):
                    await self._changed.wait()

    def _next_expiry(self) -> float:
        """Seconds until the next token ends."""
        ends = [found.channel.caller.expires for found in self._conversation.joined.values()]
        now = self._shared.clock.micros()
        return min(((end - now) / SECOND for end in ends if end is not None), default=float("inf"))

    def _expire(self) -> None:
        for found in tuple(self._conversation.joined.values()):
            if joining.expired(found.channel.caller, self._shared.clock):
                self._conversation.expel(found.channel, joining.EXPIRED)

    async def _recheck(self) -> None:
        """End the channels whose token does not hold any more. That the store cannot be asked says nothing about a token."""
        held: bool | None = None
        for found in tuple(self._conversation.joined.values()):
            channel = found.channel
            try:
                if channel.token is None:
                    held = await self._held() if held is None else held
                    if not held:
                        self._conversation.expel(channel, "The API key does not hold any more")
                else:
                    await joining.caller_of(self._shared, channel.token, self._conversation.caller)
            except SocketRefused as refused:
                self._conversation.expel(channel, refused.message)
            except WattlineError:
                continue
