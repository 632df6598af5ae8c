"""How a WebSocket is let in. Who may not have one is refused before the handshake, with a status and a JSON body."""

from __future__ import annotations

from collections import Counter
from urllib.parse import parse_qs

from starlette.types import Receive, Scope, Send

from wattline import sockets as wire
from wattline.contracts.flux.caller import Caller
from wattline.contracts.flux.gate.credentials import SOCKET_HEADERS, offered
from wattline.contracts.flux.gate.words import SocketRefused
from wattline.contracts.flux.realtime.frames import VERSIONS, Version
from wattline.contracts.flux.realtime.joining import Realtime
from wattline.contracts.flux.realtime.socket import Connection
from wattline.identity.service import Identity
from wattline.model.errors import Unavailable

DENIAL = "websocket.http.response"
JSON = (b"content-type", b"application/json; charset=utf-8")


class Door:
    """The ASGI application of the endpoint. `open_to_all`: the server runs without keys."""

    def __init__(self, shared: Realtime, identity: Identity, open_to_all: bool) -> None:
        self._shared = shared
        self._identity = identity
        self._open_to_all = open_to_all
        self._sockets: Counter[str] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            version = _version(scope)
            caller = await self._shared.gate.admit_socket(scope)
            if self._sockets[caller.tenant] >= self._shared.limits.sockets:
                raise SocketRefused(429, "ConnectionRateLimitReached", "Too many connected users", {"Retry-After": "1"})
        except SocketRefused as refused:
            await _refuse(refused, scope, receive, send)
            return
        except Unavailable as error:
            await _refuse(SocketRefused(503, "Unavailable", str(error), {"Retry-After": "1"}), scope, receive, send)
            return
        self._sockets[caller.tenant] += 1
        try:
            await self._serve(version, caller, scope, receive, send)
        finally:
            self._sockets[caller.tenant] -= 1
            if not self._sockets[caller.tenant]:
                del self._sockets[caller.tenant]

    async def _serve(self, version: Version, caller: Caller, scope: Scope, receive: Receive, send: Send) -> None:
        async def held() -> bool:
            apikey, _ = offered(scope, SOCKET_HEADERS)
            key = None if apikey is None else await self._identity.role_key(apikey)
            return self._open_to_all or (key is not None and key.tenant == caller.tenant)

        await receive()
        try:
            await send({"type": "websocket.accept", "subprotocol": None, "headers": []})
        except OSError:
            return
        await Connection(self._shared, version, caller, receive, send, held).serve()


def _version(scope: Scope) -> Version:
    asked = parse_qs(scope["query_string"].decode("latin-1")).get("vsn", ["1.0.0"])[0]
    version = VERSIONS.get(asked)
    if version is None:
        raise SocketRefused(400, "UnsupportedVersion", f"The serializer must be one of {', '.join(VERSIONS)}")
    return version


async def _refuse(refused: SocketRefused, scope: Scope, receive: Receive, send: Send) -> None:
    if DENIAL not in scope.get("extensions", {}):
        await send({"type": "websocket.close", "code": 1008, "reason": refused.message})
        return
    await receive()
    headers = [JSON, *((name.lower().encode(), value.encode()) for name, value in refused.headers.items())]
    await send({"type": f"{DENIAL}.start", "status": refused.status, "headers": headers})
    await send({"type": f"{DENIAL}.body", "body": refused.body})
    wire.conclude(receive)
