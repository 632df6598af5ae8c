"""A server in this process with the doors of devices and nothing else, on real meters, and three meters for each test."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import httpx
from fastapi import FastAPI
from starlette.types import Receive, Scope, Send

from tests.stores import Spine, spine
from wattline.app import Contract, Front
from wattline.contracts.household import devices
from wattline.households.meters.model import Grant, Kind, Measurement, Meter
from wattline.households.meters.service import Meters
from wattline.households.service import Households
from wattline.ingest.series import LATEST
from wattline.metrics import Metrics
from wattline.model.clock import DAY, HOUR, ManualClock
from wattline.server import Listener, Server
from wattline.settings import Settings

SCRIPT = ">D\n>B\n->sensor53 r\n>M 1\n+1,3,s,0,9600,ZÄHLER\n#"
TENANT = "town"
_numbers = itertools.count(1)


class Watched(Meters):
    """Notes what was taken; fails where a test says so."""

    taken: list[tuple[str, Measurement]]
    trouble: Exception | None = None

    async def issue(self, client_id: str, **asked: Any) -> Grant:
        if self.trouble is not None:
            raise self.trouble
        return await super().issue(client_id, **asked)

    async def take(self, meter: Meter, measurement: Measurement) -> None:
        if self.trouble is not None:
            raise self.trouble
        await super().take(meter, measurement)
        self.taken.append((meter.mac, measurement))


@dataclass
class Running:
    """The server and what is behind it, shared by all tests."""

    url: str
    spine: Spine
    meters: Watched
    metrics: Metrics
    client: httpx.AsyncClient


@dataclass
class Served:
    """Three meters of a test: a digital one with a script, an analog one with rotations, one of gas.

    They have been there since half an hour before `second`, which is half an hour ago.
    """

    running: Running
    second: int
    digital: str = ""
    analog: str = ""
    gas: str = ""

    @property
    def url(self) -> str:
        return self.running.url

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    @property
    def meters(self) -> Watched:
        return self.running.meters

    @property
    def clock(self) -> ManualClock:
        return self.running.spine.clock

    @property
    def taken(self) -> list[tuple[str, Measurement]]:
        """The measurements that were made durable, with the address of their meter."""
        return self.meters.taken

    async def add(self, kind: Kind, script: str | None = None, secret: str | None = None) -> str:
        """A new meter that reads a household of its own."""
        number = next(_numbers)
        mac = f"AA:BB:CC:DD:{number >> 8:02X}:{number & 255:02X}"
        await self.meters.add(TENANT, mac, kind, script=script, secret=secret)
        await self.meters.assign(TENANT, mac, f"user-{number}")
        return mac

    def refused(self, reason: str) -> float:
        """How often this reason was counted since the server started."""
        return self.running.metrics.ingest_rejected.values.get(("household", reason), 0)

    async def stored(self, mac: str) -> list[tuple[int, float]]:
        """Time and value of every row of a meter, oldest first, as the store has them."""
        user = self.meters.meter(TENANT, mac).user
        stream = self.meters.stream(TENANT, user or "", mac)
        assert stream is not None
        found = await self.running.spine.pipeline.series.rows([stream], 0, LATEST, ("value",))
        return list(zip(found.time.tolist(), found.columns["value"].tolist(), strict=True))


async def elsewhere(scope: Scope, receive: Receive, send: Send) -> None:
    """Every other path: an answer of five bytes, or a WebSocket that says one thing."""
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.send", "text": "here"})
        await send({"type": "websocket.close"})
        return
    headers = [(b"content-length", b"5"), (b"x-other", b"Kept-As-Is")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"other"})


def application(meters: Meters, metrics: Metrics) -> Front:
    """The doors at the root and below /api/v1."""
    doors = devices.build(cast(Households, SimpleNamespace(meters=meters)), metrics)
    hot = {f"{prefix}{path}": door for path, door in doors.items() for prefix in ("", "/api/v1")}
    contract = SimpleNamespace(hot=hot, around=None, prefixes=(), for_devices=hot.keys())
    return Front([cast(Contract, contract)], cast(FastAPI, elsewhere), metrics)


@asynccontextmanager
async def listening(app: Front, **settings: object) -> AsyncIterator[str]:
    """The URL of an application on a free port of this machine."""
    chosen = Settings.model_validate({"port": 0, **settings})
    listener = Listener(chosen.host, chosen.port, tls=chosen.tls_cert is not None)
    async with Server(app, listener, chosen, lambda: None, app.for_devices).serving() as url:
        yield url


@asynccontextmanager
async def running(directory: Path, clock: ManualClock) -> AsyncIterator[Running]:
    """The doors on real meters."""
    async with spine(directory, clock) as stores:
        meters = Watched(stores.database, stores.registry, stores.pipeline, clock, ahead=HOUR, kept=365 * DAY)
        meters.taken = []
        await meters.load()
        metrics = Metrics()
        async with listening(application(meters, metrics)) as url, httpx.AsyncClient(base_url=url) as client:
            yield Running(url, stores, meters, metrics, client)
