"""A utility as the contract knows it: its keys, its clients, the bodies of the published page."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any, Self

import httpx
from starlette.types import ASGIApp

from wattline.model.clock import ManualClock
from wattline.model.principal import ALL_SCOPES
from wattline.platform import Platform

TELEMETRY: dict[str, Any] = {
    "substation_id": "SUB001",
    "feeder_id": "FDR002",
    "device_id": "SUB001-FDR002",
    "site_name": "Portland North",
    "latitude": 45.5231,
    "longitude": -122.6765,
    "voltage_kv": 229.8,
    "current_a": 1187.4,
    "power_mw": 274.2,
    "frequency_hz": 60.002,
    "status_code": "NORMAL",
}
EVENT: dict[str, Any] = {
    "device_id": "SUB001-FDR002",
    "feeder_id": "FDR002",
    "severity": "ALARM",
    "event_type": "FEEDER_TRIP",
    "old_state": "CLOSED",
    "new_state": "OPEN",
    "message": "Overcurrent protection operated — FDR002",
    "latitude": 45.5231,
    "longitude": -122.6765,
}
OUTAGE: dict[str, Any] = {
    "outage_id": "OUT-SUB001-FDR002-1749650000",
    "feeder_id": "FDR002",
    "region": "SUB001",
    "customers_out": 847,
    "mw_interrupted": 12.4,
    "status": "ACTIVE",
    "cause": "STORM",
    "etr_time": "2026-06-11T16:00:00Z",
    "latitude": 45.5231,
    "longitude": -122.6765,
}
RESTORE: dict[str, Any] = {
    "outage_id": "OUT-SUB001-FDR002-1749650000",
    "feeder_id": "FDR002",
    "customers_out": 0,
    "status": "RESTORED",
}
REQUIRED = {"substation_id": "SUB001", "voltage_kv": 229.8, "current_a": 1187.4, "power_mw": 274.2, "frequency_hz": 60.002}


class Utility:
    """A tenant with a full key. Paths are those of the page, under /api."""

    def __init__(self, platform: Platform, app: ASGIApp, clock: ManualClock, tenant: str) -> None:
        self.platform, self.app, self.clock, self.tenant = platform, app, clock, tenant

    async def __aenter__(self) -> Self:
        _, self.secret = await self.platform.identity.create(self.tenant, "everything", ALL_SCOPES)
        self.client = self._client(self.secret)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.client.aclose()

    def _client(self, secret: str | None) -> httpx.AsyncClient:
        headers = {} if secret is None else {"X-API-Key": secret}
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
        return httpx.AsyncClient(transport=transport, base_url="http://test/api", headers=headers)

    @asynccontextmanager
    async def anonymous(self) -> AsyncIterator[httpx.AsyncClient]:
        """A client without a key."""
        async with self._client(None) as client:
            yield client

    @asynccontextmanager
    async def limited(
        self, sites: Collection[str] | None = None, scopes: Collection[str] = ALL_SCOPES
    ) -> AsyncIterator[httpx.AsyncClient]:
        """A client with a key of fewer scopes or of some substations only."""
        _, secret = await self.platform.identity.create(self.tenant, "limited", scopes, sites)
        async with self._client(secret) as client:
            yield client

    def iso(self, seconds: float = 0) -> str:
        """A time relative to now, as the page writes it on the way in."""
        return (self.clock.now() + timedelta(seconds=seconds)).isoformat().replace("+00:00", "Z")

    def shown(self, seconds: float = 0) -> str:
        """A time relative to now, as the page writes it on the way out."""
        moment = self.clock.now() + timedelta(seconds=seconds)
        return moment.isoformat(sep=" ")

    async def post(self, path: str, body: Any, **options: Any) -> httpx.Response:
        """POST JSON."""
        return await self.client.post(path, json=body, **options)

    async def send(self, path: str, body: Any) -> None:
        """POST JSON that must be taken."""
        answer = await self.post(path, body)
        assert answer.status_code == 200, answer.text

    async def telemetry(self, seconds: float = 0, **changes: Any) -> None:
        """The published reading at a time relative to now, with changes; None takes a field away."""
        body = {**TELEMETRY, "timestamp": self.iso(seconds), **changes}
        await self.send("/ingest/telemetry", {name: value for name, value in body.items() if value is not None})

    async def event(self, seconds: float = 0, **changes: Any) -> None:
        """The published event, likewise."""
        await self.send("/ingest/event", {**EVENT, "timestamp": self.iso(seconds), **changes})

    async def outage(self, seconds: float = 0, **changes: Any) -> None:
        """The published outage, likewise."""
        await self.send("/ingest/outage", {**OUTAGE, "timestamp": self.iso(seconds), **changes})

    async def get(self, path: str, **parameters: Any) -> Any:
        """The JSON of a query that must succeed."""
        answer = await self.client.get(path, params=parameters)
        assert answer.status_code == 200, answer.text
        return answer.json()
