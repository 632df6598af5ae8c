"""Integrations, API Access: who may use the API, as an administrator keeps it."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi import APIRouter

from tests.contracts.joulepoint.access.test_oauth_routes import GRANT, ask, new_client
from tests.contracts.joulepoint.depot import Depot
from tests.contracts.joulepoint.kit.test_gate import PATH as SHED
from tests.contracts.joulepoint.kit.test_gate import shed
from tests.contracts.joulepoint.kit.test_resource_routes import problem
from wattline.contracts.joulepoint import credentials
from wattline.contracts.joulepoint import oauth as routes
from wattline.contracts.joulepoint.credentials import PATH
from wattline.contracts.joulepoint.gate import Gate
from wattline.identity.oauth.service import OAuth
from wattline.platform import Platform


@pytest.fixture
def routers(platform: Platform, gate: Gate, oauth: OAuth) -> list[APIRouter]:
    return [routes.build(oauth), credentials.build(oauth, gate, platform.clock), shed(gate)]


async def test_a_secret_is_shown_once(depot: Depot) -> None:
    reply = await depot.call("POST", f"{PATH}/", json={"name": "Depot", "scopes": ["pq:read", "energy:read", "pq:read"]})
    assert reply.status_code == 201
    assert reply.headers["cache-control"] == "no-store"
    made = reply.json()
    assert reply.headers["location"] == f"{PATH}/{made['client_id']}"
    secret = made.pop("client_secret")
    assert (made["name"], made["scopes"], made["sites"], made["last_used_at"]) == (
        "Depot",
        ["energy:read", "pq:read"],
        None,
        None,
    )
    assert made["secrets"] == [{"created_at": made["created_at"], "expires_at": None}]
    one, every = await depot.call("GET", reply.headers["location"]), await depot.call("GET", PATH)
    assert one.json() == made
    assert every.json()["results"] == [made]
    assert secret not in one.text + every.text


async def test_two_secrets_are_live_while_one_is_replaced(depot: Depot) -> None:
    made = await new_client(depot)
    reply = await depot.call("POST", f"{PATH}/{made['client_id']}/rotate", json={"overlap_seconds": 60})
    assert reply.status_code == 200
    rotated = reply.json()
    assert len(rotated["secrets"]) == 2
    for held in (made, rotated):
        assert (await ask(depot, "token", held, **GRANT)).status_code == 200
    depot.clock.advance(60)
    assert (await ask(depot, "token", made, **GRANT)).status_code == 401
    assert (await ask(depot, "token", rotated, **GRANT)).status_code == 200
    assert len((await depot.call("GET", f"{PATH}/{made['client_id']}")).json()["secrets"]) == 1
    again = await depot.call("POST", f"{PATH}/{made['client_id']}/rotate")
    assert len(again.json()["secrets"]) == 2


async def test_the_last_use_is_told(depot: Depot) -> None:
    made = await new_client(depot)
    await ask(depot, "token", made, **GRANT)
    shown = (await depot.call("GET", f"{PATH}/{made['client_id']}")).json()
    assert shown["last_used_at"] == shown["created_at"]


async def test_a_removed_credential_is_not_there_and_its_tokens_end(depot: Depot) -> None:
    made = await new_client(depot)
    token = (await ask(depot, "token", made, **GRANT)).json()["access_token"]
    assert (await depot.call("GET", SHED, key=token)).status_code == 200
    assert (await depot.call("DELETE", f"{PATH}/{made['client_id']}")).status_code == 204
    problem(await depot.call("GET", SHED, key=token), 401, "invalid_token")
    for method, path in (("GET", ""), ("DELETE", ""), ("POST", "/rotate")):
        problem(await depot.call(method, f"{PATH}/{made['client_id']}{path}"), 404, "not_found")
    assert (await depot.call("GET", PATH)).json()["count"] == 0


async def test_another_tenants_credential_is_not_there(depot: Depot, stranger: Depot) -> None:
    made = await new_client(depot)
    for method, path in (("GET", ""), ("DELETE", ""), ("POST", "/rotate")):
        foreign = problem(await stranger.call(method, f"{PATH}/{made['client_id']}{path}"), 404, "not_found")
        missing = problem(await stranger.call(method, f"{PATH}/jp_none{path}"), 404, "not_found")
        assert foreign["detail"] == missing["detail"]
    assert (await stranger.call("GET", PATH)).json()["results"] == []
    assert (await ask(depot, "token", made, **GRANT)).status_code == 200


async def test_only_an_administrator_of_every_site_keeps_credentials(depot: Depot) -> None:
    made = await new_client(depot, "energy:read", "config:write")
    token = (await ask(depot, "token", made, **GRANT)).json()["access_token"]
    limited = await depot.key("admin", sites=["main"])
    body = {"name": "x", "scopes": ["admin"]}
    for method, path, parts in (
        ("GET", "", {}), ("POST", "", {"json": body}), ("GET", f"/{made['client_id']}", {}),
        ("DELETE", f"/{made['client_id']}", {}), ("POST", f"/{made['client_id']}/rotate", {}),
    ):  # fmt: skip
        problem(await depot.call(method, PATH + path, key=token, **parts), 403, "insufficient_scope")
        problem(await depot.call(method, PATH + path, key=limited, **parts), 403, "forbidden")
        problem(await depot.call(method, PATH + path, key=None, **parts), 401, "invalid_token")
    assert (await depot.call("GET", PATH)).json()["count"] == 1


async def test_a_credential_may_be_limited_to_sites_and_hold_both_halves_of_a_relay_command(depot: Depot) -> None:
    body = {"name": "relay", "scopes": ["relay:request", "relay:approve"], "sites": ["main", "yard"]}
    made = (await depot.call("POST", PATH, json=body)).json()
    assert made["sites"] == ["main", "yard"]
    token = (await ask(depot, "token", made, **GRANT)).json()
    assert token["scope"] == "relay:approve relay:request"


@pytest.mark.parametrize(
    ("body", "pointers"),
    [
        ({}, ["/name", "/scopes"]),
        ({"name": "x", "scopes": ["query:read"]}, ["/scopes/0"]),
        ({"name": "x", "scopes": ["admin"], "secret": "mine"}, ["/secret"]),
        ({"name": "x", "scopes": ["admin"], "sites": []}, ["/sites"]),
    ],
)
async def test_a_faulty_document_is_refused(depot: Depot, body: dict[str, Any], pointers: list[str]) -> None:
    faults = problem(await depot.call("POST", PATH, json=body), 422, "invalid")["errors"]
    assert [fault["pointer"] for fault in faults] == pointers


@pytest.mark.parametrize("overlap", [-1, 1.5, "60", None, True, 31_536_001, 10**30])
async def test_an_impossible_overlap_is_refused(depot: Depot, overlap: object) -> None:
    made = await new_client(depot)
    reply = await depot.call("POST", f"{PATH}/{made['client_id']}/rotate", json={"overlap_seconds": overlap})
    assert problem(reply, 422, "invalid")["errors"][0]["pointer"] == "/overlap_seconds"
    assert (await ask(depot, "token", made, **GRANT)).status_code == 200


async def test_credentials_come_in_pages_in_the_order_in_which_they_were_made(depot: Depot) -> None:
    made = []
    for each in range(5):
        if each % 2:
            depot.clock.advance(1)
        made.append((await new_client(depot))["client_id"])
    seen: list[str] = []
    page = (await depot.call("GET", f"{PATH}?limit=2")).json()
    assert page["count"] == 5
    while True:
        seen += [each["id"] for each in page["results"]]
        if page["next"] is None:
            break
        page = (await depot.call("GET", page["next"])).json()
    assert sorted(seen) == sorted(made)
    assert (seen[0], set(seen[1:3]), set(seen[3:])) == (made[0], set(made[1:3]), set(made[3:]))
    problem(await depot.call("GET", f"{PATH}?cursor=W2ZhbHNlLDFd"), 400, "bad_parameter")
