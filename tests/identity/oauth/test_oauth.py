"""Clients, their secrets and tokens, on both engines."""

from __future__ import annotations

import asyncio
import json
from typing import Any
from urllib.parse import urlencode

import pytest
import sqlalchemy as sa

from wattline.identity.oauth.model import Client, check
from wattline.identity.oauth.service import OAuth
from wattline.model.clock import DAY, HOUR, SECOND, ManualClock
from wattline.model.errors import Faulty, NotFound, Unauthenticated
from wattline.model.principal import JOULEPOINT, Principal
from wattline.state.database import Database

FORM = "application/x-www-form-urlencoded"
SCOPES = ["energy:read", "energy:write", "pq:read"]


@pytest.fixture
def oauth(database: Database, clock: ManualClock) -> OAuth:
    return OAuth(database, clock)


async def ask(oauth: OAuth, endpoint: str, client: Client, secret: str, **fields: str) -> tuple[int, dict[str, Any]]:
    body = urlencode({"client_id": client.id, "client_secret": secret, **fields}).encode()
    answer = await oauth.answer(endpoint, body, FORM, None)
    return answer.status, json.loads(answer.body) if answer.body else {}


async def token_of(oauth: OAuth, client: Client, secret: str, **fields: str) -> str:
    status, told = await ask(oauth, "token", client, secret, grant_type="client_credentials", **fields)
    assert status == 200, told
    found: str = told["access_token"]
    return found


async def refused(oauth: OAuth, token: str | None) -> bool:
    try:
        await oauth.authenticate(token)
    except Unauthenticated as error:
        return str(error) == "missing or invalid access token"
    return False


async def test_a_token_is_its_clients_for_an_hour(oauth: OAuth, clock: ManualClock) -> None:
    client, secret = await oauth.create("north", "depot", SCOPES, ["main"])
    token = await token_of(oauth, client, secret)
    expected = Principal("north", client.id, frozenset(SCOPES), frozenset({"main"}))
    assert await oauth.authenticate(token) == expected
    clock.advance(HOUR / SECOND - 0.000001)
    assert await oauth.authenticate(token) == expected
    clock.advance(0.000001)
    assert await refused(oauth, token)


async def test_a_token_has_the_scopes_that_were_asked_for_and_no_others(oauth: OAuth) -> None:
    client, secret = await oauth.create("north", "depot", SCOPES)
    token = await token_of(oauth, client, secret, scope="pq:read energy:read pq:read")
    assert (await oauth.authenticate(token)).scopes == {"pq:read", "energy:read"}
    for scope in ("admin", "energy:read admin", "none", "energy:read,pq:read", "ENERGY:READ"):
        status, told = await ask(oauth, "token", client, secret, grant_type="client_credentials", scope=scope)
        assert (status, told["error"]) == (400, "invalid_scope"), scope


async def test_no_store_holds_a_secret_or_a_token(oauth: OAuth, database: Database) -> None:
    client, secret = await oauth.create("north", "depot", SCOPES)
    token = await token_of(oauth, client, secret)
    _, again = await oauth.rotate(client.id)
    async with database.read() as connection:
        for table in ("oauth_clients", "oauth_secrets", "oauth_tokens"):
            held = str((await connection.execute(sa.text(f"SELECT * FROM {table}"))).all())
            assert held != "[]"
            assert not any(text in held for text in (secret, token, again))


async def test_what_is_no_token_is_refused_in_the_same_words(oauth: OAuth) -> None:
    client, secret = await oauth.create("north", "depot", SCOPES)
    token = await token_of(oauth, client, secret)
    for wrong in (
        None,
        "",
        "x",
        secret,
        client.id,
        token.upper(),
        token + "a",
        f"wl_token_{'a' * 40}",
        "wl_token_\x00" + "é" * 40,
    ):
        assert await refused(oauth, wrong)
        assert await refused(oauth, wrong)


