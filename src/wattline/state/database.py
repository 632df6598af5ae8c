"""The state database: one engine, short transactions, SQLite or PostgreSQL by URL alone."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from wattline.state.sqlite import apply_pragmas


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
    """Opens transactions on the state store; `url` is `sqlite+aiosqlite:///...` or `postgresql+psycopg://...`."""

    def __init__(self, url: str) -> None:
        self.url = sa.make_url(url)
        self.engine = create_async_engine(self.url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        if self.is_sqlite:
            _prepare_sqlite(self.engine)
        self._writer = self.engine.execution_options(writes=True)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncConnection]:
        """A write transaction: committed at the end of the block, rolled back if it raises."""
        async with self._writer.begin() as connection:
            yield connection

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """A read-only view; nothing is committed."""
        async with self.engine.connect() as connection:
            yield connection

    async def close(self) -> None:
        """Give every connection back."""
        await self.engine.dispose()
