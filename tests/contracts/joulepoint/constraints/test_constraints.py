"""Constraints over HTTP."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi import APIRouter

from tests.contracts.joulepoint.depot import Depot
from wattline.contracts.joulepoint import constraints
from wattline.contracts.joulepoint.gate import Gate
from wattline.platform import Platform

PATH = "/api/energy/constraints"


@pytest.fixture
def routers(platform: Platform, gate: Gate) -> list[APIRouter]:
    return [constraints.build(platform.constraints, platform.resources, gate)]


async def node(depot: Depot, **body: Any) -> int:
    return (await depot.platform.topology.nodes.create(depot.tenant, {"kind": "bus", **body})).id


async def test_defaults_and_what_is_in_use(depot: Depot, stranger: Depot) -> None:
    number = await node(depot)
    answer = await depot.call("POST", f"{PATH}/", json={"node_id": number, "max_current_a": 63})
    assert answer.status_code == 201
    shown = answer.json()
    assert (shown["per_phase"], shown["margin_pct"], shown["fallback_a"]) == (True, 5.0, 6.0)
    assert (shown["timeout_s"], shown["priority_policy"], shown["valid"]) == (30, "fair", None)
    assert (await stranger.call("GET", f"{PATH}/{shown['id']}")).status_code == 404
    theirs = await stranger.call("POST", PATH, json={"node_id": number, "max_power_w": 1})
    assert theirs.json()["errors"][0]["pointer"] == "/node_id"
    with pytest.raises(Exception, match="in use"):
        await depot.platform.topology.nodes.remove(depot.tenant, number)
    changed = await depot.call("PATCH", f"{PATH}/{shown['id']}", json={"max_power_w": 40000, "max_current_a": None})
    assert (changed.json()["max_power_w"], changed.json()["max_current_a"]) == (40000.0, None)
    limited = await depot.key("energy:read", "config:write", sites=["north"])
    assert (await depot.call("GET", PATH, key=limited)).json()["count"] == 0
    assert (await depot.call("POST", PATH, key=limited, json={"node_id": number, "max_power_w": 1})).status_code == 422
    assert (await depot.call("DELETE", f"{PATH}/{shown['id']}")).status_code == 204


@pytest.mark.parametrize(
    ("body", "faults"),
    [
        ({}, {"/node_id": "required", "/max_current_a": "required"}),
        ({"max_current_a": 0, "max_power_w": -1}, {"/max_current_a": "out_of_range", "/max_power_w": "out_of_range"}),
        ({"import_w": -1, "export_w": "0"}, {"/import_w": "out_of_range", "/export_w": "type"}),
        ({"peak_kw_15min": 10, "margin_pct": 51, "timeout_s": 0}, {
            "/margin_pct": "out_of_range", "/timeout_s": "out_of_range"}),
        ({"max_current_a": 32, "fallback_a": 5.9}, {"/fallback_a": "out_of_range"}),
        ({"max_current_a": 32, "fallback_a": 33}, {"/fallback_a": "out_of_range"}),
        ({"max_power_w": 1, "priority_policy": "lottery", "per_phase": 1}, {
            "/priority_policy": "bad_choice", "/per_phase": "type"}),
        ({"max_power_w": 1, "valid": {"from": "2026-02-01T00:00:00Z", "to": "2026-01-01T00:00:00Z"}}, {
            "/valid/to": "out_of_order"}),
        ({"max_power_w": 1, "node_id": 10**12}, {"/node_id": "unknown_reference"}),
    ],
)  # fmt: skip
async def test_faults(depot: Depot, body: dict[str, Any], faults: dict[str, str]) -> None:
    usual = {} if "/node_id" in faults else {"node_id": await node(depot)}
    answer = await depot.call("POST", PATH, json={**usual, **body})
    assert answer.status_code == 422, answer.text
    assert {each["pointer"]: each["code"] for each in answer.json()["errors"]} == faults
