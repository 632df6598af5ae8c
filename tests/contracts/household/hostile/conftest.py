"""A platform on each kind of state database, and a town on it with whatever ids could be tried."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from starlette.types import ASGIApp

from tests.clickhouse.fixture import clickhouse, clickhouse_server
from tests.conftest import ENGINES
from tests.contracts.household.home import Home, move_in, opened
from tests.postgres import PostgresServer
from wattline.model.clock import ManualClock
from wattline.platform import Platform

from .town import START, Town, founded

__all__ = ["clickhouse", "clickhouse_server"]


@pytest_asyncio.fixture(params=ENGINES, scope="session", loop_scope="session")
async def both(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[tuple[Platform, ASGIApp, ManualClock]]:
    """A platform, its application and its clock, on SQLite and on PostgreSQL."""
    clock, further = ManualClock(START), {}
    if request.param == "postgresql":
        server: PostgresServer = request.getfixturevalue("postgres")
        url = server.create(f"hostile_{uuid.uuid4().hex}", request.getfixturevalue("migrated_postgres"))
        further["state_url"] = url.render_as_string(hide_password=False)
    async with opened(tmp_path_factory.mktemp("hostile"), clock, mqtt=False, **further) as (platform, app):
        yield platform, app, clock


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def town(both: tuple[Platform, ASGIApp, ManualClock]) -> AsyncIterator[Town]:
    """A tenant with two households, one that was deleted, and a stranger in another tenant; for tests that change nothing."""
    async with founded(*both) as made:
        yield made


@pytest_asyncio.fixture(loop_scope="session")
async def home(both: tuple[Platform, ASGIApp, ManualClock]) -> AsyncIterator[Home]:
    """A household in a tenant of its own, to be changed."""
    platform, app, _ = both
    made = await move_in(platform, app)
    async with made.client:
        yield made
