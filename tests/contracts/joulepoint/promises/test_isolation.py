"""An id of another tenant is no id: in every path of the document, every parameter and every body."""

from __future__ import annotations

import re
from typing import Any

from starlette.types import ASGIApp

from tests.contracts.joulepoint.promises.conftest import ENERGY, Yard
from wattline.contracts.joulepoint import routes

NOBODYS = 10**9
"""An id that no tenant has."""
RATES = {"currency": "EUR", "timezone": "UTC", "energy": {"periods": [[{"rate": "0.1"}]]}}
ENTRY = {"from": "2026-06-12T00:00:00Z", "to": "2026-06-13T00:00:00Z", "value": 7000}
NAMES = {
    "meters": "number",
    "groups": "number",
    "accounts": "number",
    "tariffs": "number",
    "schedules": "number",
    "constraints": "number",
    "topology/nodes": "number",
    "topology/edges": "number",
    "pq/events": "number",
    "protection/events": "number",
    "gateway-keys": "key_id",
}


async def everything(yard: Yard) -> dict[str, Any]:
    """One thing of each kind: its id by the beginning of its path."""
    made: dict[str, Any] = {"meters": yard.meter}
    made["keys"] = (await yard.ask("POST", f"{ENERGY}/meters/{yard.meter}/keys", 201))["id"]
    made["groups"] = await yard.made("groups", meter_ids=[yard.meter])
    made["accounts"] = await yard.made("accounts", currency="EUR")
    made["tariffs"] = await yard.made("tariffs", **RATES)
    made["topology/nodes"] = await yard.made("topology/nodes", kind="grid")
    end = await yard.made("topology/nodes", kind="load")
    made["topology/edges"] = await yard.made("topology/edges", source=made["topology/nodes"], target=end)
    target = {"kind": "meter", "id": yard.meter}
    made["schedules"] = await yard.made("schedules", target=target, kind="power_limit", tz="UTC", entries=[ENTRY])
    made["constraints"] = await yard.made("constraints", node_id=made["topology/nodes"], max_power_w=1000)
    made["gateway-keys"] = (await yard.ask("POST", f"{ENERGY}/gateway-keys", 201))["id"]
    event = {"type": "sag", "start": yard.at(minutes=2), "end": yard.at(minutes=1), "residual_pu": 0.5}
    made["pq/events"] = (await yard.send(event, f"{ENERGY}/pq/events")).json()["id"]
    trip = {"kind": "trip_overcurrent", "timestamp": yard.at()}
    made["protection/events"] = (await yard.send(trip, f"{ENERGY}/protection/events")).json()["id"]
    credential = {"name": "c", "scopes": ["energy:read"]}
    made["credentials"] = (await yard.ask("POST", "/api/integrations/credentials", 201, json=credential))["id"]
    return made


async def documented(yard: Yard, whole: ASGIApp) -> dict[str, Any]:
    """The contract's paths in the document."""
    paths = (await yard.depot.client.get("/openapi.json")).json()["paths"]
    return {path: item for path, item in paths.items() if path.startswith(routes.PREFIXES)}


def filled(path: str, made: dict[str, Any]) -> str | None:
    """A path with the ids of what was made; None where it has none."""
    found = path.replace("/keys/{key_id}", f"/keys/{made['keys']}").replace("{client_id}", str(made["credentials"]))
    for beginning, name in NAMES.items():
        found = found.replace(f"{ENERGY}/{beginning}/{{{name}}}", f"{ENERGY}/{beginning}/{made[beginning]}")
    return None if found == path else found


async def test_of_every_path(yard: Yard, neighbour: Yard, whole: ASGIApp) -> None:
    made, asked = await everything(yard), 0
    for path, item in (await documented(yard, whole)).items():
        where = filled(path, made)
        if where is None:
            # An export has a number that nobody guesses, and a type of event is everybody's.
            assert "{" not in path or path.startswith((f"{ENERGY}/analytics/exports/", "/api/events/schemas/")), path
            continue
        assert "{" not in where
        query = {"from": yard.at(hours=1), "to": yard.at()} if where.endswith("/effective") else {}
        for method in item:
            body: dict[str, Any] = {} if method in ("get", "delete") else {"json": {} if method == "post" else {"name": "mine"}}
            answer = await neighbour.depot.call(method.upper(), where, params=query, **body)
            assert answer.status_code == 404, (method, where, answer.status_code, answer.text)
            asked += 1
    assert asked > 45
    for kind in NAMES:
        assert (await yard.ask("GET", f"{ENERGY}/{kind}/{made[kind]}"))["id"] == made[kind], "nothing of it was changed"


