"""Making, listing, rotating and revoking API keys."""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import AsyncIterator

import pytest
import sqlalchemy as sa

from wattline.identity.service import REFUSED, Identity
from wattline.identity.store import keys
from wattline.model.clock import DAY, HOUR, SECOND, ManualClock
from wattline.model.errors import Invalid, NotFound, Unauthenticated
from wattline.model.principal import ALL_SCOPES, Principal
from wattline.state.database import Database

READ = ["query:read"]


@pytest.fixture
def identity(database: Database, clock: ManualClock) -> Identity:
    return Identity(database, clock)


@pytest.fixture
async def elsewhere(database: Database, clock: ManualClock) -> AsyncIterator[Identity]:
    """The identity of another process: its own connections, its own cache."""
    other = Database(database.url)
    yield Identity(other, clock)
    await other.close()


async def refuses(identity: Identity, secret: str | None) -> bool:
    """Whether the secret is refused, in the one set of words."""
    try:
        await identity.authenticate(secret)
    except Unauthenticated as error:
        return str(error) == REFUSED
    return False


async def waiting(database: Database) -> int:
    """How many sessions of a PostgreSQL database wait for a lock; a transaction sees one answer for all its length."""
    query = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    async with database.read() as connection:
        return (await connection.exec_driver_sql(query)).scalar_one()


async def test_a_key_gives_its_tenant_scopes_and_sites(identity: Identity, elsewhere: Identity) -> None:
    record, secret = await identity.create("acme", "gateway", ["telemetry:write", "query:read"], ["SUB001", "SUB002"])
    expected = Principal("acme", record.id, frozenset({"telemetry:write", "query:read"}), frozenset({"SUB001", "SUB002"}))
    assert await identity.authenticate(secret) == expected
    assert await elsewhere.authenticate(secret) == expected
    everything, secret = await identity.create("acme", "admin", ALL_SCOPES)
    assert await identity.authenticate(secret) == Principal("acme", everything.id, ALL_SCOPES, None)


async def test_a_secret_has_200_random_bits_and_only_its_digest_is_stored(database: Database, identity: Identity) -> None:
    record, secret = await identity.create("acme", "gateway", READ)
    kind, prefix, random = secret.split("_")
    assert (kind, prefix) == ("wl", record.prefix)
    assert len(random) * 5 == 200
    async with database.read() as connection:
        row = (await connection.execute(sa.select(keys))).one()
    assert row.digest == hashlib.sha256(secret.encode()).hexdigest()
    assert not any(random in str(value) for value in row)


async def test_the_randomness_is_that_of_the_source(database: Database, clock: ManualClock) -> None:
    asked = []

    def source(count: int) -> bytes:
        asked.append(count)
        return bytes([len(asked)]) * count

    _, first = await Identity(database, clock, source).create("acme", "gateway", READ)
    assert sum(asked) >= 25
    _, second = await Identity(database, clock, source).create("acme", "gateway", READ)
    assert first != second


async def test_keys_are_listed_without_secrets(identity: Identity, clock: ManualClock) -> None:
    first, _ = await identity.create("acme", "gateway", READ)
    clock.advance(1)
    second, _ = await identity.create("acme", "console", READ, ["SUB001"], expires=clock.micros() + DAY)
    north, _ = await identity.create("north", "gateway", READ)
    assert await identity.list("acme") == [first, second]
    assert await identity.list() == [first, second, north]
    assert second.sites == frozenset({"SUB001"})
    assert second.expires == clock.micros() + DAY


@pytest.mark.parametrize(
    ("parts", "field"),
    [
        ({"scopes": ["query:read", "root"]}, "scopes"),
        ({"scopes": []}, "scopes"),
        ({"scopes": "query:read"}, "scopes"),
        ({"sites": []}, "sites"),
        ({"sites": "SUB001"}, "sites"),
        ({"sites": [""]}, "sites"),
        ({"sites": ["x" * 129]}, "sites"),
        ({"sites": ["SUB\n001"]}, "sites"),
        ({"sites": [7]}, "sites"),
        ({"sites": [str(number) for number in range(10_001)]}, "sites"),
        ({"name": ""}, "name"),
        ({"name": "a\x1b[2Jb"}, "name"),
        ({"tenant": "x" * 129}, "tenant"),
        ({"expires": 1}, "expires"),
        ({"expires": 2**63}, "expires"),
    ],
)
async def test_an_impossible_key_is_not_made(identity: Identity, parts: dict[str, object], field: str) -> None:
    with pytest.raises(Invalid) as caught:
        await identity.create(**{"tenant": "acme", "name": "gateway", "scopes": READ, **parts})  # type: ignore[arg-type]
    assert caught.value.field == field
    assert await identity.list() == []