async def test_a_rotation_leaves_two_live_secrets(oauth: OAuth, clock: ManualClock) -> None:
    client, first = await oauth.create("north", "depot", SCOPES)
    clock.advance(1)
    _, second = await oauth.rotate(client.id, HOUR)
    for secret in (first, second):
        await token_of(oauth, client, secret)
    clock.advance(1)
    rotated, third = await oauth.rotate(client.id, HOUR)
    assert len(rotated.live_secrets(clock.micros())) == 2
    assert (await ask(oauth, "token", client, first, grant_type="client_credentials"))[0] == 401
    for secret in (second, third):
        await token_of(oauth, client, secret)
    clock.advance(3600)
    assert (await ask(oauth, "token", client, second, grant_type="client_credentials"))[0] == 401
    await token_of(oauth, client, third)
    clock.advance(1)
    _, fourth = await oauth.rotate(client.id, 0)
    assert (await ask(oauth, "token", client, third, grant_type="client_credentials"))[0] == 401
    await token_of(oauth, client, fourth)


async def test_a_rotation_never_lengthens_the_life_of_a_secret(oauth: OAuth, clock: ManualClock) -> None:
    client, _first = await oauth.create("north", "depot", SCOPES)
    await oauth.rotate(client.id, HOUR)
    await oauth.rotate(client.id, 2 * HOUR)
    held = (await oauth.get(client.id)).secrets
    assert sorted(each.expires - clock.micros() for each in held if each.expires is not None) == [0, 2 * HOUR]
    for wrong in (-1, 366 * DAY, 1.5, "1", True, None):
        with pytest.raises(Faulty):
            await oauth.rotate(client.id, wrong)


async def test_a_revoked_token_ends_here_at_once_and_elsewhere_within_two_seconds(
    database: Database, clock: ManualClock
) -> None:
    here, elsewhere = OAuth(database, clock), OAuth(database, clock)
    client, secret = await here.create("north", "depot", SCOPES)
    token, other = await token_of(here, client, secret), await token_of(here, client, secret)
    for each in (here, elsewhere):
        await each.authenticate(token)
        await each.authenticate(other)
    assert await ask(here, "revocation", client, secret, token=token) == (200, {})
    assert await refused(here, token)
    assert await ask(here, "introspect", client, secret, token=token) == (200, {"active": False})
    clock.advance(2)
    assert await refused(elsewhere, token)
    assert (await elsewhere.authenticate(other)).key_id == client.id


async def test_a_revoked_client_takes_its_tokens_with_it(database: Database, clock: ManualClock) -> None:
    here, elsewhere = OAuth(database, clock), OAuth(database, clock)
    client, secret = await here.create("north", "depot", SCOPES)
    token = await token_of(elsewhere, client, secret)
    for each in (here, elsewhere):
        await each.authenticate(token)
    assert (await here.revoke(client.id, "north")).revoked == clock.micros()
    assert await refused(here, token)
    assert (await ask(elsewhere, "token", client, secret, grant_type="client_credentials"))[0] == 401
    clock.advance(2)
    assert await refused(elsewhere, token)
    for act in (here.revoke(client.id), here.get(client.id), here.rotate(client.id)):
        with pytest.raises(NotFound):
            await act


async def test_a_client_asks_about_tokens_of_its_tenant_and_ends_its_own(oauth: OAuth, clock: ManualClock) -> None:
    client, secret = await oauth.create("north", "depot", SCOPES)
    peer, peers = await oauth.create("north", "office", ["billing:read"])
    stranger, strangers = await oauth.create("south", "depot", SCOPES)
    token = await token_of(oauth, client, secret)
    status, told = await ask(oauth, "introspect", peer, peers, token=token, token_type_hint="refresh_token")
    now = clock.micros() // SECOND
    assert (status, told) == (200, {
        "active": True, "scope": "energy:read energy:write pq:read", "client_id": client.id, "sub": client.id,
        "token_type": "Bearer", "iat": now, "exp": now + 3600,
    })  # fmt: skip
    for wrong in (token + "x", f"wl_token_{'a' * 40}", "é", secret):
        assert await ask(oauth, "introspect", peer, peers, token=wrong) == (200, {"active": False})
    assert await ask(oauth, "introspect", stranger, strangers, token=token) == (200, {"active": False})
    for other, text in ((peer, peers), (stranger, strangers)):
        assert await ask(oauth, "revocation", other, text, token=token) == (200, {})
    assert (await oauth.authenticate(token)).key_id == client.id
    assert await ask(oauth, "revocation", client, secret, token=token, token_type_hint="refresh_token") == (200, {})
    assert await refused(oauth, token)


