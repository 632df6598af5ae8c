"""The doors of readings on the shared platform, and meters with keys."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
import pytest_asyncio
from starlette.types import ASGIApp

from tests.contracts.joulepoint.depot import Depot
from wattline.contracts.joulepoint.device_door import Senders
from wattline.contracts.joulepoint.energy_data import doors
from wattline.contracts.joulepoint.gate import Gate
from wattline.contracts.joulepoint.rates import Rates
from wattline.identity.limits import RateLimiter
from wattline.metering.signature import signature
from wattline.model.clock import MINUTE
from wattline.platform import Platform
from wattline.registry.stream import Stream

PATH = "/api/energy/energy-data"
BULK = f"{PATH}/bulk"


@pytest.fixture
def rate() -> tuple[float, int]:
    """How often a device may ask, and at once; 0: no limit."""
    return 0, 50


@pytest.fixture
def hot(platform: Platform, gate: Gate, rate: tuple[float, int]) -> dict[str, ASGIApp]:
    """The doors."""
    rates = Rates(RateLimiter(platform.clock), "device", *rate)
    senders = Senders(platform.metering.keys, gate, rates, platform.signature_failures, platform.clock, platform.metrics)
    return doors(platform.readings, senders, most_bytes=64 * 1024)


@dataclass
class Meter:
    """A meter of a depot and a key of its device."""

    depot: Depot
    id: int
    key: str
    secret: str
    key_id: int

    def at(self, **ago: float) -> str:
        """The time so long ago."""
        moment: datetime = self.depot.clock.now() - timedelta(**ago)
        return moment.isoformat().replace("+00:00", "Z")

    async def post(
        self, body: Any, path: str = PATH, *, signed: bool = True, headers: Mapping[str, str] | None = None, **more: Any
    ) -> httpx.Response:
        """Send a body, given as it is in bytes or as what JSON makes of it."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        given = {"X-Device-Key": self.key, "Content-Type": "application/json"}
        if signed:
            given["X-Signature"] = signature(self.secret, content)
        return await self.depot.client.post(path, content=content, headers={**given, **(headers or {})}, **more)

    async def told(self, body: Any, status: int, path: str = PATH, **more: Any) -> dict[str, Any]:
        """Send a body; the answer, whose status must be this one."""
        answer = await self.post(body, path, **more)
        assert answer.status_code == status, answer.text
        found: dict[str, Any] = answer.json()
        return found

    @property
    def stream(self) -> Stream:
        """Where its readings are."""
        metering = self.depot.platform.metering
        found = metering.meters.find_stream(metering.meters.get(self.depot.tenant, self.id))
        assert found is not None
        return found

    async def stored(self) -> dict[int, dict[str, float]]:
        """What the store holds of it: fields by time."""
        now = self.depot.clock.micros()
        names = [sensor.quantity.name for sensor in self.stream.sensors]
        rows = await self.depot.platform.series.rows([self.stream], 0, now + 10 * MINUTE, names)
        return {
            int(time): {
                name: float(rows.columns[name][at]) for name in names if rows.columns[name][at] == rows.columns[name][at]
            }
            for at, time in enumerate(rows.time)
        }


async def meter_in(depot: Depot, *, signed: bool = False, **body: Any) -> Meter:
    """A new meter with a key."""
    metering = depot.platform.metering
    made = await metering.meters.create(depot.tenant, {"name": "Main", "nominal_voltage": 230, "phases": 3, **body})
    key = await metering.keys.create(depot.tenant, made.id, require_signature=signed)
    return Meter(depot, made.id, key.text, key.key.secret, key.key.id)


@pytest_asyncio.fixture(loop_scope="session")
async def meter(depot: Depot) -> AsyncIterator[Meter]:
    """A three-phase meter at 230 V with a kWh register."""
    depot.clock.advance(1)
    yield await meter_in(depot)