async def test_longest_names_are_accepted(identity: Identity) -> None:
    _, secret = await identity.create("ü" * 128, "x" * 128, READ, ["y" * 128])
    assert (await identity.authenticate(secret)).sees("y" * 128)


async def test_every_refusal_has_the_same_words(identity: Identity, clock: ManualClock) -> None:
    _, expired = await identity.create("acme", "a", READ, expires=clock.micros() + 1)
    record, revoked = await identity.create("acme", "b", READ)
    await identity.revoke(record.id)
    _, good = await identity.create("acme", "c", READ)
    clock.advance(1)
    other_letter = "b" if good[-1] == "a" else "a"
    wrong = [None, "", "wl_", good[:-1], good + "a", good[:-1] + other_letter, good.upper(), " " + good[1:], expired, revoked]
    wrong += [good[:-1] + "\x00", good[:-1] + "\ud800", good[:-1] + "é", good.replace("_", "-"), "x" * 10_000_000]
    for secret in wrong:
        assert await refuses(identity, secret)
        assert await refuses(identity, secret)
        assert secret is None or identity.cached(secret) is None
    assert (await identity.authenticate(good)).tenant == "acme"


async def test_a_key_ends_at_its_time_even_when_cached(identity: Identity, clock: ManualClock) -> None:
    record, secret = await identity.create("acme", "gateway", READ, expires=clock.micros() + SECOND)
    await identity.authenticate(secret)
    clock.advance(0.999_999)
    assert identity.cached(secret) is not None
    clock.advance(0.000_001)
    assert identity.cached(secret) is None
    assert await refuses(identity, secret)
    [listed] = await identity.list("acme")
    assert listed.state(clock.micros()) == "expired"
    assert listed.state(clock.micros() - 1) == "active"
    assert record.state(clock.micros()) == "expired"


class TestRevocation:
    async def test_it_holds_at_once_here_and_within_two_seconds_elsewhere(
        self, identity: Identity, elsewhere: Identity, clock: ManualClock
    ) -> None:
        record, secret = await identity.create("acme", "gateway", READ)
        await identity.authenticate(secret)
        await elsewhere.authenticate(secret)
        clock.advance(0.5)
        assert (await identity.revoke(record.id)).revoked == clock.micros()
        assert await refuses(identity, secret)
        assert elsewhere.cached(secret) is not None
        clock.advance(1.5)
        assert elsewhere.cached(secret) is None
        assert await refuses(elsewhere, secret)

    async def test_refreshing_does_not_prolong_it(self, identity: Identity, elsewhere: Identity, clock: ManualClock) -> None:
        record, secret = await identity.create("acme", "gateway", READ)
        await elsewhere.authenticate(secret)
        await identity.revoke(record.id)
        await elsewhere.refresh()
        assert await refuses(elsewhere, secret)

    async def test_it_leaves_other_keys_alone(self, identity: Identity) -> None:
        record, _ = await identity.create("acme", "gateway", READ)
        _, secret = await identity.create("acme", "console", READ)
        await identity.authenticate(secret)
        await identity.revoke(record.id)
        assert identity.cached(secret) is not None

    async def test_again_is_without_effect(self, identity: Identity, clock: ManualClock) -> None:
        record, _ = await identity.create("acme", "gateway", READ)
        first = await identity.revoke(record.id)
        clock.advance(5)
        assert await identity.revoke(record.id) == first
        assert await identity.list() == [first]

    async def test_a_key_of_another_tenant_does_not_exist(self, identity: Identity) -> None:
        record, secret = await identity.create("acme", "gateway", READ)
        for key_id, tenant in ((record.id, "north"), ("nothing", None), ("nothing", "acme")):
            with pytest.raises(NotFound, match="no such key"):
                await identity.revoke(key_id, tenant=tenant)
            with pytest.raises(NotFound, match="no such key"):
                await identity.rotate(key_id, tenant=tenant)
        await identity.authenticate(secret)
        await identity.revoke(record.id, tenant="acme")


