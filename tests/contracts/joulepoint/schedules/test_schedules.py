"""Schedules over HTTP, and what they come to."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi import APIRouter

from tests.contracts.joulepoint.depot import Depot
from wattline.contracts.joulepoint import schedules
from wattline.contracts.joulepoint.gate import Gate
from wattline.platform import Platform

PATH = "/api/energy/schedules"
NIGHT = {"rrule": "FREQ=DAILY", "start": "2026-01-01T22:00", "end": "06:00", "value": 5000}
MARCH = {"from": "2026-03-28T12:00:00Z", "to": "2026-03-29T12:00:00Z"}


@pytest.fixture
def routers(platform: Platform, gate: Gate) -> list[APIRouter]:
    return schedules.build(platform.schedules, platform.metering, platform.resources, gate)


async def target(depot: Depot, kind: str = "evse") -> dict[str, Any]:
    node = await depot.platform.topology.nodes.create(depot.tenant, {"kind": kind})
    return {"kind": "node" if kind != "evse" else "evse", "id": node.id}


async def made(depot: Depot, **body: Any) -> int:
    body = {"name": "S", "kind": "power_limit", "tz": "Europe/London", **body}
    answer = await depot.call("POST", f"{PATH}/", json=body)
    assert answer.status_code == 201, answer.text
    return int(answer.json()["id"])


async def effective(depot: Depot, number: int, **params: str) -> list[dict[str, Any]]:
    answer = await depot.call("GET", f"{PATH}/{number}/effective/", params={**MARCH, **params})
    assert answer.status_code == 200, answer.text
    return list(answer.json()["intervals"])


async def test_a_night_of_seven_hours(depot: Depot) -> None:
    number = await made(depot, target=await target(depot), entries=[NIGHT])
    assert await effective(depot, number) == [
        {
            "from": "2026-03-28T22:00:00Z",
            "to": "2026-03-29T05:00:00Z",
            "value": 5000.0,
            "priority": 0,
            "schedule_id": number,
            "entry": 0,
        }
    ]


async def test_other_schedules_of_the_same_target(depot: Depot) -> None:
    aim = await target(depot)
    low = await made(depot, target=aim, entries=[NIGHT])
    urgent = {"from": "2026-03-28T23:00:00Z", "to": "2026-03-29T00:00:00Z", "value": 9000}
    await made(depot, target=aim, priority=5, entries=[urgent])
    await made(depot, target=aim, unit="A", entries=[{**urgent, "value": 6}])
    assert [each["value"] for each in await effective(depot, low)] == [5000.0]
    assert [each["value"] for each in await effective(depot, low, together="true")] == [5000.0, 9000.0, 5000.0]


async def test_a_departure_and_switching(depot: Depot) -> None:
    aim = await target(depot)
    entry = {"from": "2026-03-28T18:00:00Z", "to": "2026-03-29T05:30:00Z"}
    leaving = await made(depot, target=aim, kind="ev_departure", entries=[entry], ev={"target_soc": 80, "capacity_kwh": 60})
    assert [each["to"] for each in await effective(depot, leaving)] == ["2026-03-29T05:30:00Z"]
    switch = await made(depot, target=aim, kind="on_off", entries=[{**entry, "value": True}, {**NIGHT, "value": False}])
    assert [each["value"] for each in await effective(depot, switch)] == [True, False, True]


@pytest.mark.parametrize(
    ("change", "faults"),
    [
        ({"entries": []}, {"/entries": "required"}),
        ({"kind": "dance", "tz": "Mars/Base", "priority": -1}, {
            "/kind": "bad_choice", "/tz": "unknown_zone", "/priority": "out_of_range"}),
        ({"entries": [{**NIGHT, "rrule": "FREQ=SECONDLY"}]}, {"/entries/0/rrule": "bad_rule"}),
        ({"entries": [{**NIGHT, "duration_s": 60}]}, {"/entries/0/end": "one_of"}),
        ({"entries": [{**NIGHT, "start": "2026-01-01T22:00Z"}]}, {"/entries/0/start": "bad_timestamp"}),
        ({"entries": [{**NIGHT, "end": "25:00"}]}, {"/entries/0/end": "bad_time"}),
        ({"entries": [{**NIGHT, "from": "2026-01-01T22:00:00Z"}]}, {"/entries/0/from": "not_allowed"}),
        ({"entries": [{"value": 1}]}, {"/entries/0/from": "required", "/entries/0/to": "required"}),
        ({"entries": [{**NIGHT, "value": -1}]}, {"/entries/0/value": "out_of_range"}),
        ({"entries": [{**NIGHT, "value": True}]}, {"/entries/0/value": "type"}),
        ({"kind": "on_off", "unit": "W"}, {"/unit": "not_allowed", "/entries/0/value": "type"}),
        ({"kind": "ev_departure"}, {"/ev": "required", "/entries/0/value": "not_allowed"}),
        ({"ev": {"target_kwh": 1}}, {"/ev": "not_allowed"}),
        ({"target": {"kind": "meter", "id": 10**12}}, {"/target/id": "unknown_reference"}),
        ({"target": {"kind": "moon"}}, {"/target/kind": "bad_choice", "/target/id": "required"}),
        ({"valid_from": "2026-02-01T00:00:00Z", "valid_to": "2026-01-01T00:00:00Z"}, {"/valid_to": "out_of_order"}),
    ],
)  # fmt: skip
async def test_faults(depot: Depot, change: dict[str, Any], faults: dict[str, str]) -> None:
    body = {"name": "S", "kind": "power_limit", "tz": "UTC", "entries": [NIGHT], "target": await target(depot), **change}
    answer = await depot.call("POST", PATH, json=body)
    assert answer.status_code == 422, answer.text
    assert {each["pointer"]: each["code"] for each in answer.json()["errors"]} == faults


async def test_spans_tenants_and_what_is_in_use(depot: Depot, stranger: Depot) -> None:
    aim = await target(depot, "bus")
    number = await made(depot, target=aim, entries=[NIGHT])
    path = f"{PATH}/{number}/effective"
    for params in (
        {},
        {"from": MARCH["to"], "to": MARCH["from"]},
        {**MARCH, "to": "2028-01-01T00:00:00Z"},
        {**MARCH, "x": "1"},
        {"from": "0001-01-01T00:00:00Z", "to": "0001-01-02T00:00:00Z"},
        {"from": "9999-12-30T00:00:00Z", "to": "9999-12-31T00:00:00Z"},
    ):
        assert (await depot.call("GET", path, params=params)).status_code == 400
    assert (await stranger.call("GET", path, params=MARCH)).status_code == 404
    assert (await stranger.call("GET", f"{PATH}/{number}")).status_code == 404
    with pytest.raises(Exception, match="in use"):
        await depot.platform.topology.nodes.remove(depot.tenant, aim["id"])
    limited = await depot.key("energy:read", "config:write", sites=["north"])
    assert (await depot.call("GET", path, key=limited, params=MARCH)).status_code == 404
    body = {"name": "S", "kind": "power_limit", "tz": "UTC", "entries": [NIGHT], "target": aim}
    assert (await depot.call("POST", PATH, key=limited, json=body)).status_code == 422
    not_a_charger = {**body, "target": {"kind": "evse", "id": aim["id"]}}
    assert (await depot.call("POST", PATH, json=not_a_charger)).status_code == 422
    assert (await depot.call("PATCH", f"{PATH}/{number}", json={"priority": 3})).json()["priority"] == 3
