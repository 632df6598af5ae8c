"""Realtime on a real server, and clients that say and hear frames as they are on the wire."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pyarrow as pa
import websockets
from fastapi import FastAPI, Request, Response
from websockets.asyncio.client import ClientConnection

from tests.stores import fresh_telemetry_url
from wattline.contracts.flux import routes as flux
from wattline.contracts.flux.caller import Policy
from wattline.contracts.flux.errors import Refusal
from wattline.contracts.flux.gate import policy as policies
from wattline.contracts.flux.gate.gate import Gate
from wattline.contracts.flux.realtime import routes
from wattline.contracts.flux.realtime.limits import Limits
from wattline.contracts.flux.relation import Edit, Relation, Relations
from wattline.identity.jwt_token import sign
from wattline.identity.limits import RateLimiter
from wattline.model.clock import SECOND, ManualClock
from wattline.platform import Platform
from wattline.server import Listener, Server
from wattline.settings import Settings

PATIENCE = 10.0
BESS, METER = "mg_bess_readings", "mg_meter_readings"
TOPIC = "realtime:bess-realtime"
_numbers = itertools.count()


class Quiet(Platform):
    """A platform that does nothing by itself."""

    async def _start_jobs(self, stack: AsyncExitStack) -> None:
        """Start none."""


@dataclass
class Place:
    """A platform and the relations of the contract on it."""

    platform: Platform
    clock: ManualClock
    relations: Relations
    gate: Gate


@asynccontextmanager
async def place(data: Path, clock: ManualClock) -> AsyncIterator[Place]:
    """An open platform, without limits of requests."""
    settings = Settings(data=data, telemetry_url=fresh_telemetry_url(), mqtt=False, flux_rate_limits=False)
    async with Quiet.open(settings, clock) as platform:
        gate = Gate(platform.identity, settings, RateLimiter(clock), clock)
        yield Place(platform, clock, flux.relations(platform), gate)


class Service:
    """Realtime for a tenant of its own, served at `url`."""

    def __init__(self, at: Place, url: str, tenant: str, relations: Relations) -> None:
        self.platform, self.clock, self.url, self.tenant, self.relations = at.platform, at.clock, url, tenant, relations

    @classmethod
    @asynccontextmanager
    async def open(
        cls, at: Place, limits: Limits | None = None, relations: Relations | None = None, profile: str = "seed"
    ) -> AsyncIterator[Service]:
        """A served application."""
        policy: Policy = policies.build(Settings(flux_policy=profile))
        found = relations or at.relations
        app = FastAPI()
        app.include_router(routes.build(at.platform, at.gate, policy, found, limits))

        @app.exception_handler(Refusal)
        async def refused(_request: Request, error: Refusal) -> Response:
            return Response(error.body, error.status, error.headers, media_type="application/json")

        server = Server(app, Listener("127.0.0.1", 0, tls=False), at.platform.settings, lambda: None)
        async with server.serving() as url:
            yield cls(at, url, f"realtime-{next(_numbers)}", found)

    async def key(self, role: str = "anon", tenant: str | None = None, **more: Any) -> str:
        """A new key."""
        return (await self.platform.identity.create_role_key(tenant or self.tenant, "test", role, **more))[1]

    async def token(self, seconds: float = 3600, **claims: Any) -> str:
        """A token of a user that ends in so many seconds."""
        await self.key()
        secret = await self.platform.identity.projects.secret(self.tenant)
        assert secret is not None
        return sign({"exp": self.clock.micros() / SECOND + seconds, **claims}, secret)

    async def commit(self, relation: str, **edit: pa.Table | None) -> None:
        """Have a relation do something, as a writer does."""
        found: Relation = self.relations.named(relation)
        self.clock.advance(0.001)
        async with found.turn:
            await found.commit(self.tenant, Edit(**edit))

    async def insert(self, device: str, *soes: float | None, minute: int = 0, **more: Any) -> list[dict[str, Any]]:
        """Rows of a battery, a minute apart; what they are in memory."""
        rows = [self.bess(device, minute + at, soe, **more) for at, soe in enumerate(soes)]
        await self.commit(BESS, inserted=self.table(BESS, *rows))
        return rows

    def bess(self, device: str, minute: int, soe: float | None, **more: Any) -> dict[str, Any]:
        """A row."""
        at = 1_704_110_400_000_000 + minute * 60_000_000
        return {"time": at, "device_id": device, "id": str(uuid.uuid4()), "created_at": at + 1, "soe": soe, **more}

    def table(self, relation: str, *rows: Mapping[str, Any]) -> pa.Table:
        """Rows with every column; what is not named is null."""
        kind = self.relations.named(relation).type
        return pa.Table.from_pylist([{name: row.get(name) for name in kind.schema.names} for row in rows], kind.schema)

    @asynccontextmanager
    async def client(self, key: str | None = None, version: str | None = "2.0.0", **options: Any) -> AsyncIterator[Client]:
        """A connection; with an anon key where none is given."""
        query = f"apikey={key or await self.key()}" + (f"&vsn={version}" if version else "")
        url = f"{self.url.replace('http', 'ws')}/realtime/v1/websocket?{query}"
        async with websockets.connect(url, max_queue=options.pop("max_queue", None), **options) as socket:
            yield Client(socket, 2 if version == "2.0.0" else 1)

    async def refused(self, query: str) -> httpx.Response:
        """How a handshake is refused."""
        headers = {
            "Connection": "Upgrade",
            "Upgrade": "websocket",
            "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
        }
        async with httpx.AsyncClient(timeout=PATIENCE) as http:
            return await http.get(f"{self.url}/realtime/v1/websocket?{query}", headers=headers)


class Client:
    """One connection, of either serializer. What it hears is a list in the order of 2.0.0."""

    def __init__(self, socket: ClientConnection, version: int) -> None:
        self.socket = socket
        self.version = version
        self._refs = itertools.count(1)

    async def say(self, topic: str, event: str, payload: Any, ref: str | None = None, join_ref: str | None = None) -> str:
        """Send a message; its ref."""
        ref = ref or str(next(self._refs))
        if self.version == 2:
            await self.socket.send(json.dumps([join_ref, ref, topic, event, payload]))
        else:
            said = {"topic": topic, "event": event, "payload": payload, "ref": ref, "join_ref": join_ref}
            await self.socket.send(json.dumps(said))
        return ref

    async def raw(self) -> str | bytes:
        """The next frame."""
        return await asyncio.wait_for(self.socket.recv(), PATIENCE)

    async def hear(self) -> list[Any]:
        """The next message."""
        found = json.loads(await self.raw())
        if self.version == 2:
            return list(found)
        return [None, found["ref"], found["topic"], found["event"], found["payload"]]

    async def event(self, name: str) -> Any:
        """The payload of the next message, which is such an event."""
        found = await self.hear()
        assert found[3] == name, found
        return found[4]

    async def silent(self) -> None:
        """Nothing comes: a heartbeat said now is answered before anything else."""
        await self.say("phoenix", "heartbeat", {}, ref="quiet")
        assert (await self.hear())[1:4] == ["quiet", "phoenix", "phx_reply"]

    async def join(self, *bindings: Mapping[str, Any], topic: str = TOPIC, token: str | None = None, **config: Any) -> Any:
        """Join and be answered; the answer's payload."""
        payload: dict[str, Any] = {"config": {"postgres_changes": list(bindings), **config}}
        if token is not None:
            payload["access_token"] = token
        ref = str(next(self._refs))
        await self.say(topic, "phx_join", payload, ref, ref)
        found = await self.hear()
        assert found[1:4] == [ref, topic, "phx_reply"], found
        return found[4]

    async def subscribe(self, *bindings: Mapping[str, Any], **more: Any) -> int:
        """Join and be subscribed; the position."""
        answer = await self.join(*bindings, **more)
        assert answer["status"] == "ok"
        system = await self.event("system")
        assert (system["status"], system["message"]) == ("ok", "Subscribed to PostgreSQL"), system
        return int(system.get("position", 0))

    async def changes(self, count: int) -> list[Any]:
        """The data of the next so many changes."""
        return [(await self.event("postgres_changes"))["data"] for _ in range(count)]

    async def closed(self) -> int:
        """The code that the server closes with, all frames before it passed over."""
        with contextlib.suppress(websockets.ConnectionClosed):
            async with asyncio.timeout(PATIENCE):
                async for _ in self.socket:
                    pass
        assert self.socket.close_code is not None
        return self.socket.close_code


def bess(**more: Any) -> dict[str, Any]:
    """The binding of the page, without its filter."""
    return {"event": "INSERT", "schema": "flux", "table": BESS, **more}


def device(number: int) -> str:
    """A uuid."""
    return str(uuid.UUID(int=number * 7919 + 3))
