"""A project: one tenant on a shared platform, with a key for each role, and plain HTTP clients."""

from __future__ import annotations

import uuid
from typing import Any

import httpx
from starlette.types import ASGIApp

from wattline.platform import Platform

METER = "/rest/v1/mg_meter_readings"
BESS = "/rest/v1/mg_bess_readings"
REGISTRY = "/rest/v1/mg_device_registry"
MARKET = "/rest/v1/market_data"
ROLES = ("anon", "authenticated", "service_role")
WHOLE = {"Prefer": "return=representation"}


class Project:
    """`client(role)` asks with the key of that role; `device` is a device that nobody else uses."""

    def __init__(self, platform: Platform, app: ASGIApp) -> None:
        self.platform = platform
        self.tenant = f"project-{uuid.uuid4().hex[:12]}"
        self.keys: dict[str, str] = {}
        self._app = app
        self._clients: dict[str | None, httpx.AsyncClient] = {}

    async def open(self) -> None:
        """Make the keys."""
        for role in ROLES:
            _, self.keys[role] = await self.platform.identity.create_role_key(self.tenant, role, role)

    def client(self, role: str | None = "service_role") -> httpx.AsyncClient:
        """A client of a role; None has no key."""
        if role not in self._clients:
            headers = {} if role is None else {"apikey": self.keys[role]}
            transport = httpx.ASGITransport(self._app)
            self._clients[role] = httpx.AsyncClient(transport=transport, base_url="http://flux", headers=headers)
        return self._clients[role]

    async def get(self, path: str, status: int = 200, **headers: str) -> Any:
        """The rows at a path."""
        answer = await self.client().get(path, headers=headers)
        assert answer.status_code == status, answer.text
        return answer.json()

    async def close(self) -> None:
        """Close the clients."""
        for client in self._clients.values():
            await client.aclose()


def new_device() -> str:
    """A device that nobody has heard of."""
    return str(uuid.uuid4())
