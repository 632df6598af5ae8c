"""The whole application, and a tenant with a meter and a key of its device."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx
import pytest
import pytest_asyncio
from starlette.types import ASGIApp

from tests.contracts.joulepoint.depot import Depot, move_in
from wattline.app import create_app
from wattline.metering.signature import signature
from wattline.platform import Platform

ENERGY = "/api/energy"
READING, BULK = f"{ENERGY}/energy-data", f"{ENERGY}/energy-data/bulk"
ANALYTICS = f"{ENERGY}/analytics"
SLASHES = pytest.mark.parametrize("slash", ["", "/"])
"""Every path is there without a slash at its end and with one."""


@dataclass
class Yard:
    """A depot that speaks every contract, with one three-phase meter at 230 V."""

    depot: Depot
    meter: int
    key: str
    secret: str

    def at(self, **ago: float) -> str:
        """The time so long ago."""
        return (self.depot.clock.now() - timedelta(**ago)).isoformat().replace("+00:00", "Z")

    async def ask(self, method: str, path: str, status: int = 200, **parts: Any) -> Any:
        """What a request with a token of every scope is answered, whose status must be this one."""
        answer = await self.depot.call(method, path, **parts)
        assert answer.status_code == status, (path, answer.status_code, answer.text)
        return answer.json() if answer.content else None

    async def send(self, body: Any, path: str = READING, **headers: str) -> httpx.Response:
        """Send readings as the device, signed; given in bytes or as what JSON makes of them."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        usual = {"X-Device-Key": self.key, "X-Signature": signature(self.secret, content), "Content-Type": "application/json"}
        return await self.depot.client.post(path, content=content, headers={**usual, **headers})

    async def made(self, what: str, **body: Any) -> int:
        """The id of a new resource."""
        found: int = (await self.ask("POST", f"{ENERGY}/{what}", 201, json={"name": "new", **body}))["id"]
        return found


@pytest.fixture(scope="session")
def whole(platform: Platform) -> ASGIApp:
    """Every contract."""
    return create_app(platform)


@asynccontextmanager
async def settled(platform: Platform, whole: ASGIApp) -> AsyncIterator[Yard]:
    """A new tenant with a meter."""
    depot = await move_in(platform, whole)
    async with depot.client:
        depot.clock.advance(1)
        yard = Yard(depot, 0, "", "")
        yard.meter = await yard.made("meters", nominal_voltage=230, phases=3)
        key = await yard.ask("POST", f"{ENERGY}/meters/{yard.meter}/keys", 201)
        yard.key, yard.secret = key["key"], key["secret"]
        yield yard


@pytest_asyncio.fixture(loop_scope="session")
async def yard(platform: Platform, whole: ASGIApp) -> AsyncIterator[Yard]:
    """A tenant with a meter."""
    async with settled(platform, whole) as made:
        yield made


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def shared(platform: Platform, whole: ASGIApp) -> AsyncIterator[Yard]:
    """One that tests share which leave nothing behind that others mind."""
    async with settled(platform, whole) as made:
        yield made


@pytest_asyncio.fixture(loop_scope="session")
async def neighbour(platform: Platform, whole: ASGIApp) -> AsyncIterator[Yard]:
    """Another one."""
    async with settled(platform, whole) as made:
        yield made
