"""Who asks: a token of OAuth 2.0 or an API key as `Authorization: Bearer`, its scopes, and how often it may ask."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Annotated, Any, Protocol

from fastapi import Request, Response, Security
from fastapi.routing import APIRoute
from fastapi.security import OAuth2
from starlette.exceptions import HTTPException
from starlette.types import Scope

from wattline.contracts.joulepoint import query
from wattline.contracts.joulepoint.problem import Problem, answer
from wattline.contracts.joulepoint.rates import Rates
from wattline.identity.limits import RateLimiter
from wattline.identity.oauth.model import TOKEN
from wattline.identity.service import Identity
from wattline.model.errors import Unauthenticated
from wattline.model.principal import ALL_SCOPES, JOULEPOINT, Principal
from wattline.settings import Settings

ENERGY_READ, ENERGY_WRITE, CONFIG_WRITE, EXPORT_READ = "energy:read", "energy:write", "config:write", "export:read"
PQ_READ, PQ_WRITE, TOPOLOGY_READ, TOPOLOGY_WRITE, ADMIN = "pq:read", "pq:write", "topology:read", "topology:write", "admin"

SCHEME = OAuth2(
    flows={"clientCredentials": {"tokenUrl": "/oauth/token", "scopes": {scope: scope for scope in sorted(JOULEPOINT)}}},
    scheme_name="JoulepointOAuth2",
    auto_error=False,
    description="A token from /oauth/token, or an API key with the same scopes.",
)
Documented = Annotated[str | None, Security(SCHEME)]
"""A parameter that lets the OpenAPI document say that a route asks for a token."""
REFUSED = "missing or invalid access token"


class Authority(Protocol):
    """Tells whose a token is (`wattline.identity.oauth`)."""

    async def authenticate(self, token: str | None) -> Principal:
        """Whose token this is now. Raises `Unauthenticated`."""
        ...


def bearer(text: str | None) -> str | None:
    """The token in the text of an `Authorization` header; None where it is of another kind."""
    kind, _, token = (text or "").strip().partition(" ")
    return token.strip() or None if kind.lower() == "bearer" else None


class Gate:
    """Tells the principal of a token. Where the server runs with `open`, a caller without a good one is the default tenant."""

    def __init__(self, identity: Identity, oauth: Authority, settings: Settings, limiter: RateLimiter) -> None:
        self._identity = identity
        self._oauth = oauth
        self._anybody = Principal(settings.default_tenant, "open", ALL_SCOPES) if settings.open else None
        self._rates = Rates(limiter, "credential", settings.joulepoint_rate, settings.joulepoint_burst)

    async def authenticate(self, token: str | None) -> Principal:
        """Whose token or key this is now. Raises `Unauthenticated`."""
        try:
            if token is not None and token.startswith(TOKEN):
                return await self._oauth.authenticate(token)
            known = None if token is None else self._identity.cached(token)
            return known or await self._identity.authenticate(token)
        except Unauthenticated:
            if self._anybody is None:
                raise Unauthenticated(REFUSED) from None
            return self._anybody

    async def admit(self, scope: Scope, authorization: str | None, *scopes: str) -> Principal:
        """Who shows this `Authorization` header, if it was granted every one of the scopes.

        `scope` is the request's, where its limit is noted for the answer. Raises `Unauthenticated`, and `Problem` 403 without a
        scope, 429 where it asks too often.
        """
        principal = await self.authenticate(bearer(authorization))
        self._rates.count(principal.key_id, scope)
        require(principal, *scopes)
        return principal

    def keyed(self, *scopes: str) -> type[APIRoute]:
        """Routes that ask for a token with all of these scopes before they read a body, and refuse parameters of the query that
        they do not know. `Admitted` then tells the principal.

        FastAPI itself reads the body first, and would tell a stranger what is wrong with it.
        """
        admit = self.admit

        class Keyed(APIRoute):
            def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
                handle = super().get_route_handler()
                known = query.parameters(self)

                async def admitted(request: Request) -> Response:
                    request.state.principal = await admit(request.scope, request.headers.get("authorization"), *scopes)
                    query.check(request, known)
                    try:
                        return await handle(request)
                    except HTTPException as error:
                        return answer(error, request.scope)

                return admitted

        return Keyed


def require(principal: Principal, *scopes: str) -> None:
    """Raise `Problem` 403 unless every one of the scopes was granted; it names them all (RFC 6750)."""
    if not principal.scopes.issuperset(scopes):
        needed = " ".join(scopes)
        challenge = f'Bearer error="insufficient_scope", scope="{needed}"'
        raise Problem(403, "insufficient_scope", f"this asks for the scope {needed}", headers={"WWW-Authenticate": challenge})


async def admitted(request: Request, _token: Documented = None) -> Principal:
    """The caller whom a route of `Gate.keyed` let in."""
    principal: Principal = request.state.principal
    return principal


Admitted = Annotated[Principal, Security(admitted)]
