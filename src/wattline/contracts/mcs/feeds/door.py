"""How a WebSocket of a feed is let in, and what it then is served.

Who may not listen is refused before the handshake, with the status and body that a request would get. A browser sees no more
than that the handshake failed, and its client gives up after some attempts; a connection that is accepted and closed again
would make it try for ever.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from typing import NamedTuple

from fastapi import WebSocket
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from wattline.contracts.mcs.errors import answer
from wattline.contracts.mcs.feeds import params, wire
from wattline.contracts.mcs.feeds.socket import Connection, Follower, Patience
from wattline.contracts.mcs.gate import Gate
from wattline.model.errors import Forbidden, Unauthenticated, WattlineError
from wattline.model.principal import Principal
from wattline.platform import Platform

RECHECK_SECONDS = 5.0
"""Seconds between two looks at the key of an open connection."""
DENIAL = "websocket.http.response"


class Asked(NamedTuple):
    """A client that was let in."""

    principal: Principal
    socket: WebSocket

    def query(self, name: str) -> str | None:
        """A parameter of the URL; an empty one was not given."""
        return self.socket.query_params.get(name) or None


Opened = Callable[[Asked], AbstractAsyncContextManager[Follower]]


class Door:
    """An ASGI application that serves one feed. `opened` makes the follower of a client, or raises what it is refused with."""

    def __init__(self, platform: Platform, gate: Gate, opened: Opened) -> None:
        self._clock = platform.clock
        self._stopping = platform.stopping
        self._gate = gate
        self._opened = opened
        self._recheck = RECHECK_SECONDS

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        socket = WebSocket(scope, receive, send)
        async with AsyncExitStack() as stack:
            try:
                admitted = await self._gate.listener(socket)
                patience = Patience(params.seconds(socket.query_params, "heartbeat"), self._recheck)
                stack.enter_context(self._gate.connected(admitted.principal))
                follower = await stack.enter_async_context(self._opened(Asked(admitted.principal, socket)))
            except Exception as error:
                await _refuse(answer(error), scope, receive, send)
                return
            await receive()
            await send({"type": "websocket.accept", "subprotocol": admitted.subprotocol, "headers": []})
            connection = Connection(receive, send, self._clock, self._stopping)
            await connection.serve(follower, patience, self._still(socket, admitted.principal))

    def _still(self, socket: WebSocket, principal: Principal) -> Callable[[], Awaitable[bool]]:
        async def held() -> bool:
            try:
                now = (await self._gate.listener(socket)).principal
            except (Unauthenticated, Forbidden):
                return False
            except WattlineError:
                # That the state store cannot be asked says nothing about the key.
                return True
            return (now.tenant, now.sites) == (principal.tenant, principal.sites)

        return held


async def _refuse(refusal: Response, scope: Scope, receive: Receive, send: Send) -> None:
    if DENIAL not in scope.get("extensions", {}):
        await send({"type": "websocket.close", "code": 1008, "reason": str(refusal.status_code)})
        return
    await receive()
    headers = refusal.raw_headers
    await send({"type": f"{DENIAL}.start", "status": refusal.status_code, "headers": headers})
    await send({"type": f"{DENIAL}.body", "body": refusal.body})
    wire.conclude(receive)
