"""Who is let in, what a stranger learns, and what stands around every answer."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi import APIRouter

from tests.contracts.joulepoint.depot import Depot, application, move_in
from tests.contracts.joulepoint.kit.test_resource_routes import problem
from wattline.contracts.joulepoint.gate import Admitted, Gate
from wattline.contracts.joulepoint.problem import RESPONSES
from wattline.contracts.joulepoint.query import Instant, spell
from wattline.identity.limits import RateLimiter
from wattline.identity.oauth.service import OAuth
from wattline.model.errors import Unavailable
from wattline.platform import Platform

PATH = "/api/energy/shed"


def shed(gate: Gate) -> APIRouter:
    """A path that tells who asks, takes a body, and fails as it is told."""
    router = APIRouter()

    async def who(caller: Admitted, since: Instant | None = None) -> dict[str, Any]:
        return {"tenant": caller.tenant, "since": None if since is None else spell(since)}

    async def sent(caller: Admitted, body: dict[str, int]) -> dict[str, int]:
        return body

    async def broken(caller: Admitted, kind: str) -> None:
        raise {"bug": ValueError("s3cr" + "et"), "store": Unavailable("the store is away", 7)}[kind]

    reading, writing = gate.keyed("energy:read", "pq:read"), gate.keyed("energy:write")
    router.add_api_route(PATH, who, responses=RESPONSES, route_class_override=reading)
    router.add_api_route(PATH, sent, methods=["POST"], responses=RESPONSES, route_class_override=writing)
    router.add_api_route(f"{PATH}/broken", broken, responses=RESPONSES, route_class_override=reading)
    return router


@pytest.fixture
def routers(gate: Gate) -> list[APIRouter]:
    return [shed(gate)]


async def test_a_key_with_every_scope_asked_for_is_let_in(depot: Depot) -> None:
    reply = await depot.call("GET", PATH, key=await depot.key("energy:read", "pq:read"))
    assert reply.status_code == 200
    assert reply.json()["tenant"] == depot.tenant


@pytest.mark.parametrize("scopes", [("energy:read",), ("pq:read",), ("admin",), ("query:read", "ml:write")])
async def test_a_scope_that_is_missing_is_named_and_admin_implies_none(depot: Depot, scopes: tuple[str, ...]) -> None:
    reply = await depot.call("GET", PATH, key=await depot.key(*scopes))
    problem(reply, 403, "insufficient_scope")
    assert reply.headers["www-authenticate"] == 'Bearer error="insufficient_scope", scope="energy:read pq:read"'


@pytest.mark.parametrize(
    "authorization",
    [
        None,
        "",
        "Bearer",
        "Bearer ",
        "Bearer wl_aaaaaaaa_" + "a" * 40,
        "Bearer nonsense",
        "Basic d2w6d2w=",
        "wl_x",
        "Bearer \xff",
    ],
)
async def test_a_stranger_is_refused_before_the_body_is_looked_at(depot: Depot, authorization: str | None) -> None:
    headers = {} if authorization is None else {"Authorization": authorization.encode("latin-1")}
    for method, parts in (("GET", {}), ("POST", {"content": b"{"})):
        reply = await depot.client.request(method, f"{PATH}?unknown=1", headers=headers, **parts)
        problem(reply, 401, "invalid_token")
        assert reply.headers["www-authenticate"] == 'Bearer error="invalid_token"'


async def test_where_nobody_is_asked_a_caller_is_the_default_tenant(platform: Platform, oauth: OAuth) -> None:
    settings = platform.settings.model_copy(update={"open": True})
    gate = Gate(platform.identity, oauth, settings, RateLimiter(platform.clock))
    depot = await move_in(platform, application([shed(gate)]))
    async with depot.client:
        for key, tenant in ((None, "default"), ("nonsense", "default"), ("all", depot.tenant)):
            assert (await depot.call("GET", PATH, key=key)).json()["tenant"] == tenant
        limited = await depot.key("pq:read")
        problem(await depot.call("GET", PATH, key=limited), 403, "insufficient_scope")


async def test_a_method_that_a_path_does_not_know(depot: Depot) -> None:
    reply = await depot.call("DELETE", f"{PATH}/")
    problem(reply, 405, "method_not_allowed")
    assert reply.headers["allow"] == "GET, POST"


@pytest.mark.parametrize(
    "path", ["/api/energy", "/api/energy/", "/api/energy/none", "/oauth/none/at/all/", "/api/integrations//"]
)
async def test_a_path_that_is_not_there(depot: Depot, path: str) -> None:
    for method in ("GET", "POST", "DELETE"):
        problem(await depot.call(method, path), 404, "not_found")


async def test_a_fault_of_a_body_that_fastapi_reads(depot: Depot) -> None:
    reply = await depot.call("POST", PATH, json={"a/b": "x"})
    assert problem(reply, 422, "invalid")["errors"][0]["pointer"] == "/a~1b"
    problem(await depot.call("POST", PATH, content=b"{", headers={"Content-Type": "application/json"}), 400, "malformed_json")


@pytest.mark.parametrize(
    ("text", "micros"),
    [
        ("2026-06-11T14:32:00Z", "2026-06-11T14:32:00Z"),
        ("2026-06-11t16:32:00.25%2B02:00", "2026-06-11T14:32:00.250000Z"),
        ("2026-06-11T14:32:00-00:00", "2026-06-11T14:32:00Z"),
    ],
)
async def test_a_time_has_its_offset(depot: Depot, text: str, micros: str) -> None:
    assert (await depot.call("GET", f"{PATH}?since={text}")).json()["since"] == micros


@pytest.mark.parametrize(
    "text",
    ["2026-06-11T14:32:00", "2026-06-11", "1781188320", "2026-06-31T00:00:00Z", "2026-06-11T14:32:00+02:00", "",
     "0001-01-01T00:00:00%2B10:00", "2026-06-11T24:00:00Z", "٢026-06-11T14:32:00Z", "2026-06-11T14:32:60Z"],
)  # fmt: skip
async def test_a_time_that_is_none_is_refused(depot: Depot, text: str) -> None:
    fault = problem(await depot.call("GET", f"{PATH}?since={text}"), 400, "bad_parameter")["errors"][0]
    assert fault["parameter"] == "since"


async def test_a_failure_tells_nothing_of_the_inside(depot: Depot, caplog: pytest.LogCaptureFixture) -> None:
    bug = await depot.call("GET", f"{PATH}/broken?kind=bug")
    problem(bug, 500, "internal")
    assert "s3cret" not in bug.text + caplog.text
    assert "ValueError" in caplog.text
    assert bug.json()["request_id"] in caplog.text
    away = await depot.call("GET", f"{PATH}/broken?kind=store")
    problem(away, 503, "unavailable")
    assert away.headers["retry-after"] == "7"


async def test_a_request_keeps_the_id_that_it_came_with(depot: Depot) -> None:
    assert (await depot.call("GET", PATH, headers={"X-Request-Id": "trace-7"})).headers["x-request-id"] == "trace-7"
    refused = await depot.call("GET", f"{PATH}/none", headers={"X-Request-Id": "trace-8"})
    assert problem(refused, 404, "not_found")["request_id"] == "trace-8"
    odd = await depot.call("GET", PATH, headers={"X-Request-Id": "a b\t<script>"})
    assert odd.headers["x-request-id"] != (await depot.call("GET", PATH)).headers["x-request-id"]
    assert "script" not in odd.headers["x-request-id"]


async def test_a_page_of_another_origin_may_read_what_it_needs(depot: Depot) -> None:
    asked = {"Origin": "https://page.example", "Access-Control-Request-Method": "PATCH"}
    preflight = await depot.call("OPTIONS", PATH, key=None, headers=asked)
    assert preflight.status_code == 200
    assert "PATCH" in preflight.headers["access-control-allow-methods"]
    reply = await depot.call("GET", PATH, headers={"Origin": "https://page.example"})
    assert reply.headers["access-control-allow-origin"] == "*"
    assert "ETag" in reply.headers["access-control-expose-headers"]


async def test_a_caller_above_its_limit_is_told_when_to_come_again(platform: Platform, oauth: OAuth) -> None:
    settings = platform.settings.model_copy(update={"joulepoint_rate": 2.0, "joulepoint_burst": 3})
    gate = Gate(platform.identity, oauth, settings, RateLimiter(platform.clock))
    depot = await move_in(platform, application([shed(gate)]))
    async with depot.client:
        left = [(await depot.call("GET", PATH)).headers["ratelimit"] for _ in range(3)]
        assert left == ['"credential";r=2;t=1', '"credential";r=1;t=1', '"credential";r=0;t=2']
        reply = await depot.call("GET", PATH)
        problem(reply, 429, "too_many_requests")
        assert reply.headers["retry-after"] == "1"
        assert reply.headers["ratelimit-policy"] == '"credential";q=3;w=2'
        assert reply.headers["ratelimit"] == '"credential";r=0;t=2'
        other = await depot.key("energy:read", "pq:read")
        assert (await depot.call("GET", PATH, key=other)).status_code == 200
        depot.clock.advance(1)
        assert (await depot.call("GET", PATH)).status_code == 200


async def test_the_document_of_the_paths_can_be_made(depot: Depot, gate: Gate) -> None:
    from fastapi import FastAPI

    app = FastAPI()
    app.include_router(shed(gate))
    described = app.openapi()
    responses = described["paths"][PATH]["get"]["responses"]
    assert "application/problem+json" in responses["401"]["content"]
    assert (
        described["components"]["securitySchemes"]["JoulepointOAuth2"]["flows"]["clientCredentials"]["tokenUrl"]
        == "/oauth/token"
    )
