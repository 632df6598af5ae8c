"""Who gets in with which key and token, as what, and what everybody else is told."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from wattline.contracts.flux.gate.credentials import without_key
from wattline.identity.jwt_token import sign
from wattline.model.clock import SECOND, ManualClock
from wattline.state.database import Database

from .desk import Desk

FOUR = {"code", "details", "hint", "message"}


async def test_the_key_alone_is_enough(desk: Desk) -> None:
    key = await desk.key("anon")
    found = await desk.ask(key)
    assert found.status_code == 200
    assert (found.json()["tenant"], found.json()["role"]) == ("default", "anon")
    assert desk.callers[0].anonymous
    assert desk.callers[0].claims["role"] == "anon"
    assert desk.callers[0].expires == (desk.clock.micros() // SECOND + 3650 * 86_400) * SECOND


@pytest.mark.parametrize("role", ["authenticated", "service_role", "besscontroller", "flux_scraper"])
async def test_the_keys_role_is_the_callers(desk: Desk, role: str) -> None:
    assert (await desk.ask(await desk.key(role))).json()["role"] == role
    assert not desk.callers[0].anonymous


@pytest.mark.parametrize("name", ["apikey", "apiKey", "APIKEY", "Apikey"])
async def test_the_header_may_be_written_in_any_case(desk: Desk, name: str) -> None:
    key = await desk.key()
    assert (await desk.ask(**{name: key})).status_code == 200


@pytest.mark.parametrize("query", ["?apikey={}", "?select=id&apikey={}&limit=1", "?%61pikey={}", "?apikey=&apikey={}"])
async def test_the_key_may_be_in_the_query(desk: Desk, query: str) -> None:
    assert (await desk.ask(query=query.format(await desk.key()))).status_code == 200


@pytest.mark.parametrize(
    ("query", "rest"),
    [
        (b"", b""),
        (b"apikey=x", b""),
        (b"a=1&apikey=x&b=2", b"a=1&b=2"),
        (b"%61pikey=x&a=%20", b"a=%20"),
        (b"apikey=x&apikey=y&apikeys=z", b"apikeys=z"),
        (b"a=eq.apikey", b"a=eq.apikey"),
        (b"apikey&a", b"a"),
    ],
)
def test_the_key_is_no_filter(query: bytes, rest: bytes) -> None:
    assert without_key(query) == rest


async def test_an_opaque_key_does_what_a_token_does(desk: Desk) -> None:
    for role, key in (("anon", await desk.key(form="sb")), ("service_role", await desk.key("service_role", form="sb"))):
        for bearer in (None, key):
            assert (await desk.ask(key, bearer)).json()["role"] == role
    assert desk.callers[0].claims == {"role": "anon"}
    user = await desk.token(role="authenticated", sub="u1")
    assert (await desk.ask(await desk.key(form="sb"), user)).json()["role"] == "authenticated"


async def test_a_token_of_the_project_decides_the_role(desk: Desk) -> None:
    key = await desk.key("anon")
    for role in ("authenticated", "service_role", "besscontroller", "anon"):
        found = await desk.ask(key, await desk.token(role=role, sub="7"))
        assert found.json()["role"] == role
        assert desk.callers[-1].claims["sub"] == "7"
        assert desk.callers[-1].anonymous == (role == "anon")
    assert (await desk.ask(key, key)).json()["role"] == "anon"


async def test_a_token_without_a_role_is_anon(desk: Desk) -> None:
    key = await desk.key("service_role")
    for claims in ({}, {"role": None}):
        assert (await desk.ask(key, await desk.token(**claims))).json()["role"] == "anon"


@pytest.mark.parametrize(
    ("role", "name"),
    [("x", "x"), ("", ""), ('a"b', 'a"b'), ("r\xf6le", "r\xf6le"), (5, "5"), ([1], "[1]"), ({}, "{}"), (True, "true")],
)
async def test_a_role_that_is_not_there_is_refused(desk: Desk, role: object, name: str) -> None:
    found = await desk.ask(await desk.key(), await desk.token(role=role))
    assert found.status_code == 401
    assert found.json() == {
        "code": "22023", "message": f'role "{name}" does not exist', "details": None, "hint": None,
    }  # fmt: skip


@pytest.mark.parametrize("value", ["Basic dXNlcjpwYXNz", "Digest x", "Token abc", ""])
async def test_an_authorization_of_another_scheme_is_none(desk: Desk, value: str) -> None:
    assert (await desk.ask(await desk.key("authenticated"), Authorization=value)).json()["role"] == "authenticated"


@pytest.mark.parametrize("word", ["Bearer", "bearer", "BEARER"])
async def test_the_word_bearer_may_be_written_in_any_case(desk: Desk, word: str) -> None:
    token = await desk.token(role="authenticated") if await desk.key() else ""
    assert (await desk.ask(await desk.key(), Authorization=f"{word} {token}")).json()["role"] == "authenticated"


@pytest.mark.parametrize("value", ["Bearer ", "Bearer", "bearer   "])
async def test_bearer_alone_is_refused(desk: Desk, value: str) -> None:
    found = await desk.ask(await desk.key(), Authorization=value)
    assert found.status_code == 401
    assert found.json()["code"] == "PGRST301"
    assert found.json()["message"] == "Empty JWT is sent in Authorization header"


async def test_without_a_key_nothing_is_answered(desk: Desk) -> None:
    await desk.key()
    token = await desk.token(role="service_role")
    for headers in ({}, {"bearer": token}, {"apikey": ""}, {"query": "?apikey="}):
        found = await desk.ask(**headers)
        assert found.status_code == 401
        assert found.json().keys() == FOUR
        assert found.json()["message"] == "No API key found in request"
        assert isinstance(found.json()["code"], str)
        assert "www-authenticate" in found.headers
    assert desk.callers == []


async def test_every_bad_key_is_told_the_same(desk: Desk) -> None:
    await desk.key()
    revoked, key = await desk.identity.create_role_key("default", "old", "anon")
    await desk.identity.revoke(revoked.id)
    _, ended = await desk.identity.create_role_key("default", "old", "anon", expires=desk.clock.micros() + 5 * SECOND)
    _, other = await desk.identity.create("default", "hop", ["query:read"])
    # Well signed and yet no key: only what was made as a key can be taken back.
    unknown = await desk.token(role="service_role")
    desk.clock.advance(5)
    bodies = set()
    for bad in (key, ended, other, unknown, "x", "a.b.c", "sb_secret_x", key[:-2], "\xe9"):
        found = await desk.ask(query=f"?apikey={bad}")
        assert (found.status_code, found.json().keys()) == (401, FOUR)
        assert found.json()["message"] == "Invalid API key"
        bodies.add(found.content)
    assert len(bodies) == 1


async def told(desk: Desk, bearer: str) -> tuple[int, str, str, str | None]:
    found = await desk.ask(await desk.key(), bearer)
    body = found.json()
    assert body.keys() == FOUR
    expected = f'Bearer error="invalid_token", error_description="{body["message"]}"'
    assert found.headers["www-authenticate"] == expected
    return found.status_code, body["code"], body["message"], body["details"]


def forged(header: Any, payload: Any, signature: str = "AAAA") -> str:
    def pack(part: Any) -> str:
        return base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")

    return f"{pack(header)}.{pack(payload)}.{signature}"


async def test_tokens_that_are_no_good_are_refused_in_postgrests_words(desk: Desk) -> None:
    await desk.key()
    wrong_key = "No suitable key or wrong key type"
    wrong_algorithm = "Wrong or unsupported encoding algorithm"
    role = {"role": "service_role"}
    for bearer, code, message in (
        ("x", "PGRST301", "Expected 3 parts in JWT; got 1"),
        ("a.b", "PGRST301", "Expected 3 parts in JWT; got 2"),
        ("a.b.c.d.e", "PGRST301", "Expected 3 parts in JWT; got 5"),
        ("a.b.c", "PGRST301", "JWT couldn't be decoded"),
        (forged({"alg": "none"}, role, ""), "PGRST301", wrong_algorithm),
        (forged({"alg": "none"}, role), "PGRST301", wrong_algorithm),
        (forged({"alg": "XS256"}, role), "PGRST301", wrong_algorithm),
        (forged({"alg": "RS256"}, role), "PGRST301", wrong_key),
        (forged({"alg": "HS256"}, role), "PGRST301", wrong_key),
        (sign(role, "another secret, of somebody else's project"), "PGRST301", wrong_key),
        (await desk.token(exp="never"), "PGRST303", "The JWT 'exp' claim must be a number"),
        (await desk.token(nbf=[]), "PGRST303", "The JWT 'nbf' claim must be a number"),
        (await desk.token(exp=1), "PGRST303", "JWT expired"),
        (await desk.token(nbf=desk.clock.micros() // SECOND + 31), "PGRST303", "JWT not yet valid"),
        (await desk.token(iat=desk.clock.micros() // SECOND + 31), "PGRST303", "JWT issued at future"),
    ):
        assert (await told(desk, bearer))[:3] == (401, code, message)
    assert (await told(desk, forged({"alg": "none"}, role)))[3] == "JWT is unsecured but expected 'alg' was not 'none'"
    assert desk.callers == []


async def test_an_opaque_key_that_is_not_the_shown_one_is_no_token(desk: Desk) -> None:
    assert (await told(desk, await desk.key("service_role", form="sb")))[:2] == (401, "PGRST301")


async def test_a_token_ends_also_when_it_is_known(desk: Desk) -> None:
    key = await desk.key()
    token = await desk.token(role="authenticated", exp=desk.clock.micros() // SECOND + 60)
    assert (await desk.ask(key, token)).status_code == 200
    desk.clock.advance(90)
    assert (await desk.ask(key, token)).status_code == 200
    desk.clock.advance(0.001)
    found = await desk.ask(key, token)
    assert (found.status_code, found.json()["message"]) == (401, "JWT expired")
    desk.clock.advance(-60)
    assert (await desk.ask(key, token)).status_code == 200


async def test_tenants_do_not_believe_each_others_tokens(desk: Desk) -> None:
    north, south = await desk.key(tenant="north"), await desk.key(tenant="south")
    token = await desk.token("north", role="service_role")
    assert (await desk.ask(north, token)).json()["tenant"] == "north"
    for bearer in (token, north, await desk.key("service_role", "north")):
        assert (await desk.ask(south, bearer)).json()["code"] == "PGRST301"
    assert (await desk.ask(south)).json()["tenant"] == "south"


async def test_a_revoked_key_ends_also_as_a_token(desk: Desk, database: Database, clock: ManualClock) -> None:
    elsewhere = Desk(database, clock)
    anon = await desk.key()
    record, service = await desk.identity.create_role_key("default", "leaked", "service_role")
    for each in (desk, elsewhere):
        found = await each.ask(anon, service)
        assert (found.json()["role"], found.json()["key"]) == ("service_role", record.id)
    await desk.identity.revoke(record.id)
    clock.advance(1)
    await elsewhere.identity.refresh()
    for each in (desk, elsewhere):
        assert (await each.ask(service)).status_code == 401
        found = await each.ask(anon, service)
        assert (found.status_code, found.json()["code"]) == (401, "PGRST301")


async def test_a_role_that_the_settings_lose_is_refused(database: Database, clock: ManualClock) -> None:
    key = await Desk(database, clock).key("besscontroller")
    found = await Desk(database, clock, flux_roles={}).ask(key)
    assert (found.status_code, found.json()["code"]) == (401, "22023")


async def test_an_audience_is_checked_where_one_is_set(database: Database, clock: ManualClock) -> None:
    desk = Desk(database, clock, flux_jwt_audience="flux")
    key = await desk.key()
    assert (await desk.ask(key, await desk.token(aud=["flux", "x"]))).status_code == 200
    found = await desk.ask(key, await desk.token(aud="x"))
    assert (found.status_code, found.json()["message"]) == (401, "JWT not in audience")


async def test_a_known_caller_costs_no_look_at_the_store(desk: Desk, database: Database) -> None:
    key, token = await desk.key(), None
    token = await desk.token(role="authenticated")
    await desk.ask(key, token)
    await database.close()
    before = len(desk.callers)
    assert (await desk.ask(key, token)).status_code == 200
    assert desk.callers[before] is desk.callers[before - 1]


async def test_with_open_nobody_is_turned_away(database: Database, clock: ManualClock) -> None:
    desk = Desk(database, clock, open=True, default_tenant="home")
    for headers in ({}, {"apikey": "anything", "bearer": "anything"}, {"bearer": ""}):
        found = await desk.ask(**headers)
        assert (found.status_code, found.json()["role"], found.json()["tenant"]) == (200, "service_role", "home")
    anon, other = await desk.key(tenant="home"), await desk.key("authenticated", "north")
    assert (await desk.ask(anon)).json()["role"] == "anon"
    assert (await desk.ask(other)).json()["tenant"] == "north"
    assert (await desk.ask(bearer=await desk.token("home", role="authenticated"))).json()["role"] == "authenticated"
    assert (await desk.ask(anon, "x.y")).status_code == 401