async def test_of_every_parameter(yard: Yard, neighbour: Yard, whole: ASGIApp) -> None:
    made, asked = await everything(yard), 0
    of = {"meter_id": made["meters"], "group_id": made["groups"], "account_id": made["accounts"]}
    for path, item in (await documented(yard, whole)).items():
        for parameter in item.get("get", {}).get("parameters", ()):
            name = parameter["name"]
            if name not in of or parameter["in"] != "query":
                continue
            answer = await neighbour.depot.call("GET", path, params={name: of[name]})
            if path in (f"{ENERGY}/{kind}" for kind in NAMES) and answer.status_code == 200:
                assert answer.json()["results"] == []  # a list that is narrowed by what nothing of it has
            else:
                assert answer.status_code == 404, (path, name, answer.status_code, answer.text)
            asked += 1
    assert asked > 20


def refering(made: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Bodies that name what was made, each of it once."""
    meter, node = made["meters"], made["topology/nodes"]
    target = {"kind": "power_limit", "tz": "UTC", "entries": [ENTRY]}
    return [
        ("meters", {"parent_id": meter}),
        ("meters", {"account_id": made["accounts"]}),
        ("meters", {"group_ids": [made["groups"]]}),
        ("meters", {"node_id": node}),
        ("meters", {"kind": "virtual", "formula": [{"meter_id": meter}]}),
        ("groups", {"meter_ids": [meter]}),
        ("groups", {"group_ids": [made["groups"]]}),
        ("accounts", {"currency": "EUR", "meters": [{"meter_id": meter}]}),
        ("accounts", {"currency": "EUR", "tariffs": [{"tariff_id": made["tariffs"]}]}),
        ("topology/nodes", {"kind": "load", "meter_id": meter}),
        ("topology/edges", {"source": node, "target": node}),
        ("constraints", {"node_id": node, "max_power_w": 1}),
        ("schedules", {"target": {"kind": "meter", "id": meter}, **target}),
        ("schedules", {"target": {"kind": "group", "id": made["groups"]}, **target}),
        ("schedules", {"target": {"kind": "node", "id": node}, **target}),
        ("gateway-keys", {"meter_ids": [meter]}),
        ("pq/config", {"meter_id": meter}),
        ("energy-data", {"meter_id": meter, "total_power": 1}),
        ("energy-data/bulk", {"readings": [{"meter_id": meter, "total_power": 1}]}),
        ("pq/events", {"meter_id": meter, "type": "sag", "start": "2026-06-11T14:00:00Z", "end": "2026-06-11T14:00:01Z"}),
        ("protection/events", {"meter_id": meter, "kind": "arc_fault", "timestamp": "2026-06-11T14:00:00Z"}),
        ("analytics/forecast", {"meter_id": meter}),
    ]


WITHOUT_NAME = ("pq", "energy-data", "protection", "analytics")


async def test_of_every_body(yard: Yard, neighbour: Yard) -> None:
    """What a foreign id is answered is what an id is answered that nobody has."""
    made = await everything(yard)

    async def answered(kind: str, body: dict[str, Any]) -> tuple[int, str]:
        named = body if kind.startswith(WITHOUT_NAME) else {"name": "mine", **body}
        answer = await neighbour.depot.call("POST", f"{ENERGY}/{kind}", json=named)
        return answer.status_code, re.sub(r"\b\d+\b", "N", answer.text.replace(answer.headers["x-request-id"], ""))

    nobodys = refering(dict.fromkeys(made, NOBODYS))
    for (kind, body), (_, other) in zip(refering(made), nobodys, strict=True):
        status, told = await answered(kind, body)
        assert (status, told) == await answered(kind, other), body
        assert status in (404, 422) or '"rejected":[{' in told, (body, told)
