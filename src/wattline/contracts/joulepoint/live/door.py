"""WS /ws/energy/live: how a connection is let in, and its life until it ends.

A token comes as the second of two subprotocols (`bearer, TOKEN`), in the header `Authorization`, or in the first message. Never
in the URL, which logs keep: a query is refused before the handshake. Everything else that a client may do wrong is told by the
code that the connection is closed with, since a browser shows nothing else.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Mapping
from typing import Any

import msgspec
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from wattline import sockets
from wattline.contracts.joulepoint.gate import bearer
from wattline.contracts.joulepoint.live.client import Client
from wattline.contracts.joulepoint.live.conversation import Conversation, Live
from wattline.contracts.joulepoint.live.frames import Frame, said, spelled
from wattline.contracts.joulepoint.live.visitors import NO_TOKEN, TOO_LATE, TOO_MANY, Closing, Visitors
from wattline.contracts.joulepoint.problem import Problem, answer
from wattline.model.errors import Unavailable
from wattline.model.principal import Principal

PATH = "/ws/energy/live"
TOO_LONG, RESTARTING, INTERNAL = 1009, 1012, 1011
LONGEST_COMMAND = 64 * 1024
COMMANDS_AT_ONCE, COMMANDS_PER_SECOND = 100, 20.0
FAREWELL_SECONDS = 5.0
DENIAL = "websocket.http.response"

log = logging.getLogger(__name__)


class Gone(Exception):
    """The client has gone."""


class Door:
    """The ASGI application."""

    def __init__(self, live: Live, visitors: Visitors) -> None:
        self._live = live
        self._visitors = visitors

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope.get("query_string"):
            refusal = Problem(400, "bad_parameter", "a token does not belong into a URL, and there are no parameters")
            await _refuse(answer(refusal, scope), scope, receive, send)
            return
        await receive()
        offered, token = _offered(Headers(scope=scope))
        await send({"type": "websocket.accept", "subprotocol": offered, "headers": []})
        try:
            await Connection(self._visitors, self._live, receive, send).serve(token)
        except Gone:
            return
        except Unavailable:
            closing = Closing(1013, "try again later")
        except Closing as error:
            closing = error
        with contextlib.suppress(OSError, TimeoutError):
            async with asyncio.timeout(FAREWELL_SECONDS):
                await send({"type": "websocket.close", "code": closing.code, "reason": str(closing)})


class Connection:
    """An accepted WebSocket until it ends."""

    def __init__(self, visitors: Visitors, live: Live, receive: Receive, send: Send) -> None:
        self._visitors = visitors
        self._live = live
        self._receive = receive
        self._send = send
        self._deliver = sockets.deliver(receive, send)
        self._client = Client(live.hub.lost, live.hub.room)
        self._sending_since: float | None = None
        self._spare = float(COMMANDS_AT_ONCE)
        self._spare_at = asyncio.get_running_loop().time()

    async def serve(self, token: str | None) -> None:
        """Serve until the end. Raises `Closing` or `Gone`."""
        if token is None:
            token = await self._hello()
        caller = await self._visitors.admit(token)
        with self._visitors.counted(caller):
            conversation = Conversation(self._live, caller, self._client)
            now = spelled(self._live.clock.micros())
            self._client.say(said({"op": "hello", "t": now, "ping_s": self._visitors.patience.ping}))
            try:
                await self._run(conversation, token, caller)
            finally:
                conversation.leave()

    async def _run(self, conversation: Conversation, token: str, caller: Principal) -> None:
        ends = (self._listen(conversation), self._feed(conversation), self._guard(token, caller), self._stop())
        tasks = [asyncio.create_task(end) for end in ends]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        errors = [error for task in done if (error := task.exception()) is not None]
        for kind in (Closing, Gone):
            for error in errors:
                if isinstance(error, kind):
                    raise error
        if any(not isinstance(error, OSError) for error in errors):
            log.error("a live connection failed", exc_info=errors[0])
            raise Closing(INTERNAL, "internal error")
        raise Gone

    async def _message(self) -> Message:
        message = await self._receive()
        if message["type"] == "websocket.disconnect":
            raise Gone
        if len(message.get("text") or message.get("bytes") or "") > LONGEST_COMMAND:
            raise Closing(TOO_LONG, "the message is too long")
        return message

    async def _hello(self) -> str:
        try:
            async with asyncio.timeout(self._visitors.patience.hello):
                message = await self._message()
        except TimeoutError:
            raise Closing(TOO_LATE, "the first message did not come in time") from None
        token = _said_token(message.get("text"))
        if token is None:
            raise Closing(NO_TOKEN, 'the first message is {"op": "auth", "token": ...}')
        return token

    async def _listen(self, conversation: Conversation) -> None:
        while True:
            message = await self._message()
            self._count()
            await conversation.text(message.get("text") or "")

    def _count(self) -> None:
        now = asyncio.get_running_loop().time()
        self._spare = min(COMMANDS_AT_ONCE, self._spare + (now - self._spare_at) * COMMANDS_PER_SECOND) - 1
        self._spare_at = now
        if self._spare < 0:
            raise Closing(TOO_MANY, "too many commands")

    async def _feed(self, conversation: Conversation) -> None:
        loop, client = asyncio.get_running_loop(), self._client
        while True:
            client.more.clear()
            frames = await waiting(client, conversation)
            if frames:
                self._sending_since = loop.time()
                await self._deliver([frame.wire for frame in frames])
                self._sending_since = None
                await asyncio.sleep(0)
                continue
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._visitors.patience.tick if conversation.followings else None):
                    await client.more.wait()

    async def _guard(self, token: str, caller: Principal) -> None:
        loop, patience = asyncio.get_running_loop(), self._visitors.patience
        check_at, ping_at = loop.time() + patience.recheck, loop.time() + patience.ping
        while True:
            await asyncio.sleep(max(0.0, min(check_at, ping_at) - loop.time()))
            now = loop.time()
            if self._sending_since is not None and now - self._sending_since > patience.stalled:
                sockets.abort(self._receive)
                raise Closing(TOO_LATE, "the client reads too slowly")
            if now >= check_at:
                if not await self._visitors.holds(token, caller):
                    raise Closing(NO_TOKEN, "the token does not hold any more")
                check_at = loop.time() + patience.recheck
            if now >= ping_at:
                self._client.say(said({"op": "ping", "t": spelled(self._live.clock.micros())}))
                ping_at = now + patience.ping

    async def _stop(self) -> None:
        await self._visitors.stopping.wait()
        raise Closing(RESTARTING, "the server stops")


async def waiting(client: Client, conversation: Conversation) -> list[Frame]:
    """What is to be sent to a client now: what waits for it, and of the log what there is room for."""
    frames = [*client.take()]
    for following in tuple(conversation.followings.values()):
        if following.overdue():
            frames.append(said({"op": "redelivery", "channel": following.channel, "after": following.position.text()}))
        with contextlib.suppress(Unavailable):
            frames += await following.take()
    return frames


def _offered(headers: Mapping[str, str]) -> tuple[str | None, str | None]:
    """The subprotocol to accept, and the token."""
    parts = [part.strip() for part in headers.get("sec-websocket-protocol", "").split(",") if part.strip()]
    if parts and parts[0].lower() == "bearer":
        return parts[0], parts[1] if len(parts) == 2 else ""
    return None, bearer(headers.get("authorization"))


def _said_token(text: str | None) -> str | None:
    try:
        found: Any = msgspec.json.decode(text or "")
    except (ValueError, RecursionError):
        return None
    token = found.get("token") if isinstance(found, dict) and found.get("op") == "auth" else None
    return token if isinstance(token, str) else None


async def _refuse(refusal: Response, scope: Scope, receive: Receive, send: Send) -> None:
    if DENIAL not in scope.get("extensions", {}):
        await send({"type": "websocket.close", "code": 1008, "reason": str(refusal.status_code)})
        return
    await receive()
    await send({"type": f"{DENIAL}.start", "status": refusal.status_code, "headers": refusal.raw_headers})
    await send({"type": f"{DENIAL}.body", "body": refusal.body})
    sockets.conclude(receive)
