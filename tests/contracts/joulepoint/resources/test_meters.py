"""/api/energy/meters, groups and accounts."""

from __future__ import annotations

from typing import Any

import httpx

from tests.contracts.joulepoint.depot import Depot
from tests.contracts.joulepoint.resources.conftest import ACCOUNTS, GATEWAYS, GROUPS, METERS, made


def codes(answer: httpx.Response) -> set[tuple[str, str]]:
    assert answer.status_code == 422, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    return {(fault["pointer"], fault["code"]) for fault in answer.json()["errors"]}


async def test_a_meter_is_made_shown_changed_and_removed(depot: Depot) -> None:
    answer = await depot.call("POST", f"{METERS}/", json={"name": "Main", "nominal_voltage": 230, "phases": 3})
    assert answer.status_code == 201
    meter = answer.json()
    here = f"{METERS}/{meter['id']}"
    assert answer.headers["location"] == here
    assert (meter["wiring"], meter["site"], meter["energy_unit"], meter["interval_s"]) == ("3p4w", "main", "kWh", 60)
    shown = await depot.call("GET", here)
    assert shown.json() == meter
    assert shown.headers["etag"] == answer.headers["etag"]

    replaced = await depot.call("PUT", here, json={**meter, "interval_s": 900}, headers={"If-Match": shown.headers["etag"]})
    assert (replaced.status_code, replaced.json()["interval_s"]) == (200, 900)
    stale = await depot.call("PATCH", f"{here}/", json={"name": "x"}, headers={"If-Match": shown.headers["etag"]})
    assert stale.status_code == 412
    patched = await depot.call("PATCH", here, json={"name": "Renamed", "interval_s": None})
    assert (patched.json()["name"], patched.json()["interval_s"]) == ("Renamed", 60)
    listed = (await depot.call("GET", METERS, params={"site": "main"})).json()
    assert (listed["count"], listed["results"]) == (1, [patched.json()])

    assert (await depot.call("DELETE", here)).status_code == 204
    assert (await depot.call("GET", here)).status_code == 404


async def test_faults_come_with_their_pointers(depot: Depot) -> None:
    answer = await depot.call(
        "POST", METERS, json={"phases": 2, "group_ids": [2**62], "metadata": {"deep": [[]]}, "colour": 1, "timezone": "x"}
    )
    assert codes(answer) == {
        ("/name", "required"),
        ("/phases", "bad_choice"),
        ("/group_ids/0", "unknown_reference"),
        ("/colour", "unknown"),
        ("/timezone", "unknown_zone"),
    }
    deep = ('{"a":' * 900) + "1" + "}" * 900
    for content in (f'{{"name":"x","metadata":{deep}}}', f'{{"metadata":{deep}}}'):
        for method, path in (("POST", METERS), ("PATCH", f"{METERS}/{await made(depot, METERS)}")):
            answer = await depot.call(method, path, content=content, headers={"Content-Type": "application/json"})
            assert answer.status_code == 422, answer.text


async def test_circles_are_422_and_what_is_used_or_overlaps_409(depot: Depot) -> None:
    meter = await made(depot, METERS)
    virtual = await made(depot, METERS, kind="virtual", formula=[{"meter_id": meter, "sign": -1}])
    circle = await depot.call("PATCH", f"{METERS}/{virtual}", json={"formula": [{"meter_id": virtual}]})
    assert codes(circle) == {("/formula/0/meter_id", "cycle")}
    group = await made(depot, GROUPS, meter_ids=[meter])
    circle = await depot.call("PATCH", f"{GROUPS}/{group}", json={"group_ids": [group]})
    assert codes(circle) == {("/group_ids/0", "cycle")}
    assert (await depot.call("DELETE", f"{METERS}/{meter}")).status_code == 409
    account = await made(depot, ACCOUNTS, meters=[{"meter_id": meter, "to": "2026-01-01T00:00:00Z"}])
    body = {"name": "b", "currency": "EUR", "meters": [{"meter_id": meter, "from": "2025-12-31T23:59:59Z"}]}
    assert (await depot.call("POST", ACCOUNTS, json=body)).status_code == 409
    shown = (await depot.call("GET", f"{ACCOUNTS}/{account}")).json()
    assert shown["meters"] == [{"meter_id": meter, "from": None, "to": "2026-01-01T00:00:00Z"}]
    assert (shown["tax_rate"], shown["billing_day"], shown["billing_mode"]) == ("0", 1, "postpaid")


async def test_scopes_say_who_reads_and_who_writes(depot: Depot) -> None:
    meter = await made(depot, METERS)
    reader, writer = await depot.key("energy:read"), await depot.key("config:write")
    paths = (METERS, GROUPS, ACCOUNTS, GATEWAYS, f"{METERS}/{meter}/keys")
    for path in paths:
        assert (await depot.call("GET", path, key=reader)).status_code == 200
        assert (await depot.call("GET", path, key=writer)).status_code == 403
        assert (await depot.call("POST", path, key=reader, json={})).status_code == 403
        assert (await depot.call("GET", path, key=None)).status_code == 401
    assert (await depot.call("POST", METERS, key=writer, json={"name": "x"})).status_code == 201


