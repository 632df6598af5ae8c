"""Who asks: the key of a request or a WebSocket, its scopes, and how often it may ask.

A key comes in `X-API-Key` or as `Authorization: Bearer KEY`. Browsers can set no header on a WebSocket: there it may also be
`?api_key=KEY` or `?token=KEY`, or the second of two subprotocols (`api_key, KEY` or `bearer, KEY`). No log holds a query.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator, Mapping
from typing import Annotated, Any, NamedTuple

from fastapi import Request, Response, Security, WebSocket
from fastapi.routing import APIRoute
from fastapi.security import APIKeyHeader, HTTPAuthorizationCredentials, HTTPBearer
from starlette.types import Scope

from wattline.contracts.mcs.errors import TooMany
from wattline.identity.limits import RateLimiter
from wattline.identity.service import Identity
from wattline.model.clock import DAY, MINUTE, SECOND
from wattline.model.errors import Unauthenticated
from wattline.model.principal import ALL_SCOPES, Principal
from wattline.settings import Settings

HEADER = APIKeyHeader(
    name="X-API-Key", auto_error=False, scheme_name="McsApiKey", description="The API key of the account, or of one use of it."
)
BEARER = HTTPBearer(auto_error=False, scheme_name="McsBearer", description="The same key as a bearer token.")
Documented = Annotated[str | None, Security(HEADER)]
DocumentedBearer = Annotated[HTTPAuthorizationCredentials | None, Security(BEARER)]

LONG_SPAN = 90 * DAY
SUBPROTOCOLS = ("api_key", "bearer")
RATE = "wattline.rate"
"""Where the limit and what is left of it are put into the ASGI scope of a request."""


class Terms(NamedTuple):
    """What one key may: requests and long telemetry queries within a minute, WebSockets at a time. None is no limit."""

    requests: int | None = None
    long_queries: int | None = None
    sockets: int | None = None


class Admitted(NamedTuple):
    """Who opened a WebSocket, and the subprotocol to accept it with."""

    principal: Principal
    subprotocol: str | None


def _bearer(text: str | None) -> str | None:
    kind, _, key = (text or "").partition(" ")
    return key.strip() or None if kind.lower() == "bearer" else None


def offered(headers: Mapping[str, str]) -> str | None:
    """The key that the headers of a request hold; an empty one is none."""
    return headers.get("x-api-key") or _bearer(headers.get("authorization"))


class Gate:
    """Tells the principal of a key. Where the server runs with `open`, a caller without a good key is the default tenant."""

    def __init__(self, identity: Identity, settings: Settings, limiter: RateLimiter, terms: Terms) -> None:
        self._identity = identity
        self._anybody = Principal(settings.default_tenant, "open", ALL_SCOPES) if settings.open else None
        self._limiter = limiter
        self._terms = terms
        self._sockets: Counter[str] = Counter()

    async def authenticate(self, secret: str | None) -> Principal:
        """The principal of a key. Raises `Unauthenticated`."""
        known = self._identity.cached(secret) if secret is not None else None
        if known is not None:
            return known
        try:
            return await self._identity.authenticate(secret)
        except Unauthenticated:
            if self._anybody is None:
                raise
            return self._anybody

    async def admit(self, scope: Scope, secret: str | None, access: str) -> Principal:
        """Who sent this request. Raises `Unauthenticated`, `Forbidden` without the scope, `TooMany` where it asks too often."""
        principal = await self.authenticate(secret)
        principal.require(access)
        limit = self._terms.requests
        if limit is not None:
            scope[RATE] = (limit, self._take("requests", principal, limit, "Rate limit exceeded"))
        return principal

    def _take(self, kind: str, principal: Principal, limit: int, words: str) -> int:
        taken = self._limiter.take(("mcs", kind, principal.key_id), limit * SECOND / MINUTE, limit)
        if not taken.allowed:
            raise TooMany(words, limit, taken.retry_after)
        return taken.remaining

    async def reader(self, request: Request, _key: Documented = None, _bearer: DocumentedBearer = None) -> Principal:
        """A caller who may query (query:read)."""
        return await self.admit(request.scope, offered(request.headers), "query:read")

    def keyed(self, access: str) -> type[APIRoute]:
        """Routes that ask for a key of this scope before they read a body.

        FastAPI itself reads the body first, and would tell a stranger what is wrong with it.
        """
        admit = self.admit

        class Keyed(APIRoute):
            def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
                handle = super().get_route_handler()

                async def admitted(request: Request) -> Response:
                    request.state.principal = await admit(request.scope, offered(request.headers), access)
                    return await handle(request)

                return admitted

        return Keyed

    async def admitted(self, request: Request, _key: Documented = None, _bearer: DocumentedBearer = None) -> Principal:
        """The caller whom a route of `keyed` admitted."""
        principal: Principal = request.state.principal
        return principal

    def long_query(self, principal: Principal, span: int) -> None:
        """Count a telemetry query of `span` microseconds where it is above 90 days. Raises `TooMany`."""
        limit = self._terms.long_queries
        if limit is not None and span > LONG_SPAN:
            self._take("long", principal, limit, "Too many telemetry queries of more than 90 days")

    async def listener(self, socket: WebSocket) -> Admitted:
        """Who opens a WebSocket, and how to accept it. Raises `Unauthenticated`, or `Forbidden` without query:read."""
        protocols = [each.strip() for each in socket.headers.get("sec-websocket-protocol", "").split(",") if each.strip()]
        secret = offered(socket.headers) or socket.query_params.get("api_key") or socket.query_params.get("token")
        if secret is None and len(protocols) > 1 and protocols[0].lower() in SUBPROTOCOLS:
            secret = protocols[1]
        principal = await self.authenticate(secret)
        principal.require("query:read")
        return Admitted(principal, protocols[0] if protocols else None)

    @contextlib.contextmanager
    def connected(self, principal: Principal) -> Iterator[None]:
        """Count an open WebSocket of the key for the length of the block. Raises `TooMany` where it has as many as it may."""
        limit = self._terms.sockets
        if limit is not None and self._sockets[principal.key_id] >= limit:
            raise TooMany("Too many WebSocket connections", limit, 1)
        self._sockets[principal.key_id] += 1
        try:
            yield
        finally:
            self._sockets[principal.key_id] -= 1
            if not self._sockets[principal.key_id]:
                del self._sockets[principal.key_id]
