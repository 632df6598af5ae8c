"""A tenant that has one of everything that the contract gives an id to."""

from __future__ import annotations

import json
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
from starlette.types import ASGIApp

from tests.contracts.joulepoint.depot import Depot, move_in
from wattline.metering.export import tables
from wattline.metering.export.model import Asked, Export, columns_of
from wattline.model.clock import DAY, HOUR, from_micros
from wattline.platform import Platform

ENERGY = "/api/energy"
CREDENTIALS = "/api/integrations/credentials"
SITE, OTHER_SITE = "north", "south"
RATES = {"periods": [[{"rate": "0.30"}]], "weekday": [[0] * 24] * 12, "weekend": [[0] * 24] * 12}


@dataclass
class Estate:
    """`things` are ids by what they are ids of, `bodies` what these were made of, `meter` the id of a meter at `SITE`."""

    depot: Depot
    app: ASGIApp
    things: dict[str, Any] = field(default_factory=dict)
    bodies: dict[str, dict[str, Any]] = field(default_factory=dict)
    device: dict[str, Any] = field(default_factory=dict)

    @property
    def meter(self) -> int:
        return int(self.things["meter"])

    def at(self, ago: int = 0) -> str:
        """The time so many us ago, as a text."""
        return from_micros(self.depot.clock.micros() - ago).isoformat().replace("+00:00", "Z")

    async def ask(self, method: str, path: str, status: int = 200, **parts: Any) -> Any:
        """What a request is answered, whose status must be this one."""
        answer = await self.depot.call(method, path, **parts)
        assert answer.status_code == status, (method, path, answer.status_code, answer.text)
        return answer.json() if answer.content else None

    async def send(self, path: str, body: Any) -> httpx.Response:
        """Send as the meter's device."""
        headers = {"X-Device-Key": self.device["key"], "Content-Type": "application/json"}
        return await self.depot.client.post(path, content=json.dumps(body), headers=headers)

    async def add(self, thing: str, path: str, **body: Any) -> Any:
        """Make a resource, and remember it as this thing."""
        self.bodies[thing] = body
        self.things[thing] = (await self.ask("POST", path, 201, json=body))["id"]
        return self.things[thing]

    async def furnish(self) -> None:
        """Make one of everything."""
        await self.add("other meter", f"{ENERGY}/meters", name="South", site=OTHER_SITE)
        meter = await self.add("meter", f"{ENERGY}/meters", name="North", site=SITE, nominal_voltage=230)
        group = await self.add("group", f"{ENERGY}/groups", name="All", meter_ids=[meter])
        tariff = await self.add("tariff", f"{ENERGY}/tariffs", name="Flat", currency="EUR", timezone="UTC", energy=RATES)
        await self.add(
            "account", f"{ENERGY}/accounts", name="Ours", currency="EUR", meters=[{"meter_id": meter}],
            tariffs=[{"tariff_id": tariff}],
        )  # fmt: skip
        node = await self.add("node", f"{ENERGY}/topology/nodes", kind="grid", site_id=SITE, name="Grid", meter_id=meter)
        bus = await self.add("other node", f"{ENERGY}/topology/nodes", kind="bus", site_id=SITE, name="Bus")
        await self.add("edge", f"{ENERGY}/topology/edges", source=node, target=bus, kind="cable", site_id=SITE)
        entry = {"from": self.at(), "to": self.at(-DAY), "value": 5_000}
        await self.add(
            "schedule", f"{ENERGY}/schedules", name="Night", target={"kind": "group", "id": group}, kind="power_limit",
            tz="UTC", entries=[entry],
        )  # fmt: skip
        await self.add("constraint", f"{ENERGY}/constraints", name="Fuse", node_id=node, max_current_a=63)
        await self.add("gateway key", f"{ENERGY}/gateway-keys", name="Gateway", meter_ids=[meter])
        await self.add("credential", CREDENTIALS, name="Client", scopes=["energy:read"])
        self.device = await self.ask("POST", f"{ENERGY}/meters/{meter}/keys", 201, json={"name": "Device"})
        self.things["meter key"] = self.device["id"]
        assert (await self.depot.call("POST", f"{ENERGY}/pq/config", json={"meter_id": meter})).status_code == 201
        await self._measure()

    async def _measure(self) -> None:
        rows = [
            {"total_power": 100.0 + at, "total_energy": 10.0 + at, "timestamp": self.at(at * HOUR)} for at in range(3, 0, -1)
        ]
        answer = await self.send(f"{ENERGY}/energy-data/bulk", rows)
        assert answer.json()["accepted"] == 3, answer.text
        sag = {"type": "sag", "start": self.at(HOUR), "end": self.at(HOUR - 10**6), "residual_pu": 0.5}
        self.things["pq event"] = (await self.send(f"{ENERGY}/pq/events", sag)).json()["id"]
        trip = {"kind": "trip_overcurrent", "timestamp": self.at(HOUR), "breaker_id": "Q1"}
        self.things["protection event"] = (await self.send(f"{ENERGY}/protection/events", trip)).json()["id"]
        now = self.depot.clock.micros()
        wanted = Asked("meter", self.meter, now - DAY, now, "UTC", "15m", columns_of("15m", None), False)
        made = Export(uuid.uuid4().hex, self.depot.tenant, None, wanted, now, "waiting", None, None, None)
        async with self.depot.platform.database.transaction() as connection:
            await tables.insert(connection, made)
        self.things["export"] = made.id

    async def seen(self) -> list[str]:
        """Everything that the tenant's own callers are shown."""
        paths = [
            *(f"{ENERGY}/{each}" for each in (
                "meters", "groups", "accounts", "tariffs", "schedules", "constraints", "gateway-keys", "topology/nodes",
                "topology/edges", "pq/config", "pq/events", "protection/events", "protection/breakers",
                f"meters/{self.meter}/keys", f"analytics/exports/{self.things['export']}",
                f"analytics/kpi?meter_id={self.meter}",
            )),
            CREDENTIALS,
            "/api/events?limit=500",
        ]  # fmt: skip
        answers = [await self.depot.call("GET", path) for path in paths]
        assert {answer.status_code for answer in answers} == {200}, [answer.text for answer in answers]
        return [answer.text for answer in answers]


@asynccontextmanager
async def founded(platform: Platform, app: ASGIApp) -> AsyncIterator[Estate]:
    """A new tenant with everything."""
    depot = await move_in(platform, app)
    async with depot.client:
        depot.clock.advance(1)
        made = Estate(depot, app)
        await made.furnish()
        yield made
