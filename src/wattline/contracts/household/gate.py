"""Who asks: the key in `Authorization`, with `Bearer` or without, or the secret in a body."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Annotated, Any

from fastapi import Request, Response, Security
from fastapi.routing import APIRoute
from fastapi.security import APIKeyHeader
from starlette.exceptions import HTTPException

from wattline.contracts.household.errors import answer
from wattline.identity.service import Identity
from wattline.model.errors import NotFound, Unauthenticated
from wattline.model.principal import ALL_SCOPES, Principal
from wattline.settings import Settings

READ, ADMIN, ML, CRON = "household:read", "household:admin", "household:ml", "household:cron"
"""What a key may do: read the household that it is limited to, manage, classify, run periodic work."""

HEADER = APIKeyHeader(
    name="Authorization",
    auto_error=False,
    scheme_name="HouseholdKey",
    description="The key or token itself, or `Bearer` and the key.",
)
Documented = Annotated[str | None, Security(HEADER)]
"""A parameter that lets the OpenAPI document say that a route asks for a key."""

NO_HOUSEHOLD = "no such household"
REFUSED = "missing or invalid key"


def secret_of(text: str | None) -> str | None:
    """The key in the text of an `Authorization` header; None for an empty one."""
    held = (text or "").strip()
    kind, _, rest = held.partition(" ")
    return (rest.strip() if kind.lower() == "bearer" else held) or None


class Gate:
    """Tells the principal of a key. Where the server runs with `open`, a caller without a good key is the default tenant."""

    def __init__(self, identity: Identity, settings: Settings) -> None:
        self._identity = identity
        self._anybody = Principal(settings.default_tenant, "open", ALL_SCOPES) if settings.open else None

    async def _authenticate(self, key: str | None) -> Principal:
        try:
            return await self._identity.authenticate(secret_of(key))
        except Unauthenticated:
            if self._anybody is None:
                raise
            return self._anybody

    async def admit(self, key: str | None, scope: str) -> Principal:
        """Who shows this key, the whole text of the `Authorization` header or of a body's secret.

        Raises `Unauthenticated`, also without the scope: a household's token is no admin's. Only READ is for keys that are
        limited to sites.
        """
        principal = await self._authenticate(key)
        if scope not in principal.scopes or (scope != READ and principal.sites is not None):
            raise Unauthenticated(REFUSED)
        return principal

    async def household(self, key: str | None, user_id: str) -> Principal:
        """Who shows this key, if it may see this household: its own token, or an admin's key.

        Raises `Unauthenticated`, and `NotFound` for a token of another household, whether this one exists or not. That it
        exists in the tenant is for the caller to look up, with the same words.
        """
        principal = await self._authenticate(key)
        if principal.sites is None:
            if ADMIN not in principal.scopes:
                raise Unauthenticated(REFUSED)
        elif READ not in principal.scopes:
            raise Unauthenticated(REFUSED)
        elif user_id not in principal.sites:
            raise NotFound(NO_HOUSEHOLD)
        return principal

    def keyed(self, scope: str) -> type[APIRoute]:
        """Routes that ask for a key of this scope before they read a body; `admitted` then tells the principal."""

        async def ask(request: Request) -> Principal:
            return await self.admit(request.headers.get("authorization"), scope)

        return _asking(ask)

    def owned(self) -> type[APIRoute]:
        """The same for routes with a path parameter `user_id`: a household's own token opens them, and an admin's key."""

        async def ask(request: Request) -> Principal:
            return await self.household(request.headers.get("authorization"), request.path_params["user_id"])

        return _asking(ask)


def _asking(ask: Callable[[Request], Coroutine[Any, Any, Principal]]) -> type[APIRoute]:
    """FastAPI itself reads the body first, and would tell a stranger what is wrong with it."""

    class Keyed(APIRoute):
        def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
            handle = super().get_route_handler()

            async def asked(request: Request) -> Response:
                request.state.principal = await ask(request)
                try:
                    return await handle(request)
                except HTTPException as error:
                    return answer(error)

            return asked

    return Keyed


async def admitted(request: Request, _key: Documented = None) -> Principal:
    """The caller whom a route of `Gate.keyed` or `Gate.owned` let in."""
    principal: Principal = request.state.principal
    return principal


Admitted = Annotated[Principal, Security(admitted)]
