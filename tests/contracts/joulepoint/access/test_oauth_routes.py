"""The OAuth endpoints over HTTP, as RFC 6749, 7009, 7662 and 8414 ask for them."""

from __future__ import annotations

import base64
import logging
from typing import Any

import httpx
import pytest
from fastapi import APIRouter

from tests.contracts.joulepoint.depot import Depot
from tests.contracts.joulepoint.kit.test_gate import PATH, shed
from tests.contracts.joulepoint.kit.test_resource_routes import problem
from wattline.contracts.joulepoint import credentials
from wattline.contracts.joulepoint import oauth as routes
from wattline.contracts.joulepoint.gate import Gate
from wattline.identity.oauth.service import OAuth
from wattline.model.principal import JOULEPOINT
from wattline.platform import Platform

GRANT = {"grant_type": "client_credentials"}
FORM = "application/x-www-form-urlencoded"


@pytest.fixture
def routers(platform: Platform, gate: Gate, oauth: OAuth) -> list[APIRouter]:
    return [routes.build(oauth), credentials.build(oauth, gate, platform.clock), shed(gate)]


async def new_client(depot: Depot, *scopes: str) -> dict[str, Any]:
    body = {"name": "depot", "scopes": [*scopes] or sorted(JOULEPOINT)}
    reply = await depot.call("POST", credentials.PATH, json=body)
    assert reply.status_code == 201, reply.text
    made: dict[str, Any] = reply.json()
    return made


