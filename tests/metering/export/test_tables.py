"""What exports keep in the state database."""

from __future__ import annotations

import asyncio
from typing import Any

import sqlalchemy as sa

from wattline.metering.export import tables
from wattline.state.database import Database

LIMIT = 20


async def test_two_processes_that_begin_at_once_sign_with_the_same_secret(database: Database) -> None:
    other = Database(database.url)
    looked = asyncio.Event()

    async def second() -> str:
        async with other.transaction() as connection:
            return await tables.signing_secret(connection)

    def executed(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if statement.startswith("SELECT export_secret"):
            looked.set()

    sa.event.listen(other.engine.sync_engine, "after_cursor_execute", executed)
    async with database.transaction() as connection:
        made = await tables.signing_secret(connection)
        later = asyncio.create_task(second())
        # On SQLite the other one cannot even look before this one has committed.
        if not database.is_sqlite:
            await asyncio.wait_for(looked.wait(), LIMIT)
    assert await later == made
    assert len(made) == 64
    await other.close()
