"""Transactions of the state database, on both engines."""

from __future__ import annotations

import asyncio
import threading
from contextlib import suppress

import pytest
import sqlalchemy as sa

from wattline.model.errors import Invalid, StorageFull, Unavailable
from wattline.state import database as module
from wattline.state.database import Database
from wattline.state.tables import metadata

meters = sa.Table("meters", sa.MetaData(), sa.Column("name", sa.Text, primary_key=True), sa.Column("count", sa.Integer))


@pytest.fixture
async def counted(database: Database) -> Database:
    async with database.transaction() as connection:
        await connection.run_sync(meters.create)
        await connection.execute(meters.insert().values(name="A", count=0))
    return database


async def count(database: Database) -> int:
    async with database.read() as connection:
        return (await connection.execute(sa.select(meters.c.count))).scalar_one()


async def test_the_end_of_the_block_commits(counted: Database) -> None:
    async with counted.transaction() as connection:
        await connection.execute(meters.update().values(count=7))
    again = Database(counted.url)
    assert await count(again) == 7
    await again.close()


async def test_an_error_in_the_block_rolls_back_and_is_raised_as_it_is(counted: Database) -> None:
    async def fail() -> None:
        async with counted.transaction() as connection:
            await connection.execute(meters.update().values(count=7))
            raise Invalid("no such feeder")

    with pytest.raises(Invalid, match="no such feeder"):
        await fail()
    assert await count(counted) == 0


async def test_cancellation_rolls_back_and_lets_the_next_writer_in(counted: Database) -> None:
    written = asyncio.Event()

    async def stall() -> None:
        async with counted.transaction() as connection:
            await connection.execute(meters.update().values(count=7))
            written.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(stall())
    await asyncio.wait_for(written.wait(), 10)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await count(counted) == 0
    async with asyncio.timeout(10), counted.transaction() as connection:
        await connection.execute(meters.update().values(count=1))
    assert await count(counted) == 1


async def test_a_broken_constraint_stays_an_integrity_error(counted: Database) -> None:
    with pytest.raises(sa.exc.IntegrityError) as caught:
        async with counted.transaction() as connection:
            await connection.execute(meters.insert().values(name="A", count=987654321))
    assert "987654321" not in str(caught.value)


async def test_increments_of_many_writers_all_count(counted: Database) -> None:
    async def increment() -> None:
        async with counted.transaction() as connection:
            row = await connection.execute(sa.select(meters.c.count).with_for_update())
            seen = row.scalar_one()
            await asyncio.sleep(0)
            await connection.execute(meters.update().values(count=seen + 1))

    await asyncio.gather(*(increment() for _ in range(50)))
    assert await count(counted) == 50


async def test_a_read_shows_one_moment(counted: Database) -> None:
    async with counted.read() as connection:
        before = (await connection.execute(sa.select(meters.c.count))).scalar_one()
        async with counted.transaction() as writer:
            await writer.execute(meters.update().values(count=7))
        after = (await connection.execute(sa.select(meters.c.count))).scalar_one()
    assert (before, after) == (0, 0)
    assert await count(counted) == 7


async def test_a_read_keeps_nothing(counted: Database) -> None:
    with suppress(sa.exc.InternalError):  # PostgreSQL refuses; SQLite forgets.
        async with counted.read() as connection:
            await connection.execute(meters.update().values(count=7))
    assert await count(counted) == 0


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
class TestSqlite:
    async def test_commits_survive_a_power_loss(self, database: Database) -> None:
        async with database.transaction() as connection:
            settings = {
                name: (await connection.exec_driver_sql(f"PRAGMA {name}")).scalar_one()
                for name in ("journal_mode", "synchronous", "foreign_keys")
            }
        assert settings == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}

    async def test_another_process_waits_for_the_write_lock_from_the_start_of_the_block(self, counted: Database) -> None:
        other = Database(counted.url)
        entered = asyncio.Event()

        async def write() -> None:
            async with other.transaction() as connection:
                entered.set()
                await connection.execute(meters.update().values(count=meters.c.count + 1))

        async with counted.transaction() as connection:
            task = asyncio.create_task(write())
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(entered.wait(), 0.2)
            await connection.execute(meters.update().values(count=meters.c.count * 10 + 5))
        await asyncio.wait_for(task, 10)
        assert await count(counted) == 6
        await other.close()

    async def test_a_writer_that_never_gets_its_turn_is_told_so(
        self, counted: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(module, "TURN_SECONDS", 0.05)
        async with counted.transaction():
            with pytest.raises(Unavailable, match="busy"):
                async with counted.transaction():
                    pytest.fail("two writers at once")
        async with counted.transaction() as connection:
            await connection.execute(meters.update().values(count=1))

    async def test_a_file_that_cannot_be_opened_is_unavailable(self, database: Database) -> None:
        elsewhere = Database(database.url.set(database="/nonexistent/state.sqlite"))
        before = set(threading.enumerate())
        with pytest.raises(Unavailable, match="cannot be reached"):
            async with elsewhere.read():
                pytest.fail("opened")
        await elsewhere.close()
        # The driver does not wait for the thread of a connection that never opened; the loop must outlive it.
        for thread in set(threading.enumerate()) - before:
            await asyncio.to_thread(thread.join, 10)

    async def test_a_full_store_is_named(self, counted: Database) -> None:
        async def overfill() -> None:
            async with counted.transaction() as connection:
                pages = (await connection.exec_driver_sql("PRAGMA page_count")).scalar_one()
                await connection.exec_driver_sql(f"PRAGMA max_page_count={pages}")
                await connection.execute(meters.insert().values(name="x" * 1_000_000, count=0))

        with pytest.raises(StorageFull):
            await overfill()
        assert await count(counted) == 0


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
class TestPostgresql:
    async def test_a_server_that_is_away_is_unavailable(self, database: Database) -> None:
        elsewhere = Database(database.url.update_query_dict({"host": "/nonexistent"}))
        with pytest.raises(Unavailable, match="cannot be reached"):
            async with elsewhere.read():
                pytest.fail("connected")
        await elsewhere.close()

    async def test_a_connection_that_the_server_ends_is_unavailable_and_the_next_one_works(self, counted: Database) -> None:
        async def write() -> None:
            async with counted.transaction() as connection:
                await connection.execute(meters.update().values(count=7))
                await connection.execute(sa.select(sa.func.pg_terminate_backend(sa.func.pg_backend_pid())))

        with pytest.raises(Unavailable):
            await write()
        assert await count(counted) == 0

    async def test_a_deadlock_is_a_reason_to_try_again(self, counted: Database) -> None:
        async with counted.transaction() as connection:
            await connection.execute(meters.insert().values(name="B", count=0))
        first_has, second_has = asyncio.Event(), asyncio.Event()

        async def lock(names: str, mine: asyncio.Event, other: asyncio.Event) -> None:
            async with counted.transaction() as connection:
                await connection.execute(meters.update().where(meters.c.name == names[0]).values(count=1))
                mine.set()
                await other.wait()
                await connection.execute(meters.update().where(meters.c.name == names[1]).values(count=1))

        async with asyncio.timeout(30):
            outcomes = await asyncio.gather(
                lock("AB", first_has, second_has), lock("BA", second_has, first_has), return_exceptions=True
            )
        [error] = [outcome for outcome in outcomes if outcome is not None]
        assert isinstance(error, Unavailable)
        assert error.retry_after == 1


def test_every_table_has_a_primary_key() -> None:
    assert [table.name for table in metadata.tables.values() if not table.primary_key.columns] == []