async def test_a_tenant_sees_its_own_clients(oauth: OAuth) -> None:
    client, _ = await oauth.create("north", "depot", SCOPES)
    assert [each.id for each in await oauth.list("north")] == [client.id]
    assert await oauth.list("south") == []
    for act in (oauth.get(client.id, "south"), oauth.rotate(client.id, tenant="south"), oauth.revoke(client.id, "south")):
        with pytest.raises(NotFound):
            await act
    assert (await oauth.get(client.id, "north")).secrets == client.secrets


async def test_use_is_noted_and_written_down_later(oauth: OAuth, clock: ManualClock) -> None:
    client, secret = await oauth.create("north", "depot", SCOPES)
    assert (await oauth.get(client.id)).last_used is None
    token = await token_of(oauth, client, secret)
    made = clock.micros()
    assert (await oauth.get(client.id)).last_used == made
    clock.advance(60)
    await oauth.authenticate(token)
    await oauth.flush_usage()
    await oauth.flush_usage()
    assert (await oauth.get(client.id)).last_used == made + 60 * SECOND


async def test_tokens_are_deleted_a_day_after_their_end(oauth: OAuth, clock: ManualClock, database: Database) -> None:
    client, secret = await oauth.create("north", "depot", SCOPES)
    await token_of(oauth, client, secret)

    async def held() -> int:
        await oauth.prune()
        async with database.read() as connection:
            return int(await connection.scalar(sa.text("SELECT count(*) FROM oauth_tokens")) or 0)

    clock.advance(25 * 3600)
    assert await held() == 1
    clock.advance(1)
    assert await held() == 0


async def test_a_client_that_ends_while_a_token_is_made_gets_none(oauth: OAuth, clock: ManualClock) -> None:
    for _ in range(3):
        client, secret = await oauth.create("north", "depot", SCOPES)
        asked = [ask(oauth, "token", client, secret, grant_type="client_credentials") for _ in range(4)]
        *answers, _revoked = await asyncio.gather(*asked, oauth.revoke(client.id))
        clock.advance(2)
        for status, told in answers:
            assert status in (200, 401)
            assert status == 401 or await refused(oauth, told["access_token"])


@pytest.mark.parametrize(
    ("name", "scopes", "sites", "pointers"),
    [
        ("", ["energy:read"], None, ["/name"]),
        (7, [], None, ["/name", "/scopes"]),
        ("x" * 129, "energy:read", None, ["/name", "/scopes"]),
        ("a\nb", ["energy:read", "query:read", 5, None], [], ["/name", "/scopes/1", "/scopes/2", "/scopes/3", "/sites"]),
        ("ok", [["energy:read"]], [""], ["/scopes/0", "/sites"]),
        ("ok", sorted(JOULEPOINT) * 2, {"main": 1}, ["/scopes", "/sites"]),
        (None, None, "main", ["/name", "/scopes", "/sites"]),
    ],
)
def test_a_client_that_cannot_be_is_refused_with_every_fault(
    name: object, scopes: object, sites: object, pointers: list[str]
) -> None:
    with pytest.raises(Faulty) as caught:
        check(name, scopes, sites)
    assert [fault.pointer for fault in caught.value.faults] == pointers
