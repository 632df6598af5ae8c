"""The state database: one engine, short transactions, SQLite or PostgreSQL by URL alone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from wattline.model.errors import Unavailable
from wattline.state.failures import BUSY, named_failures
from wattline.state.sqlite import apply_pragmas

TURN_SECONDS = 30


def _prepare_sqlite(engine: AsyncEngine) -> None:
    """Durable commits, and a BEGIN that takes the write lock at once (the driver's own BEGIN is late and deferred)."""

    @sa.event.listens_for(engine.sync_engine, "connect")
    def connected(connection: Any, _record: Any) -> None:
        connection.isolation_level = None
        apply_pragmas(connection)

    @sa.event.listens_for(engine.sync_engine, "begin")
    def begun(connection: sa.Connection) -> None:
        mode = "IMMEDIATE" if connection.get_execution_options().get("writes") else "DEFERRED"
        connection.exec_driver_sql(f"BEGIN {mode}")


class Database:
    """Opens transactions on the state store; `url` is `sqlite+aiosqlite:///...` or `postgresql+psycopg://...`.

    Belongs to one event loop. Failures of the surroundings are raised as `StorageFull` and `Unavailable`; bound values
    appear in no error text.
    """

    def __init__(self, url: str | sa.URL) -> None:
        self.url = sa.make_url(url)
        self.engine = create_async_engine(self.url, hide_parameters=True)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        if self.is_sqlite:
            _prepare_sqlite(self.engine)
            self._reader = self.engine
        else:
            # As on SQLite: everything that one block reads is the state of one moment.
            self._reader = self.engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        self._writer = self.engine.execution_options(writes=True)
        self._turn = asyncio.Lock()

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncConnection]:
        """A write transaction: committed at the end of the block, rolled back if it raises."""
        with named_failures():
            async with self._one_at_a_time(), self._writer.begin() as connection:
                yield connection

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """A read-only view of one moment; nothing is committed."""
        with named_failures():
            async with self._reader.connect() as connection:
                yield connection

    async def close(self) -> None:
        """Give every connection back."""
        await self.engine.dispose()

    @asynccontextmanager
    async def _one_at_a_time(self) -> AsyncIterator[None]:
        """Writers of this process take turns on SQLite, in order: its own lock is polled, which is slow and unfair."""
        if not self.is_sqlite:
            yield
            return
        try:
            async with asyncio.timeout(TURN_SECONDS):
                await self._turn.acquire()
        except TimeoutError:
            raise Unavailable(BUSY) from None
        try:
            yield
        finally:
            self._turn.release()
