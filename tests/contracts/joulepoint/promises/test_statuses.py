"""Each status that a group of paths answers with, once."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.contracts.joulepoint.promises.conftest import ANALYTICS, BULK, ENERGY, READING, Yard

TARIFF = {"currency": "EUR", "timezone": "UTC", "energy": {"periods": [[{"rate": "0.1"}]]}}
ENTRY = {"from": "2026-06-12T00:00:00Z", "to": "2026-06-13T00:00:00Z", "value": 7000}


async def body_of(yard: Yard, kind: str) -> dict[str, Any]:
    """A document of a kind, whatever it refers to being there."""
    bodies: dict[str, dict[str, Any]] = {
        "meters": {"name": "a"},
        "groups": {"name": "a", "meter_ids": [yard.meter]},
        "accounts": {"name": "a", "currency": "EUR"},
        "tariffs": {"name": "a", **TARIFF},
        "topology/nodes": {"name": "a", "kind": "load"},
    }
    if kind in bodies:
        return bodies[kind]
    if kind == "schedules":
        target = {"kind": "meter", "id": yard.meter}
        return {"name": "a", "target": target, "kind": "power_limit", "tz": "UTC", "entries": [ENTRY]}
    node = await yard.made("topology/nodes", kind="grid")
    if kind == "constraints":
        return {"name": "a", "node_id": node, "max_power_w": 10_000}
    return {"name": "a", "source": node, "target": await yard.made("topology/nodes", kind="load"), "meshed": True}


KINDS = ["meters", "groups", "accounts", "tariffs", "schedules", "constraints", "topology/nodes", "topology/edges"]


@pytest.mark.parametrize("kind", KINDS)
async def test_of_resources(yard: Yard, neighbour: Yard, kind: str) -> None:
    path, body = f"{ENERGY}/{kind}", await body_of(yard, kind)
    call = yard.depot.call
    answer = await call("POST", f"{path}/", json={**body, "external_id": "one"})
    assert answer.status_code == 201, answer.text
    number, tag = answer.json()["id"], answer.headers["etag"]
    one = answer.headers["location"]
    assert one == f"{path}/{number}"

    await yard.ask("POST", path, 409, json={**body, "external_id": "one"})
    await yard.ask("POST", path, 422, json={**body, "colour": "red"})
    await yard.ask("GET", path, 400, params={"colour": "red"})
    await yard.ask("GET", path, 401, key=None)
    await yard.ask("POST", path, 403, json=body, key=await yard.depot.key("pq:read"))
    for slash in ("", "/"):
        assert (await yard.ask("GET", f"{one}{slash}"))["id"] == number
    assert (await call("GET", one, headers={"If-None-Match": tag})).status_code == 304
    await yard.ask("GET", one, 404, key=neighbour.depot.keys["all"])
    for method, sent in (("PUT", body), ("PATCH", {"name": "b"})):
        await yard.ask(method, one, 412, json=sent, headers={"If-Match": '"0"'})
        await yard.ask(method, one, 404, json=sent, key=neighbour.depot.keys["all"])
        answer = await call(method, one, json=sent, headers={"If-Match": tag})
        assert answer.status_code == 200, answer.text
        assert answer.headers["etag"] != tag
        tag = answer.headers["etag"]
    await yard.ask("DELETE", one, 404, key=neighbour.depot.keys["all"])
    await yard.ask("DELETE", one, 412, headers={"If-Match": '"0"'})
    await yard.ask("DELETE", one, 204, headers={"If-Match": tag})
    await yard.ask("GET", one, 404)
    await yard.ask("DELETE", one, 404)


async def test_of_resources_in_use(yard: Yard) -> None:
    node = await yard.made("topology/nodes", kind="load", meter_id=yard.meter)
    await yard.ask("DELETE", f"{ENERGY}/meters/{yard.meter}", 409)
    await yard.made("topology/edges", source=node, target=await yard.made("topology/nodes", kind="grid"))
    await yard.ask("DELETE", f"{ENERGY}/topology/nodes/{node}", 409)


@pytest.mark.parametrize("path", [READING, BULK])
async def test_of_readings(yard: Yard, neighbour: Yard, path: str) -> None:
    async def status(body: Any, *, key: str | None = None, **headers: str) -> int:
        token = {} if key is None else {"Authorization": f"Bearer {key}"}
        device = {"X-Device-Key": yard.key} if key is None else {}
        sent = {"Content-Type": "application/json", **device, **token, **headers}
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        return (await yard.depot.client.post(path, content=content, headers=sent)).status_code

    row: dict[str, Any] = {"total_power": 1, "timestamp": yard.at(minutes=1)}
    many = path == BULK
    good = [row] if many else row
    assert [await status(good), await status(good)] == ([200, 200] if many else [201, 200])
    assert await status(b"{") == 400
    assert await status(good, **{"X-Device-Key": "11111111-1111-4111-8111-111111111111"}) == 401
    assert await status(good, **{"X-Signature": "0" * 64}) == 401
    assert await status(good, key=await yard.depot.key("energy:read")) == 403
    assert await status(good, **{"Content-Type": "text/plain"}) == 415
    assert await status(b" " * (5 * 1024 * 1024 + 1)) == 413
    assert await status([] if many else {}) == 422
    strange = {**row, "meter_id": neighbour.meter}
    assert await status([strange] if many else strange) == (200 if many else 403)
    token = yard.depot.keys["all"]
    assert await status([strange] if many else strange, key=token) == (200 if many else 404)
    sent = {"X-Device-Key": yard.key, "Content-Type": "application/json"}
    answer = await yard.depot.client.post(f"{path}?colour=red", content=json.dumps(good), headers=sent)
    assert answer.status_code == 400


async def test_of_all_or_none(yard: Yard) -> None:
    rows = [{"total_power": 1, "timestamp": yard.at(minutes=1)}, {"total_power": 2e9, "timestamp": yard.at(minutes=2)}]
    answer = await yard.send({"readings": rows}, f"{BULK}?atomic=true")
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/readings/1/total_power")
    trail = await yard.ask("GET", f"{ANALYTICS}/live_trail", params={"meter_id": yard.meter})
    assert trail["points"] == []


@pytest.mark.parametrize("figure", ["live_trail", "kpi", "matrix", "export", "forecast"])
async def test_of_analytics(yard: Yard, neighbour: Yard, figure: str) -> None:
    path, asked = f"{ANALYTICS}/{figure}", {"meter_id": yard.meter}
    answer = await yard.depot.call("GET", path, params=asked)
    assert answer.status_code == (422 if figure == "forecast" else 200), answer.text
    if figure == "forecast":
        assert answer.json()["code"] == "insufficient_history"
    await yard.ask("GET", path, 400)
    await yard.ask("GET", path, 400, params={**asked, "group_id": 1})
    await yard.ask("GET", path, 400, params={**asked, "tz": "Mars/Olympus"})
    await yard.ask("GET", path, 400, params={**asked, "colour": "red"})
    await yard.ask("GET", path, 401, key=None, params=asked)
    await yard.ask("GET", path, 403, key=await yard.depot.key("pq:read"), params=asked)
    for other in ({"meter_id": neighbour.meter}, {"group_id": 10**9}, {"account_id": 10**9}):
        await yard.ask("GET", path, 404, params=other)
    if figure in ("kpi", "matrix", "export"):
        for wrong in ({"from": "2026-06-11"}, {"from": yard.at(), "to": yard.at(hours=1)}):
            await yard.ask("GET", path, 400, params={**asked, **wrong})


async def test_of_thresholds(yard: Yard, neighbour: Yard) -> None:
    path, body = f"{ENERGY}/pq/config", {"meter_id": yard.meter}
    await yard.ask("GET", path, 404, params=body)
    for status in (201, 200):
        await yard.ask("POST", path, status, json=body)
    assert (await yard.ask("GET", path, params=body))["version"] == 2
    await yard.ask("POST", path, 404, json={"meter_id": neighbour.meter})
    await yard.ask("GET", path, 404, params={"meter_id": neighbour.meter})
    await yard.ask("POST", path, 422, json={**body, "sag_v_threshold": 2})
    await yard.ask("POST", path, 401, json=body, key=None)
    await yard.ask("POST", path, 403, json=body, key=await yard.depot.key("pq:read"))


@pytest.mark.parametrize("path", ["pq/events", "protection/events", "topology/nodes/graph", "pq/compliance"])
async def test_of_what_is_only_read(yard: Yard, neighbour: Yard, path: str) -> None:
    where = f"{ENERGY}/{path}"
    await yard.ask("GET", where, 401, key=None)
    await yard.ask("GET", where, 403, key=await yard.depot.key("energy:write"))
    await yard.ask("GET", where, 400, params={"colour": "red"})
    of = {"site_id": "nowhere"} if path.startswith("topology") else {"meter_id": neighbour.meter}
    await yard.ask("GET", where, 404, params=of)
    answer = await yard.depot.call("PUT", f"{where}/", json={})
    if path.endswith("graph"):
        assert answer.status_code == 404, "there is no node of this name"
        return
    assert answer.status_code == 405
    assert "GET" in answer.headers["allow"]


@pytest.mark.parametrize(
    "path",
    [
        "automations/rules",
        "automations/actions",
        "automations/deliveries/metrics",
        "ml/datasets",
        "ml/training-jobs",
        "ml/assignments",
        "ml/promotions",
        "energy/billing/accounts/1/preview",
        "energy/billing/accounts/1/generate_statement",
        "energy/wallets",
        "energy/wallet-transactions",
    ],
)
async def test_of_what_is_not_served_yet(shared: Yard, path: str) -> None:
    for slash in ("", "/"):
        assert (await shared.depot.call("POST", f"/api/{path}{slash}", json={})).status_code == 404
