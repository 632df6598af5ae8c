"""Fixtures that every test shares: a clock that stands still, and a migrated state database on both engines."""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import settings

from wattline.model.clock import ManualClock
from wattline.state.database import Database

from .migrated import migrate_now, sqlite_url
from .postgres import PostgresServer, postgres_server
from .stores import telemetry_dropped

ENGINES = ("sqlite", "postgresql")

# A run of continuous integration tries the same cases every time, so that a change is judged by what it changed; a run at
# the desk tries new ones each time, and keeps what it finds.
settings.register_profile("ci", derandomize=True, print_blob=True)
if os.environ.get("CI"):
    settings.load_profile("ci")


@pytest.fixture
def clock() -> ManualClock:
    """2026-06-11T14:32:00Z, the moment of the published examples; moved by the test."""
    return ManualClock(datetime(2026, 6, 11, 14, 32, tzinfo=UTC))


@pytest.fixture(scope="module", autouse=True)
def _telemetry_of_modules() -> Iterator[None]:
    with telemetry_dropped():
        yield


@pytest.fixture(autouse=True)
def _telemetry_of_tests() -> Iterator[None]:
    with telemetry_dropped():
        yield


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A PostgreSQL server of this session's own."""
    with postgres_server(durable=False) as server:
        yield server


@pytest.fixture(scope="session")
def migrated_postgres(postgres: PostgresServer) -> str:
    """The name of a migrated database to copy from."""
    migrate_now(postgres.create("migrated"))
    return "migrated"


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated database file to copy from."""
    path = tmp_path_factory.mktemp("migrated") / "state.sqlite"
    migrate_now(sqlite_url(path))
    return path


@pytest.fixture(params=ENGINES)
def empty_database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[sa.URL]:
    """The address of a state database without a single table, on SQLite and on PostgreSQL."""
    if request.param == "sqlite":
        yield sqlite_url(tmp_path / "state.sqlite")
        return
    server: PostgresServer = request.getfixturevalue("postgres")
    name = f"test_{uuid.uuid4().hex}"
    yield server.create(name)
    server.drop(name)


@pytest.fixture(params=ENGINES)
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[sa.URL]:
    """The address of a fresh, migrated state database, on SQLite and on PostgreSQL."""
    if request.param == "sqlite":
        path = tmp_path / "state.sqlite"
        shutil.copyfile(request.getfixturevalue("migrated_sqlite"), path)
        yield sqlite_url(path)
        return
    template: str = request.getfixturevalue("migrated_postgres")
    server: PostgresServer = request.getfixturevalue("postgres")
    name = f"test_{uuid.uuid4().hex}"
    yield server.create(name, template)
    server.drop(name)


@pytest.fixture
async def database(database_url: sa.URL) -> AsyncIterator[Database]:
    """A fresh, migrated state database, on SQLite and on PostgreSQL."""
    database = Database(database_url)
    yield database
    await database.close()
