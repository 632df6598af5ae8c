"""A data hall as the contract knows it, behind a real server: its blocks and sensors, its keys, its clients."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
from collections.abc import AsyncIterator, Collection
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
import websockets
from websockets.asyncio.client import ClientConnection

from tests.stores import fresh_telemetry_url
from wattline.alarms.limits import from_thresholds
from wattline.alarms.model import Change
from wattline.app import create_app
from wattline.model.clock import SECOND, ManualClock
from wattline.model.principal import ALL_SCOPES
from wattline.model.record import Row
from wattline.platform import Platform
from wattline.registry.point import Point, PointSpec
from wattline.server import Listener, Server
from wattline.settings import Settings

START = datetime(2026, 2, 21, 12, 0, tzinfo=UTC)
PATIENCE = 10.0
_numbers = itertools.count()

SPECS = (
    PointSpec("CDU-01-T-SUP", "CDU-01", "thermal-l1", "°C", description="Supply temperature"),
    PointSpec("CDU-01-T-RET", "CDU-01", "thermal-l1", "°C", description="Return temperature"),
    PointSpec("P-MSB-TOTAL", "MSB-01", "electrical", "kW", role="facility_main"),
    PointSpec("PDU-R01-KW", "PDU-R01", "electrical", "kW", role="it_main"),
)
LIMITS = {"HH": {"value": 60.0, "priority": "P0"}, "H": {"value": 55.0, "priority": "P2"}}


class Quiet(Platform):
    """A platform that does nothing by itself."""

    async def _start_jobs(self, stack: AsyncExitStack) -> None:
        """Start none."""


@dataclass
class Building:
    """A platform and where it is served."""

    platform: Platform
    clock: ManualClock
    url: str


@asynccontextmanager
async def building(data: Path, **settings: Any) -> AsyncIterator[Building]:
    """A served platform with settings of one's own."""
    clock = ManualClock(START)
    settings.setdefault("telemetry_url", fresh_telemetry_url())
    settings.setdefault("mqtt", False)
    made = Settings(data=data, **settings)
    async with Quiet.open(made, clock) as platform:
        listener = Listener("127.0.0.1", 0, tls=False)
        server = Server(create_app(platform), listener, made, platform.begin_stop)
        async with server.serving() as url:
            yield Building(platform, clock, url)


class Hall:
    """A tenant with one site, one block and a few sensors, and a key that may do everything."""

    def __init__(self, made: Building, tenant: str | None = None) -> None:
        self.platform, self.clock, self.url = made.platform, made.clock, made.url
        self.tenant = tenant or f"hall-{next(_numbers)}"
        self.points: dict[str, Point] = {}
        self.secret = ""
        self.keys: dict[str, str] = {}

    async def build(self, site: str = "baldwinsville", block: str = "block-01") -> dict[str, Point]:
        """A site with a block and its sensors."""
        registry = self.platform.registry
        await registry.put_site(self.tenant, site, name=site.title())
        await registry.put_block(self.tenant, site, block, capacity_mw=1.0)
        return {point.tag: point for point in await registry.put_points(self.tenant, site, block, SPECS)}

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Hall]:
        """With everything built, and a client."""
        self.points = await self.build()
        self.secret = await self.key()
        async with self.client() as self.http:
            yield self

    async def key(self, scopes: Collection[str] = ALL_SCOPES, sites: Collection[str] | None = None) -> str:
        """A new key."""
        record, secret = await self.platform.identity.create(self.tenant, "a key", scopes, sites)
        self.keys[secret] = record.id
        return secret

    def client(self, secret: str | None = None) -> httpx.AsyncClient:
        """A client of the contract."""
        headers = {"X-API-Key": secret or self.secret}
        return httpx.AsyncClient(base_url=f"{self.url}/api/v1", headers=headers, timeout=PATIENCE)

    async def get(self, path: str, **parameters: Any) -> Any:
        """The JSON of a question that must be answered."""
        answer = await self.http.get(path, params=parameters)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def post(self, path: str, **body: Any) -> Any:
        """The JSON of an action that must succeed."""
        answer = await self.http.post(path, json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def iso(self, seconds: float = 0) -> str:
        """A time relative to now."""
        return (self.clock.now() + timedelta(seconds=seconds)).isoformat().replace("+00:00", "Z")

    def row(self, point: Point, value: float, seconds: float = 0, quality: int = 0) -> Row:
        """A reading at a time relative to now."""
        now = self.clock.micros()
        return Row(point.stream.id, now + round(seconds * SECOND), now, (value,), quality)

    async def read(self, tag: str, value: float, seconds: float = 0, quality: int = 0) -> None:
        """A reading arrives and is committed."""
        await self.platform.ingest.submit([self.row(self.points[tag], value, seconds, quality)])

    async def limit(self, tag: str, limits: dict[str, Any] | None = None) -> None:
        """Give a sensor alarm limits."""
        found = from_thresholds(LIMITS if limits is None else limits, range_span=None)
        await self.platform.alarms.set_limits(self.tenant, self.points[tag].id, found)

    async def judged(self, tag: str, value: float, *, quality: int = 0) -> list[Change]:
        """A reading arrives a second later and is evaluated; what the alarm service told of it."""
        self.clock.advance(1)
        told: list[Change] = []
        row = self.row(self.points[tag], value, quality=quality)
        with self.platform.bus.subscribe(["alarm"], size=100) as heard:
            await self.platform.ingest.submit([row])
            await self.platform.alarms.take([row])
            heard.close()
            async for delivery in heard:
                assert isinstance(delivery.message, Change)
                told.append(delivery.message)
        return told

    @asynccontextmanager
    async def listening(self, path: str, *, secret: str | None = None, **parameters: Any) -> AsyncIterator[Listening]:
        """A client of a live feed, with the key in a header."""
        query = f"?{urlencode(parameters)}" if parameters else ""
        url = f"{self.url.replace('http', 'ws')}/api/v1{path}{query}"
        headers = {"X-API-Key": secret or self.secret}
        async with websockets.connect(url, additional_headers=headers, max_queue=None) as socket:
            yield Listening(socket)


class Listening:
    """One client of a live feed."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket

    async def next(self) -> Any:
        """The next frame."""
        return json.loads(await asyncio.wait_for(self.socket.recv(), PATIENCE))

    async def take(self, count: int) -> list[Any]:
        """The next so many frames."""
        return [await self.next() for _ in range(count)]

    async def closed(self) -> int:
        """The code that the server closes with, all frames before it passed over."""
        with contextlib.suppress(websockets.ConnectionClosedError):
            async with asyncio.timeout(PATIENCE):
                async for _ in self.socket:
                    pass
        assert self.socket.close_code is not None
        return self.socket.close_code
