"""Who asks: the X-API-Key header, and nothing else. Keys are not taken from URLs, because URLs end up in logs."""

from __future__ import annotations

from typing import Annotated

from fastapi import Request, Security
from fastapi.security import APIKeyHeader

from wattline.identity.service import Identity
from wattline.model.errors import Unauthenticated
from wattline.model.principal import ALL_SCOPES, Principal
from wattline.settings import Settings

HEADER = APIKeyHeader(name="X-API-Key", auto_error=False, description="The pre-shared key of the account.")


class Gate:
    """Tells the principal of a key. Where the server runs with `open`, a caller without a good key is the default tenant."""

    def __init__(self, identity: Identity, settings: Settings) -> None:
        self._identity = identity
        self._anybody = Principal(settings.default_tenant, "open", ALL_SCOPES) if settings.open else None
        self.cached = identity.cached

    async def authenticate(self, secret: str | None) -> Principal:
        """The principal of a key. Raises `Unauthenticated`."""
        if self._anybody is None:
            return await self._identity.authenticate(secret)
        try:
            return await self._identity.authenticate(secret)
        except Unauthenticated:
            return self._anybody

    async def reader(self, request: Request, _documented: Annotated[str | None, Security(HEADER)] = None) -> Principal:
        """A caller who may query. Raises `Unauthenticated`, or `Forbidden` without the scope query:read."""
        secret = request.headers.get("x-api-key")
        principal = (self.cached(secret) if secret is not None else None) or await self.authenticate(secret)
        principal.require("query:read")
        return principal
