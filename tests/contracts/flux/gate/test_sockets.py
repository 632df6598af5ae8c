"""Who opens a socket, what a refused handshake says, and for how long a token that comes over it holds."""

from __future__ import annotations

import json

import pytest

from wattline.contracts.flux.gate.words import SocketRefused
from wattline.identity.jwt_token import sign
from wattline.model.clock import SECOND, ManualClock
from wattline.state.database import Database

from .desk import Desk

INCOMPLETE = "Fields `role` and `exp` are required in JWT"
UNSIGNED = "Failed to validate JWT signature"
MALFORMED = "The token provided is not a valid JWT"


async def test_the_key_is_in_the_query_or_in_a_header(desk: Desk) -> None:
    key = await desk.key("authenticated")
    caller = await desk.open(f"apikey={key}&vsn=1.0.0")
    assert (caller.tenant, caller.role) == ("default", "authenticated")
    assert caller.expires == (desk.clock.micros() // SECOND + 3650 * 86_400) * SECOND
    for headers in ({"x_api_key": key}, {"apikey": key}):
        assert await desk.open(**headers) == caller
    opaque = await desk.open(f"apikey={await desk.key(form='sb')}")
    assert (opaque.role, opaque.anonymous, opaque.expires) == ("anon", True, None)


async def test_refused_handshakes_say_why(desk: Desk) -> None:
    await desk.key()
    secret = "somebody else's secret of thirty-two letters"
    soon = desk.clock.micros() // SECOND + 60
    record, revoked = await desk.identity.create_role_key("default", "old", "anon")
    await desk.identity.revoke(record.id)
    for query, message in (
        ("", "API key is missing"),
        ("apikey=&vsn=2.0.0", "API key is missing"),
        ("apikey=x", MALFORMED),
        ("apikey=a.b.c", MALFORMED),
        (f"apikey={sign({'exp': 'x', 'role': 'anon'}, secret)}", MALFORMED),
        (f"apikey={sign({'exp': soon}, secret)}", INCOMPLETE),
        (f"apikey={sign({'role': 'anon'}, secret)}", INCOMPLETE),
        (f"apikey={sign({'role': 'anon', 'exp': 1}, secret)}", "Token has expired"),
        (f"apikey={sign({'role': 'anon', 'exp': soon}, secret)}", UNSIGNED),
        (f"apikey={revoked}", UNSIGNED),
    ):
        refused = await desk.refused(query)
        assert refused.status == 401
        assert json.loads(refused.body) == {"error": message}


async def reason(desk: Desk, token: str, tenant: str = "default") -> str:
    with pytest.raises(SocketRefused) as caught:
        await desk.gate.verify(token, tenant)
    return caught.value.reason


async def test_a_token_over_the_socket_replaces_the_claims(desk: Desk) -> None:
    await desk.key()
    end = desk.clock.micros() // SECOND + 60
    caller = await desk.gate.verify(await desk.token(role="authenticated", sub="7", exp=end), "default", "k1")
    assert (caller.role, caller.expires, caller.claims["sub"], caller.key_id) == ("authenticated", end * SECOND, "7", "k1")
    key = await desk.key("service_role")
    assert (await desk.gate.verify(key, "default", "k1")).role == "service_role"


async def test_a_token_that_is_no_good_is_refused_in_realtimes_words(desk: Desk) -> None:
    await desk.key()
    north = await desk.key(tenant="north")
    for token, expected in (
        ("x", f"MalformedJWT: {MALFORMED}"),
        ("", f"MalformedJWT: {MALFORMED}"),
        (await desk.token(exp=1, role="anon"), "InvalidJWTToken: Token has expired"),
        (await desk.token(exp=None, role="anon"), f"InvalidJWTToken: {INCOMPLETE}"),
        (await desk.token(), f"InvalidJWTToken: {INCOMPLETE}"),
        (await desk.token(role="nobody"), 'InvalidJWTToken: role "nobody" does not exist'),
        (await desk.token(role="anon", iat=desk.clock.micros() // SECOND + 60), "InvalidJWTToken: Token is not valid yet"),
        (north, f"JwtSignatureError: {UNSIGNED}"),
        (await desk.token("north", role="anon"), f"JwtSignatureError: {UNSIGNED}"),
    ):
        assert await reason(desk, token) == expected
    assert await reason(desk, north, "nowhere") == f"JwtSignatureError: {UNSIGNED}"


async def test_a_token_holds_as_long_as_it_and_its_key_do(desk: Desk) -> None:
    record, key = await desk.identity.create_role_key("default", "panel", "anon")
    user = await desk.token(role="authenticated", exp=desk.clock.micros() // SECOND + 60)
    for token in (key, user):
        await desk.gate.verify(token, "default")
    desk.clock.advance(90.001)
    assert await reason(desk, user) == "InvalidJWTToken: Token has expired"
    await desk.gate.verify(key, "default")
    await desk.identity.revoke(record.id)
    assert await reason(desk, key) == f"JwtSignatureError: {UNSIGNED}"


async def test_with_open_every_socket_is_opened(database: Database, clock: ManualClock) -> None:
    desk = Desk(database, clock, open=True)
    for query in ("", "apikey=anything"):
        assert (await desk.open(query)).role == "service_role"
    assert (await desk.gate.verify("anything", "default")).role == "service_role"
    assert (await desk.open(f"apikey={await desk.key()}")).role == "anon"
