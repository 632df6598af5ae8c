"""A protection device and a clerk of a depot, who go on for ever and repeat whatever was not answered."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.faults.depot_hands import DATA, ENERGY, Key
from tests.faults.depot_model import spelled

CYCLE = (("breaker_state", "closed"), ("trip_overcurrent", "tripped"), ("breaker_state", "open"))


@dataclass
class Relay:
    """Tells of one breaker, and of sags that the meter detected, each with an id of its own. `told` were acknowledged."""

    key: Key
    meter: int
    seconds: Iterator[int]
    number: int = 0
    told: list[dict[str, Any]] = field(default_factory=list)
    pending: tuple[str, dict[str, Any]] | None = None
    cut: int = 0

    def _body(self, second: int) -> tuple[str, dict[str, Any]]:
        name = f"event-{self.number}"
        if self.number % 4 == 3:
            return f"{ENERGY}/pq/events", {
                "type": "sag",
                "start": spelled(second),
                "end": spelled(second + 1),
                "phases": ["a"],
                "residual_pu": 0.5,
                "source_event_id": name,
            }
        kind, state = CYCLE[self.number % 4]
        event = {"kind": kind, "state": state, "breaker_id": "Q1", "timestamp": spelled(second), "source_event_id": name}
        return f"{ENERGY}/protection/events", event

    async def step(self, http: httpx.AsyncClient) -> None:
        """The next event, or the one that was not answered."""
        is_unsure = self.pending is not None
        path, body = self.pending = self.pending or self._body(next(self.seconds))
        self.cut += 1
        answer = await self.key.post(http, path, body)
        self.cut -= 1
        assert answer.status_code == 201 or (is_unsure and answer.status_code == 200), answer.text
        self.told.append(body)
        self.number += 1
        self.pending = None
        if self.number % 10 == 0:
            again = await self.key.post(http, path, body)
            assert again.status_code == 200, again.text


@dataclass
class Clerk:
    """Makes meters with keys and groups, renames them, revokes every other key, and makes clients of OAuth.

    `names` are what meters are called; of one whose renaming was cut off there are two.
    """

    first: int
    names: dict[int, set[str]] = field(default_factory=dict)
    keys: dict[int, tuple[int, Key, set[bool]]] = field(default_factory=dict)
    groups: dict[int, int] = field(default_factory=dict)
    clients: dict[str, str] = field(default_factory=dict)
    number: int = 0
    cut: int = 0

    async def step(self, http: httpx.AsyncClient) -> None:
        """A meter from its making to its group. What a kill cut off stays unfinished; a meter that was begun is found again."""
        external = f"meter-{self.number}"
        self.cut += 1
        answer = await http.post(f"{ENERGY}/meters", json={"name": "new", "external_id": external})
        if answer.status_code == 409:
            answer = await http.get(f"{ENERGY}/meters", params={"external_id": external})
            (meter,) = answer.json()["results"]
        else:
            assert answer.status_code == 201, answer.text
            meter = answer.json()
        number = meter["id"]
        names = self.names.setdefault(number, {meter["name"]})
        assert meter["name"] in names
        answer = await http.post(f"{ENERGY}/meters/{number}/keys", json={"require_signature": True})
        assert answer.status_code == 201, answer.text
        made = answer.json()
        holds = {True}
        self.keys[made["id"]] = number, Key(made["key"], made["secret"]), holds
        self.names[number] = {*names, external}
        match = {"If-Match": f'"{meter["version"]}"'}
        answer = await http.patch(f"{ENERGY}/meters/{number}", json={"name": external}, headers=match)
        assert answer.status_code == 200, answer.text
        self.names[number] = {external}
        if number % 2:
            holds.add(False)
            answer = await http.post(f"{ENERGY}/meters/{number}/keys/{made['id']}/revoke")
            assert answer.status_code == 200, answer.text
            holds.discard(True)
        answer = await http.post(f"{ENERGY}/groups", json={"name": external, "meter_ids": [number]})
        assert answer.status_code == 201, answer.text
        self.groups[answer.json()["id"]] = number
        answer = await http.post("/api/integrations/credentials", json={"name": external, "scopes": ["energy:read"]})
        assert answer.status_code == 201, answer.text
        self.clients[answer.json()["client_id"]] = answer.json()["client_secret"]
        self.number += 1
        self.cut -= 1

    async def check(self, http: httpx.AsyncClient) -> None:
        """What was answered is so; of what was not, either."""
        for number, names in self.names.items():
            answer = await http.get(f"{ENERGY}/meters/{number}")
            assert answer.status_code == 200, answer.text
            assert answer.json()["name"] in names
        for number, meter in self.groups.items():
            assert (await http.get(f"{ENERGY}/groups/{number}")).json()["meter_ids"] == [meter]
        for number, (meter, key, holds) in self.keys.items():
            shown = (await http.get(f"{ENERGY}/meters/{meter}/keys/{number}")).json()
            assert (shown["revoked_at"] is None) in holds
            # Refused for what it holds, so that it is the key alone that is tried.
            answer = await key.post(http, DATA, {"voltage_a": -1.0, "timestamp": spelled(self.first)})
            assert answer.status_code == (422 if shown["revoked_at"] is None else 401), answer.text
        for client, secret in self.clients.items():
            answer = await http.post("/oauth/token", data={"grant_type": "client_credentials"}, auth=(client, secret))
            assert answer.status_code == 200, answer.text
