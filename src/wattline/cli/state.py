"""The state database for commands that work beside a running server: they open nothing else."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from wattline.settings import Settings
from wattline.state.database import Database
from wattline.state.migrate import migrate


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Database]:
    """The migrated state database; made where there is none yet, so that keys can be handed out before the first start."""
    settings.data.mkdir(mode=0o700, parents=True, exist_ok=True)
    database = Database(settings.state_url)
    try:
        await migrate(database)
        yield database
    finally:
        await database.close()