class TestRotation:
    async def test_both_secrets_hold_for_a_day(self, identity: Identity, elsewhere: Identity, clock: ManualClock) -> None:
        old, old_secret = await identity.create("acme", "gateway", READ, ["SUB001"])
        await elsewhere.authenticate(old_secret)
        new, new_secret = await identity.rotate(old.id)
        assert (new.tenant, new.name, new.scopes, new.sites) == (old.tenant, old.name, old.scopes, old.sites)
        assert (await identity.authenticate(old_secret)).key_id == old.id
        assert (await identity.authenticate(new_secret)).key_id == new.id
        listed = {record.id: record for record in await identity.list("acme")}
        assert listed[old.id].replaced_by == new.id
        assert listed[old.id].expires == clock.micros() + DAY
        assert (listed[new.id].replaced_by, listed[new.id].expires) == (None, None)
        clock.advance(DAY / SECOND - 0.000_001)
        assert not await refuses(elsewhere, old_secret)
        clock.advance(0.000_001)
        assert await refuses(identity, old_secret)
        assert await refuses(elsewhere, old_secret)
        assert (await elsewhere.authenticate(new_secret)).key_id == new.id

    async def test_without_an_overlap_the_old_secret_ends_at_once(self, identity: Identity) -> None:
        old, old_secret = await identity.create("acme", "gateway", READ)
        await identity.authenticate(old_secret)
        _, new_secret = await identity.rotate(old.id, overlap=0)
        assert await refuses(identity, old_secret)
        assert not await refuses(identity, new_secret)

    async def test_it_prolongs_nothing(self, identity: Identity, clock: ManualClock) -> None:
        end = clock.micros() + HOUR
        old, _ = await identity.create("acme", "gateway", READ, expires=end)
        new, _ = await identity.rotate(old.id)
        assert [record.expires for record in await identity.list()] == [end, end]
        assert new.expires == end

    async def test_only_the_newest_key_can_be_rotated(self, identity: Identity, clock: ManualClock) -> None:
        old, _ = await identity.create("acme", "gateway", READ)
        new, _ = await identity.rotate(old.id)
        with pytest.raises(Invalid, match=f"replaced by {new.id}"):
            await identity.rotate(old.id)
        newest, _ = await identity.rotate(new.id, overlap=0)
        with pytest.raises(Invalid, match="revoked"):
            await identity.rotate(new.id)
        clock.advance(2 * DAY / SECOND)
        with pytest.raises(Invalid, match="expired"):
            await identity.rotate(old.id)
        for overlap in (-1, 366 * DAY):
            with pytest.raises(Invalid, match="overlap"):
                await identity.rotate(newest.id, overlap=overlap)

    async def test_two_at_once_make_one_new_key(self, database: Database, identity: Identity, elsewhere: Identity) -> None:
        old, _ = await identity.create("acme", "gateway", READ)
        async with asyncio.timeout(30):
            # Both are under way, and held up at the same place, before either can go on.
            async with database.transaction() as connection:
                await connection.execute(keys.update().values(name=keys.c.name))
                both = [asyncio.create_task(each.rotate(old.id)) for each in (identity, elsewhere)]
                while not database.is_sqlite and await waiting(database) < 2:
                    assert not any(task.done() for task in both)
            outcomes = await asyncio.gather(*both, return_exceptions=True)
        assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Invalid", "tuple"]
        assert len(await identity.list()) == 2


async def test_no_secret_is_printed_or_logged(
    database: Database, clock: ManualClock, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.DEBUG, logger="sqlalchemy.engine")
    identity = Identity(database, clock)
    record, secret = await identity.create("acme", "gateway", READ)
    await identity.authenticate(secret)
    new, new_secret = await identity.rotate(record.id)
    printed = [repr(thing) + str(thing) for thing in (identity, record, new, vars(identity), await identity.list())]
    printed += [repr(await identity.authenticate(new_secret)), repr(vars(identity._cache))]
    broken = secret[:-1] + "\x00"
    with pytest.raises(Unauthenticated) as caught:
        await identity.authenticate(broken)
    await identity.revoke(record.id)
    await identity.flush_usage()
    output = capsys.readouterr()
    text = "\n".join([*printed, repr(caught.value), caplog.text, output.out, output.err])
    assert "INSERT INTO api_keys" in text
    for shown in (secret, new_secret, broken):
        assert shown.split("_")[2] not in text
