"""The hot path: what is remembered of secrets, for how long, and how much of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from wattline.identity.cache import MOST_UNKNOWN, KeyCache
from wattline.identity.secret import generate
from wattline.identity.service import Identity
from wattline.identity.store import keys
from wattline.model.clock import SECOND, ManualClock, from_micros
from wattline.model.errors import Unauthenticated, Unavailable
from wattline.state.database import Database

READ = ["query:read"]


@pytest.fixture
def identity(database: Database, clock: ManualClock) -> Identity:
    return Identity(database, clock)


@pytest.fixture
async def elsewhere(database: Database, clock: ManualClock) -> AsyncIterator[Identity]:
    other = Database(database.url)
    yield Identity(other, clock)
    await other.close()


class Statements:
    """Counts what is asked of the store."""

    def __init__(self, database: Database) -> None:
        self.count = 0
        sa.event.listen(database.engine.sync_engine, "before_cursor_execute", self._counted)

    def _counted(self, *_: object) -> None:
        self.count += 1


@pytest.fixture
def statements(database: Database) -> Statements:
    return Statements(database)


async def test_a_known_secret_costs_no_look_at_the_store_for_two_seconds(
    identity: Identity, clock: ManualClock, statements: Statements
) -> None:
    _, secret = await identity.create("acme", "gateway", READ)
    assert identity.cached(secret) is None
    principal = await identity.authenticate(secret)
    asked = statements.count
    clock.advance(1.999_999)
    assert identity.cached(secret) is principal or identity.cached(secret) == principal
    assert await identity.authenticate(secret) == principal
    assert statements.count == asked
    clock.advance(0.000_001)
    assert identity.cached(secret) is None
    assert await identity.authenticate(secret) == principal
    assert statements.count > asked


async def test_a_clock_that_is_set_back_prolongs_nothing(identity: Identity, clock: ManualClock) -> None:
    _, secret = await identity.create("acme", "gateway", READ)
    await identity.authenticate(secret)
    clock.advance(-3600)
    assert identity.cached(secret) is None
    assert (await identity.authenticate(secret)).tenant == "acme"


async def test_refresh_keeps_keys_in_use_warm_and_lets_idle_ones_go(
    identity: Identity, clock: ManualClock, statements: Statements
) -> None:
    _, busy = await identity.create("acme", "busy", READ)
    _, idle = await identity.create("acme", "idle", READ)
    await identity.authenticate(busy)
    await identity.authenticate(idle)
    for _ in range(61):
        clock.advance(1)
        assert identity.cached(busy) is not None
        await identity.refresh()
    assert identity.cached(busy) is not None
    assert identity.cached(idle) is None
    clock.advance(120)
    await identity.refresh()
    asked = statements.count
    await identity.refresh()
    assert statements.count == asked


async def test_callers_that_come_together_ask_once(identity: Identity, statements: Statements) -> None:
    _, secret = await identity.create("acme", "gateway", READ)
    before = statements.count
    await identity.authenticate(secret)
    alone = statements.count - before
    fresh = Identity(identity._database, identity._clock)
    before = statements.count
    principals = await asyncio.gather(*(fresh.authenticate(secret) for _ in range(100)))
    assert statements.count - before == alone
    assert len(set(principals)) == 1


async def test_a_caller_that_gives_up_does_not_take_the_others_with_it(identity: Identity) -> None:
    _, secret = await identity.create("acme", "gateway", READ)
    impatient = asyncio.create_task(identity.authenticate(secret))
    patient = asyncio.create_task(identity.authenticate(secret))
    await asyncio.sleep(0)
    impatient.cancel()
    with pytest.raises(asyncio.CancelledError):
        await impatient
    assert (await asyncio.wait_for(patient, 10)).tenant == "acme"


class SlowDatabase(Database):
    """A store whose first answer is under way until it is let through."""

    def __init__(self, url: sa.URL) -> None:
        super().__init__(url)
        self.answered = asyncio.Event()
        self.let_through = asyncio.Event()

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        async with super().read() as connection:
            yield connection
        if not self.answered.is_set():
            self.answered.set()
            await self.let_through.wait()


async def test_an_answer_that_was_under_way_during_a_revocation_is_not_used_after_it(
    database: Database, clock: ManualClock
) -> None:
    slow = SlowDatabase(database.url)
    identity = Identity(slow, clock)
    record, secret = await identity.create("acme", "gateway", READ)
    async with asyncio.timeout(20):
        early = asyncio.create_task(identity.authenticate(secret))
        await slow.answered.wait()
        await identity.revoke(record.id)
        with pytest.raises(Unauthenticated):
            await identity.authenticate(secret)
        slow.let_through.set()
        assert (await early).key_id == record.id
    assert identity.cached(secret) is None
    with pytest.raises(Unauthenticated):
        await identity.authenticate(secret)
    await slow.close()


async def test_wrong_secrets_are_remembered_briefly_and_in_bounded_number(
    identity: Identity, clock: ManualClock, statements: Statements
) -> None:
    def wrong(number: int) -> str:
        return generate(lambda count: number.to_bytes(count, "big"))[1]

    for _ in range(3):
        with pytest.raises(Unauthenticated):
            await identity.authenticate(wrong(0))
    asked = statements.count
    with pytest.raises(Unauthenticated):
        await identity.authenticate(wrong(0))
    assert statements.count == asked
    clock.advance(2)
    with pytest.raises(Unauthenticated):
        await identity.authenticate(wrong(0))
    assert statements.count > asked


def test_the_memory_of_wrong_secrets_is_bounded(clock: ManualClock) -> None:
    cache = KeyCache(clock)
    for number in range(3 * MOST_UNKNOWN + 5):
        cache.refuse(f"{number:064x}", clock.micros())
        assert cache.is_unknown(f"{number:064x}")
    assert len(cache._unknown) <= MOST_UNKNOWN


async def test_nonsense_never_reaches_the_store(identity: Identity, statements: Statements) -> None:
    for secret in (None, "", "x", "wl_" + "a" * 49, "wl_aaaaaaaa_" + "A" * 40, "wl_aaaaaaaa_" + "a" * 39 + "\x00"):
        with pytest.raises(Unauthenticated):
            await identity.authenticate(secret)
    assert statements.count == 0


async def test_a_store_that_is_away_is_not_a_wrong_key(identity: Identity, database: Database, clock: ManualClock) -> None:
    _, secret = await identity.create("acme", "gateway", READ)
    await identity.authenticate(secret)
    async with database.transaction() as connection:
        await connection.exec_driver_sql("ALTER TABLE api_keys RENAME TO hidden")
    assert (await identity.authenticate(secret)).tenant == "acme"
    clock.advance(2)
    with pytest.raises((Unavailable, sa.exc.DBAPIError)):
        await identity.authenticate(secret)
    async with database.transaction() as connection:
        await connection.exec_driver_sql("ALTER TABLE hidden RENAME TO api_keys")
    assert (await identity.authenticate(secret)).tenant == "acme"


class TestUsage:
    async def test_it_is_written_lazily_and_only_forwards(
        self, identity: Identity, elsewhere: Identity, clock: ManualClock
    ) -> None:
        record, secret = await identity.create("acme", "gateway", READ)
        first = clock.micros()
        await identity.authenticate(secret)
        assert (await identity.list())[0].last_used is None
        clock.advance(1)
        assert identity.cached(secret) is not None
        await elsewhere.authenticate(secret)
        clock.advance(0.5)
        assert identity.cached(secret) is not None
        await identity.flush_usage()
        assert (await identity.list())[0].last_used == first + 1.5 * SECOND
        await elsewhere.flush_usage()
        assert (await identity.list())[0].last_used == first + 1.5 * SECOND
        assert from_micros((await identity.list())[0].last_used or 0).isoformat() == "2026-06-11T14:32:01.500000+00:00"
        assert record.last_used is None

    async def test_nothing_used_writes_nothing(self, identity: Identity, statements: Statements) -> None:
        _, secret = await identity.create("acme", "gateway", READ)
        await identity.authenticate(secret)
        await identity.flush_usage()
        asked = statements.count
        await identity.flush_usage()
        assert statements.count == asked

    async def test_what_cannot_be_written_is_kept_for_the_next_time(
        self, identity: Identity, database: Database, clock: ManualClock
    ) -> None:
        _, secret = await identity.create("acme", "gateway", READ)
        await identity.authenticate(secret)
        async with database.transaction() as connection:
            await connection.exec_driver_sql("ALTER TABLE api_keys RENAME TO hidden")
        with pytest.raises(sa.exc.DBAPIError):
            await identity.flush_usage()
        async with database.transaction() as connection:
            await connection.exec_driver_sql("ALTER TABLE hidden RENAME TO api_keys")
        await identity.flush_usage()
        async with database.read() as connection:
            assert (await connection.execute(sa.select(keys.c.last_used))).scalar_one() == clock.micros()
