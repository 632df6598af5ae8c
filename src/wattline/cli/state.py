"""The state database for commands that work beside a running server: they open nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from sqlalchemy.exc import DBAPIError

from wattline.model.errors import Unavailable
from wattline.settings import Settings
from wattline.state.database import Database
from wattline.state.migrate import migrate

T = TypeVar("T")


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Database]:
    """The migrated state database; made where there is none yet, so that keys can be handed out before the first start."""
    settings.data.mkdir(parents=True, exist_ok=True)
    database = Database(settings.state_url)
    try:
        await migrate(database)
        yield database
    finally:
        await database.close()


def finish(work: Coroutine[Any, Any, T]) -> T:
    """Run a command's work to its end. Raises `Unavailable` where the database cannot be reached."""
    try:
        return asyncio.run(work)
    except DBAPIError as error:
        raise Unavailable(f"the state database does not answer: {str(error.orig).strip().splitlines()[0]}") from error
