"""A gate on a state database of the test's own. On one engine: what differs between them is tested where keys are kept."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import sqlalchemy as sa

from tests.conftest import sqlite_url
from wattline.model.clock import ManualClock
from wattline.state.database import Database

from .desk import Desk


@pytest.fixture
def database_url(migrated_sqlite: Path, tmp_path: Path) -> sa.URL:
    """The address of a fresh, migrated SQLite database."""
    path = tmp_path / "state.sqlite"
    shutil.copyfile(migrated_sqlite, path)
    return sqlite_url(path)


@pytest.fixture
def desk(database: Database, clock: ManualClock) -> Desk:
    """With the settings that a server has where none are given."""
    return Desk(database, clock)