def basic(client_id: str, secret: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{client_id}:{secret}".encode()).decode()}


async def ask(depot: Depot, path: str, made: dict[str, Any], **fields: str) -> httpx.Response:
    headers = basic(made["client_id"], made["client_secret"])
    return await depot.call("POST", f"/oauth/{path}", key=None, data=fields, headers=headers)


def refused(reply: httpx.Response, status: int, error: str) -> None:
    assert (reply.status_code, reply.json()["error"]) == (status, error), reply.text
    assert reply.headers["content-type"] == "application/json"
    assert reply.headers["cache-control"] == "no-store"
    assert reply.headers.get("www-authenticate", "").startswith("Basic ") == (status == 401)


async def test_a_client_obtains_a_token_and_uses_it_until_it_ends_it(depot: Depot) -> None:
    made = await new_client(depot, "energy:read", "pq:read", "billing:read")
    reply = await ask(depot, "token", made, **GRANT, scope="pq:read energy:read")
    assert reply.status_code == 200
    assert reply.headers["cache-control"] == "no-store"
    token = reply.json()
    text = token.pop("access_token")
    assert token == {"token_type": "Bearer", "expires_in": 3600, "scope": "energy:read pq:read"}
    assert (await depot.call("GET", PATH, key=text)).json()["tenant"] == depot.tenant
    assert (await ask(depot, "introspect", made, token=text)).json()["active"] is True
    gone = await ask(depot, "revoke", made, token=text)
    assert (gone.status_code, gone.content) == (200, b"")
    problem(await depot.call("GET", PATH, key=text), 401, "invalid_token")
    assert (await ask(depot, "introspect", made, token=text)).json() == {"active": False}
    assert (await ask(depot, "revoke", made, token=text)).status_code == 200


async def test_no_scope_asked_is_all_of_the_clients_listed_back(depot: Depot) -> None:
    made = await new_client(depot)
    for fields in ({}, {"scope": ""}):
        reply = await ask(depot, "token", made, **GRANT, **fields)
        assert reply.json()["scope"].split() == sorted(JOULEPOINT)


async def test_the_secret_may_come_in_the_form(depot: Depot) -> None:
    made = await new_client(depot)
    held = {name: made[name] for name in ("client_id", "client_secret")}
    reply = await depot.call("POST", "/oauth/token/", key=None, data={**GRANT, **held})
    assert reply.status_code == 200
    beside = await depot.call("POST", "/oauth/token", key=None, data={**GRANT, "client_id": made["client_id"]},
                              headers=basic(made["client_id"], made["client_secret"]))  # fmt: skip
    assert beside.status_code == 200


async def test_errors_are_those_of_the_standard(depot: Depot) -> None:
    made = await new_client(depot, "energy:read")
    refused(await ask(depot, "token", made), 400, "invalid_request")
    refused(await ask(depot, "token", made, grant_type="password"), 400, "unsupported_grant_type")
    refused(await ask(depot, "token", made, grant_type="authorization_code", code="x"), 400, "unsupported_grant_type")
    refused(await ask(depot, "token", made, **GRANT, scope="energy:write"), 400, "invalid_scope")
    refused(await ask(depot, "introspect", made), 400, "invalid_request")
    refused(await ask(depot, "revoke", made), 400, "invalid_request")
    wrong = {**made, "client_secret": made["client_secret"][:-1] + "2"}
    for path, fields in (("token", GRANT), ("introspect", {"token": "x"}), ("revoke", {"token": "x"})):
        for other in (wrong, {**made, "client_id": "jp_none"}, {**made, "client_secret": ""}, {**made, "client_id": "\x00é"}):
            refused(await ask(depot, path, other, **fields), 401, "invalid_client")
        refused(await depot.call("POST", f"/oauth/{path}", key=None, data=fields), 401, "invalid_client")


@pytest.mark.parametrize(
    ("content", "media"),
    [
        (b"", FORM),
        (b"{}", "application/json"),
        (b'{"grant_type": "client_credentials"}', FORM),
        (b"grant_type=client_credentials&grant_type=client_credentials", FORM),
        (b"grant_type=client_credentials&client_secret=a", FORM),
        (b"grant_type=client_credentials&scope=%G0", FORM),
        (b"grant_type=client_credentials&scope=\xff", FORM),
        (b"grant_type", FORM),
    ],
)
async def test_a_form_that_cannot_be_read_is_an_invalid_request(depot: Depot, content: bytes, media: str) -> None:
    made = await new_client(depot)
    headers = {**basic(made["client_id"], made["client_secret"]), "Content-Type": media}
    refused(await depot.call("POST", "/oauth/token", key=None, content=content, headers=headers), 400, "invalid_request")


async def test_a_form_that_is_too_large_is_not_read(depot: Depot) -> None:
    reply = await depot.call("POST", "/oauth/token", key=None, data={**GRANT, "scope": "x" * 17_000})
    problem(reply, 413, "too_large")


async def test_credentials_in_the_address_are_refused(depot: Depot) -> None:
    made = await new_client(depot)
    headers = basic(made["client_id"], made["client_secret"])
    for query in ("scope=admin", "%zz", "client_secret=x"):
        reply = await depot.call("POST", f"/oauth/token?{query}", key=None, data=GRANT, headers=headers)
        refused(reply, 400, "invalid_request")


@pytest.mark.parametrize("text", ["Basic", "Basic !", "Basic eA==", "Basic /w==", "Bearer x", "Basic OjE=", "", "Digest x:y"])
async def test_a_header_that_names_no_client_is_an_invalid_client(depot: Depot, text: str) -> None:
    reply = await depot.call("POST", "/oauth/token", key=None, data=GRANT, headers={"Authorization": text})
    refused(reply, 401, "invalid_client")


async def test_the_server_describes_itself(depot: Depot) -> None:
    reply = await depot.client.get("/.well-known/oauth-authorization-server")
    told = reply.json()
    assert told["issuer"] == "http://depot"
    for name, path in (("token", "token"), ("introspection", "introspect"), ("revocation", "revoke")):
        assert told[f"{name}_endpoint"] == f"http://depot/oauth/{path}"
        assert set(told[f"{name}_endpoint_auth_methods_supported"]) == {"client_secret_basic", "client_secret_post"}
    assert told["grant_types_supported"] == ["client_credentials"]
    assert told["scopes_supported"] == sorted(JOULEPOINT)
    assert told["response_types_supported"] == []


async def test_a_method_that_an_endpoint_does_not_know_is_a_problem(depot: Depot) -> None:
    reply = await depot.call("GET", "/oauth/token", key=None)
    problem(reply, 405, "method_not_allowed")
    assert reply.headers["allow"] == "POST"


async def test_no_log_holds_a_secret_or_a_token(depot: Depot, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    made = await new_client(depot)
    token = (await ask(depot, "token", made, **GRANT)).json()["access_token"]
    await ask(depot, "introspect", made, token=token)
    await ask(depot, "token", {**made, "client_id": "jp_none"}, **GRANT)
    assert token not in caplog.text
    assert made["client_secret"] not in caplog.text