async def test_another_tenants_ids_are_not_there(depot: Depot, stranger: Depot) -> None:
    meter = await made(depot, METERS)
    group = await made(depot, GROUPS, meter_ids=[meter])
    account = await made(depot, ACCOUNTS)
    key = (await depot.call("POST", f"{METERS}/{meter}/keys")).json()["id"]
    gateway = (await depot.call("POST", GATEWAYS)).json()["id"]
    own = await made(stranger, METERS)
    ones = [f"{METERS}/{meter}", f"{GROUPS}/{group}", f"{ACCOUNTS}/{account}", f"{GATEWAYS}/{gateway}"]
    ones += [f"{METERS}/{meter}/keys/{key}", f"{METERS}/{own}/keys/{key}"]
    for path in ones:
        for method in ("GET", "DELETE"):
            assert (await stranger.call(method, path)).status_code == 404, path
    for path in ones[:3]:
        for method in ("PUT", "PATCH"):
            assert (await stranger.call(method, path, json={"name": "x", "currency": "EUR"})).status_code == 404
    for path in ones[3:]:
        for verb in ("rotate", "revoke"):
            assert (await stranger.call("POST", f"{path}/{verb}")).status_code == 404
    for path in (f"{METERS}/{meter}/keys", f"{METERS}/{own + 10**9}/keys"):
        assert (await stranger.call("GET", path)).status_code == 404
        assert (await stranger.call("POST", path)).status_code == 404
    for path, body in (
        (METERS, {"parent_id": meter}),
        (METERS, {"account_id": account}),
        (METERS, {"group_ids": [group]}),
        (METERS, {"kind": "virtual", "formula": [{"meter_id": meter}]}),
        (GROUPS, {"meter_ids": [meter]}),
        (GROUPS, {"group_ids": [group]}),
        (ACCOUNTS, {"meters": [{"meter_id": meter}], "currency": "EUR"}),
        (GATEWAYS, {"meter_ids": [meter]}),
    ):
        answer = await stranger.call("POST", path, json={"name": "x", **body})
        assert {code for _, code in codes(answer)} == {"unknown_reference"}
    assert (await stranger.call("GET", GROUPS)).json()["results"] == []


async def test_a_credential_of_some_sites_sees_and_writes_there_alone(depot: Depot) -> None:
    north, south = await made(depot, METERS, site="north"), await made(depot, METERS, site="south")
    mixed = await made(depot, GROUPS, meter_ids=[north, south])
    pure = await made(depot, GROUPS, meter_ids=[north])
    account = await made(depot, ACCOUNTS, meters=[{"meter_id": south}])
    limited = await depot.key("energy:read", "config:write", sites=["north"])

    async def ids(path: str) -> list[int]:
        return [each["id"] for each in (await depot.call("GET", path, key=limited)).json()["results"]]

    assert await ids(METERS) == [north]
    assert await ids(GROUPS) == [pure]
    assert await ids(ACCOUNTS) == []
    for path in (f"{METERS}/{south}", f"{GROUPS}/{mixed}", f"{ACCOUNTS}/{account}", f"{METERS}/{south}/keys"):
        assert (await depot.call("GET", path, key=limited)).status_code == 404
    assert (await depot.call("POST", f"{METERS}/{south}/keys", key=limited)).status_code == 404
    assert (await depot.call("DELETE", f"{METERS}/{south}", key=limited)).status_code == 404

    tries: list[tuple[str, str, dict[str, Any], str]] = [
        ("POST", METERS, {"name": "x"}, "/site"),
        ("POST", METERS, {"name": "x", "site": "south"}, "/site"),
        ("PATCH", f"{METERS}/{north}", {"site": "south"}, "/site"),
        ("PATCH", f"{METERS}/{north}", {"site": None}, "/site"),
        ("PATCH", f"{METERS}/{north}", {"parent_id": south}, "/parent_id"),
        ("PATCH", f"{METERS}/{north}", {"source": {"site": "south"}}, "/source/site"),
        ("PATCH", f"{METERS}/{north}", {"formula": [{"meter_id": south}]}, "/formula/0/meter_id"),
        ("PATCH", f"{METERS}/{north}", {"group_ids": [pure, mixed]}, "/group_ids/1"),
        ("PATCH", f"{METERS}/{north}", {"account_id": account}, "/account_id"),
        ("POST", GROUPS, {"name": "x", "meter_ids": [north, south]}, "/meter_ids/1"),
        ("POST", GROUPS, {"name": "x", "group_ids": [mixed]}, "/group_ids/0"),
        ("POST", ACCOUNTS, {"name": "x", "meters": [{"meter_id": south}]}, "/meters/0/meter_id"),
        ("POST", GATEWAYS, {"meter_ids": [north, south]}, "/meter_ids/1"),
    ]
    for method, path, body, pointer in tries:
        assert (pointer, "unknown_reference") in codes(await depot.call(method, path, key=limited, json=body)), body
    assert (await depot.call("POST", GATEWAYS, key=limited)).status_code == 403
    assert (await depot.call("PATCH", f"{METERS}/{north}", key=limited, json={"name": "y"})).status_code == 200
    assert (await depot.call("POST", METERS, key=limited, json={"name": "x", "site": "north"})).status_code == 201
    every = (await depot.call("POST", GATEWAYS)).json()["id"]
    some = (await depot.call("POST", GATEWAYS, json={"meter_ids": [north]})).json()["id"]
    assert await ids(GATEWAYS) == [some]
    assert (await depot.call("POST", f"{GATEWAYS}/{every}/rotate", key=limited)).status_code == 404
