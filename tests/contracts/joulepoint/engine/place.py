"""A tenant that speaks every contract: its keys of each, and what it asks of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx
from starlette.types import ASGIApp

from tests.contracts.joulepoint.depot import Depot, move_in
from wattline.model.clock import ManualClock
from wattline.model.principal import ALL_SCOPES
from wattline.platform import Platform

ENERGY = "/api/energy"


@dataclass(eq=False)
class Place:
    """`every` is a key with all scopes, `role` one of the Flux contract's service_role."""

    depot: Depot
    every: str
    role: str

    @property
    def platform(self) -> Platform:
        """What all tenants share."""
        return self.depot.platform

    @property
    def client(self) -> httpx.AsyncClient:
        """Of the application."""
        return self.depot.client

    @property
    def tenant(self) -> str:
        """Its name."""
        return self.depot.tenant

    @property
    def clock(self) -> ManualClock:
        """The clock of the shared platform: it only goes forward."""
        return self.depot.clock

    def iso(self, seconds: float = 0) -> str:
        """A time relative to now."""
        return (self.clock.now() + timedelta(seconds=seconds)).isoformat().replace("+00:00", "Z")

    async def ask(self, method: str, path: str, status: int = 200, **parts: Any) -> Any:
        """The JSON of an answer of any contract."""
        headers = {"Authorization": f"Bearer {self.every}", "X-API-Key": self.every}
        if path.startswith("/rest"):
            headers = {"apikey": self.role}
        answer = await self.client.request(method, path, headers=headers, **parts)
        assert answer.status_code == status, (path, answer.status_code, answer.text)
        return answer.json()

    async def get(self, path: str, status: int = 200, **parameters: Any) -> Any:
        """A question."""
        return await self.ask("GET", path, status, params=parameters)

    async def meter(self, **body: Any) -> int:
        """The id of a new meter."""
        found = await self.ask("POST", f"{ENERGY}/meters", 201, json={"name": "Main", **body})
        number: int = found["id"]
        return number

    async def read(self, meter: int, *readings: dict[str, Any]) -> None:
        """Readings are stored."""
        told = await self.ask(
            "POST", f"{ENERGY}/energy-data/bulk", json={"readings": [{"meter_id": meter, **each} for each in readings]}
        )
        assert told == {"accepted": len(readings), "duplicates": 0, "replaced": 0, "rejected": []}, told


async def moved_in(platform: Platform, app: ASGIApp) -> Place:
    """A new tenant."""
    depot = await move_in(platform, app)
    _, every = await platform.identity.create(depot.tenant, "everything", ALL_SCOPES)
    _, role = await platform.identity.create_role_key(depot.tenant, "service_role", "service_role")
    return Place(depot, every, role)
