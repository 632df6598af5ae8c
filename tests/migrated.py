"""State databases that are migrated already: made once for each test process, then copied."""

from __future__ import annotations

import asyncio
import atexit
import shutil
import tempfile
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

import sqlalchemy as sa

from wattline.state.database import Database
from wattline.state.migrate import migrate


def sqlite_url(path: Path) -> sa.URL:
    """The address of a SQLite state database, for SQLAlchemy."""
    return sa.URL.create("sqlite+aiosqlite", database=str(path))


def migrate_now(url: sa.URL) -> None:
    """Migrate a database, in a thread of its own, so that the event loop of the tests is left as it is."""

    async def run() -> None:
        database = Database(url)
        try:
            await migrate(database)
        finally:
            await database.close()

    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, run()).result()


@cache
def _template() -> Path:
    directory = Path(tempfile.mkdtemp(prefix="wattline-migrated-"))
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    path = directory / "state.db"
    migrate_now(sqlite_url(path))
    return path


def lay_out(directory: Path) -> None:
    """Put a migrated `state.db` into a data directory that has none, as a first start would."""
    directory.mkdir(parents=True, exist_ok=True)
    target = directory / "state.db"
    if not target.exists():
        shutil.copy(_template(), target)
        target.chmod(0o600)
