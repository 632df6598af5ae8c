"""The routes of power quality and protection on the shared platform, and meters with keys."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx
import pytest
import pytest_asyncio
from fastapi import APIRouter
from starlette.types import ASGIApp

from tests.contracts.joulepoint.depot import Depot
from wattline.contracts.joulepoint import energy_data, pq_routes
from wattline.contracts.joulepoint.device_door import Senders
from wattline.contracts.joulepoint.gate import Gate
from wattline.contracts.joulepoint.rates import Rates
from wattline.identity.limits import RateLimiter
from wattline.metering.signature import signature
from wattline.platform import Platform
from wattline.quality.ledger import Told

CONFIG, EVENTS, RMS, WAVEFORM = (f"/api/energy/pq/{name}" for name in ("config", "events", "rms", "waveform"))
PROTECTION, BREAKERS = "/api/energy/protection/events", "/api/energy/protection/breakers"
READING = "/api/energy/energy-data"


@pytest.fixture
def senders(platform: Platform, gate: Gate) -> Senders:
    """What tells devices."""
    rates = Rates(RateLimiter(platform.clock), "device", 0, 50)
    return Senders(platform.metering.keys, gate, rates, platform.signature_failures, platform.clock, platform.metrics)


@pytest.fixture
def made(platform: Platform, senders: Senders) -> dict[str, ASGIApp]:
    """The doors of power quality and protection."""
    return pq_routes.doors(platform, senders)


@pytest.fixture
def routers(platform: Platform, gate: Gate, made: dict[str, ASGIApp]) -> list[APIRouter]:
    """The routes."""
    return pq_routes.build(platform, made, gate)


@pytest.fixture
def hot(platform: Platform, senders: Senders, made: dict[str, ASGIApp]) -> dict[str, ASGIApp]:
    """The doors of readings, and those that take large bodies."""
    return {**energy_data.doors(platform.readings, senders, most_bytes=5 * 1024 * 1024), **pq_routes.hot(made)}


@dataclass
class Meter:
    """A meter of a depot and a key of its device."""

    depot: Depot
    id: int
    key: str
    secret: str

    def at(self, seconds: float = 0.0) -> str:
        """The time so many seconds from now."""
        return (self.depot.clock.now() + timedelta(seconds=seconds)).isoformat().replace("+00:00", "Z")

    async def post(self, path: str, body: Any, *, signed: bool = True) -> httpx.Response:
        """Send a body as the device."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = {"X-Device-Key": self.key, "Content-Type": "application/json"}
        if signed:
            headers["X-Signature"] = signature(self.secret, content)
        return await self.depot.client.post(path, content=content, headers=headers)

    async def told(self, path: str, body: Any, status: int) -> dict[str, Any]:
        """The answer to a body, whose status must be this one."""
        answer = await self.post(path, body)
        assert answer.status_code == status, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def readings(self, *rows: dict[str, Any], every: float = 60.0) -> None:
        """Send readings, each `every` seconds after the one before, and wait until all were judged."""
        for row in rows:
            self.depot.clock.advance(every)
            await self.told(READING, row, 201)
        await judged(self.depot.platform)

    async def volts(self, *levels: float, every: float = 60.0) -> None:
        """Send readings of three equal voltages in per unit."""
        names = ("voltage_a", "voltage_b", "voltage_c")
        await self.readings(*(dict.fromkeys(names, 230 * level) for level in levels), every=every)

    async def config(self, **given: Any) -> dict[str, Any]:
        """Set its thresholds."""
        answer = await self.depot.call("POST", CONFIG, json={"meter_id": self.id, **given})
        assert answer.status_code in (200, 201), answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def events(self, **query: Any) -> list[dict[str, Any]]:
        """Its events, the oldest first."""
        answer = await self.depot.call("GET", EVENTS, params={"meter_id": self.id, **query})
        assert answer.status_code == 200, answer.text
        return list(reversed(answer.json()["results"]))

    async def logged(self, kind: str) -> list[dict[str, Any]]:
        """What the log says of it."""
        page = await self.depot.platform.events.query(self.depot.tenant, kinds=[kind], device=f"meter-{self.id}")
        return [event.body for event in reversed(page.events)]


async def judged(platform: Platform) -> None:
    """Wait until every committed row was taken by its followers."""
    async with asyncio.timeout(20):
        for follower in platform.pipeline._followers:
            while follower._taken < follower._tail.committed:  # noqa: ASYNC110 - it has no event to wait for
                await asyncio.sleep(0)


async def meter_in(depot: Depot, *, signed: bool = False, **body: Any) -> Meter:
    """A new meter with a key."""
    metering = depot.platform.metering
    made = await metering.meters.create(
        depot.tenant, {"name": "Main", "nominal_voltage": 230, "nominal_frequency": 50, "phases": 3, **body}
    )
    key = await metering.keys.create(depot.tenant, made.id, require_signature=signed)
    return Meter(depot, made.id, key.text, key.key.secret)


@pytest_asyncio.fixture(loop_scope="session")
async def meter(depot: Depot) -> AsyncIterator[Meter]:
    """A three-phase meter at 230 V."""
    depot.clock.advance(1)
    yield await meter_in(depot)


@pytest.fixture
def told(platform: Platform) -> Sequence[Told]:
    """What the bus is told of events during the test."""
    found: list[Told] = []
    publish = platform.bus.publish

    def heard(topic: str, message: object) -> None:
        if isinstance(message, Told):
            found.append(message)
        publish(topic, message)

    platform.quality._publish = heard
    return found
