"""What the tests of the MQTT side share."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.conftest import sqlite_url
from wattline.model.clock import ManualClock
from wattline.state.database import Database

from .block import Site


@pytest.fixture
async def site(migrated_sqlite: Path, tmp_path: Path, clock: ManualClock) -> AsyncIterator[Site]:
    """A block with points, on SQLite: for what the contract decides by itself."""
    path = tmp_path / "site.sqlite"
    shutil.copyfile(migrated_sqlite, path)
    database = Database(sqlite_url(path))
    yield await Site(database, clock).open()
    await database.close()


@pytest.fixture
async def stored(database: Database, clock: ManualClock) -> Site:
    """The same on SQLite and on PostgreSQL: for what the stores must agree on."""
    return await Site(database, clock).open()
