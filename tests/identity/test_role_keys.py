"""Keys that stand for a role: how they are made, known, replaced and ended, and what they do not open."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Literal

import pytest
import sqlalchemy as sa

from wattline.identity.jwt_token import Fault, TokenRefused, read
from wattline.identity.model import RoleKey
from wattline.identity.service import Identity
from wattline.identity.store import keys, projects
from wattline.model.clock import DAY, HOUR, SECOND, ManualClock
from wattline.model.errors import Invalid, Unauthenticated
from wattline.state.database import Database

FORMS: tuple[Literal["jwt", "sb"], ...] = ("jwt", "sb")


@pytest.fixture
def identity(database: Database, clock: ManualClock) -> Identity:
    return Identity(database, clock)


@pytest.fixture
async def elsewhere(database: Database, clock: ManualClock) -> AsyncIterator[Identity]:
    """The identity of another process."""
    other = Database(database.url)
    yield Identity(other, clock)
    await other.close()


async def secret_of(identity: Identity, tenant: str) -> str:
    found = await identity.projects.secret(tenant)
    assert found is not None
    return found


async def test_a_token_says_what_it_is_for_ten_years(identity: Identity, elsewhere: Identity, clock: ManualClock) -> None:
    clock.advance(0.25)
    record, token = await identity.create_role_key("acme", "site", "anon")
    now = clock.micros() // SECOND
    verified = read(token, await secret_of(elsewhere, "acme"))
    assert verified.claims == {
        "iss": "wattline", "ref": verified.claims["ref"], "jti": record.id,
        "role": "anon", "iat": now, "exp": now + 3650 * 86_400,
    }  # fmt: skip
    assert len(verified.claims["ref"]) == 20
    assert record.expires == verified.expires
    assert record.scopes == frozenset()
    for each in (identity, elsewhere):
        assert await each.role_key(token) == RoleKey("acme", record.id, "anon", "jwt")
        assert each.cached_role(token) == RoleKey("acme", record.id, "anon", "jwt")


@pytest.mark.parametrize(("role", "beginning"), [("anon", "sb_publishable_"), ("service_role", "sb_secret_")])
async def test_an_opaque_key_tells_its_kind_and_no_more(identity: Identity, role: str, beginning: str) -> None:
    record, key = await identity.create_role_key("acme", "site", role, form="sb")
    assert key.startswith(f"{beginning}{record.prefix}_")
    assert record.beginning() == f"{beginning}{record.prefix}"
    assert record.expires is None
    assert await identity.role_key(key) == RoleKey("acme", record.id, role, "sb")
    assert await identity.projects.secret("acme") is not None


@pytest.mark.parametrize("form", FORMS)
async def test_only_a_digest_is_stored(identity: Identity, database: Database, form: Literal["jwt", "sb"]) -> None:
    _, key = await identity.create_role_key("acme", "site", "anon", form=form)
    async with database.read() as connection:
        rows = (await connection.execute(sa.select(keys))).all()
    assert len(rows) == 1
    assert all(key not in str(value) and key[-20:] not in str(value) for value in rows[0])


@pytest.mark.parametrize("form", FORMS)
async def test_such_a_key_opens_nothing_that_asks_for_scopes(identity: Identity, form: Literal["jwt", "sb"]) -> None:
    _, key = await identity.create_role_key("acme", "site", "service_role", form=form)
    for _ in range(2):
        assert identity.cached(key) is None
        with pytest.raises(Unauthenticated):
            await identity.authenticate(key)
        assert await identity.role_key(key) is not None


async def test_a_key_of_scopes_stands_for_no_role(identity: Identity) -> None:
    _, key = await identity.create("acme", "gateway", ["query:read"])
    assert await identity.role_key(key) is None
    await identity.authenticate(key)
    assert identity.cached_role(key) is None
    assert await identity.role_key(key) is None


@pytest.mark.parametrize(
    "text",
    ["", "x", "a.b.c", "sb_secret_", "sb_secret_aaaaaaaa_" + "a" * 40, "sb_publishable_aaaaaaaa_" + "a" * 40, "\udcff.a.b"],
)
async def test_what_nobody_made_is_no_key(identity: Identity, text: str) -> None:
    await identity.create_role_key("acme", "site", "anon")
    assert await identity.role_key(text) is None


@pytest.mark.parametrize("form", FORMS)
async def test_a_revoked_key_ends_here_at_once_and_elsewhere_within_a_second(
    identity: Identity, elsewhere: Identity, clock: ManualClock, form: Literal["jwt", "sb"]
) -> None:
    record, key = await identity.create_role_key("acme", "site", "anon", form=form)
    assert await identity.role_key(key) is not None
    assert await elsewhere.role_key(key) is not None
    await identity.revoke(record.id)
    assert await identity.role_key(key) is None
    clock.advance(1)
    await elsewhere.refresh()
    assert await elsewhere.role_key(key) is None
    assert elsewhere.cached_role(key) is None


async def test_a_key_ends_when_its_token_does(identity: Identity, clock: ManualClock) -> None:
    end = clock.micros() + HOUR
    record, key = await identity.create_role_key("acme", "site", "anon", expires=end + 999_999)
    assert record.expires == end
    clock.advance(3599.9)
    assert await identity.role_key(key) is not None
    clock.advance(0.1)
    assert await identity.role_key(key) is None


@pytest.mark.parametrize(("role", "form"), [("authenticated", "jwt"), ("anon", "sb"), ("service_role", "sb")])
async def test_a_rotated_key_keeps_its_role_and_form(
    identity: Identity, clock: ManualClock, role: str, form: Literal["jwt", "sb"]
) -> None:
    old, former = await identity.create_role_key("acme", "site", role, form=form)
    clock.advance(60)
    record, key = await identity.rotate(old.id, HOUR)
    assert (record.role, record.form, record.expires) == (role, form, old.expires)
    assert key != former
    assert await identity.role_key(former) == RoleKey("acme", old.id, role, form)
    assert await identity.role_key(key) == RoleKey("acme", record.id, role, form)
    clock.advance(3600)
    assert await identity.role_key(former) is None
    if form == "jwt":
        assert read(key, await secret_of(identity, "acme")).claims["jti"] == record.id


async def test_each_tenant_has_a_secret_of_its_own(identity: Identity) -> None:
    assert await identity.projects.secret("acme") is None
    _, key = await identity.create_role_key("acme", "site", "anon")
    await identity.create_role_key("north", "site", "anon")
    await identity.create_role_key("acme", "other", "anon")
    acme, north = await secret_of(identity, "acme"), await secret_of(identity, "north")
    assert acme != north
    assert len(acme) == 64
    read(key, acme)
    with pytest.raises(TokenRefused) as caught:
        read(key, north)
    assert caught.value.fault is Fault.SIGNATURE
    assert await secret_of(identity, "acme") == acme


async def test_processes_that_make_the_first_key_together_make_one_secret(
    identity: Identity, elsewhere: Identity, database: Database
) -> None:
    made = await asyncio.gather(*(each.create_role_key("acme", "k", "anon") for each in (identity, elsewhere) * 3))
    secret = await secret_of(identity, "acme")
    assert await secret_of(elsewhere, "acme") == secret
    assert len({read(key, secret).claims["ref"] for _, key in made}) == 1
    async with database.read() as connection:
        assert (await connection.execute(sa.select(sa.func.count()).select_from(projects))).scalar_one() == 1


async def test_a_given_secret_comes_before_the_stored(database: Database, clock: ManualClock) -> None:
    given = "a secret of the operator's own choice, long"
    identity = Identity(database, clock, project_secrets={"acme": given})
    _, key = await identity.create_role_key("acme", "site", "anon")
    read(key, given)
    assert await identity.projects.secret("acme") == given
    _, key = await identity.create_role_key("north", "site", "anon")
    read(key, await secret_of(identity, "north"))


async def test_impossible_keys_are_refused(identity: Identity, clock: ManualClock) -> None:
    with pytest.raises(Invalid, match="future"):
        await identity.create_role_key("acme", "site", "anon", expires=clock.micros())
    with pytest.raises(Invalid, match="opaque"):
        await identity.create_role_key("acme", "site", "authenticated", form="sb")
    with pytest.raises(Invalid):
        await identity.create_role_key("acme", "site", "")
    with pytest.raises(Invalid):
        await identity.create_role_key("acme", "", "anon")
    assert await identity.list() == []


async def test_keys_are_listed_with_their_role_and_use(identity: Identity, clock: ManualClock) -> None:
    record, key = await identity.create_role_key("acme", "site", "besscontroller")
    clock.advance(DAY / SECOND)
    await identity.role_key(key)
    await identity.flush_usage()
    (listed,) = await identity.list("acme")
    assert (listed.id, listed.role, listed.form, listed.last_used) == (record.id, "besscontroller", "jwt", clock.micros())
    assert listed.beginning() == "a token"
    assert key[:40] not in repr(listed)
