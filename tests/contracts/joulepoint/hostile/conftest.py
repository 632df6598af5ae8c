"""The whole application on each kind of state database, with two tenants that have one of everything."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from starlette.types import ASGIApp

from tests.clickhouse.fixture import clickhouse, clickhouse_server
from tests.conftest import ENGINES
from tests.contracts.joulepoint.conftest import START
from tests.contracts.joulepoint.depot import opened
from tests.postgres import PostgresServer
from tests.stores import lasting_telemetry_url
from wattline.app import create_app
from wattline.model.clock import ManualClock
from wattline.platform import Platform

from .estate import Estate, founded
from .published import Operation, operations_of

__all__ = ["clickhouse", "clickhouse_server"]


@pytest_asyncio.fixture(params=ENGINES, scope="session", loop_scope="session")
async def ground(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[tuple[Platform, ASGIApp]]:
    """A platform and its application, on SQLite and on PostgreSQL."""
    further = {}
    if request.param == "postgresql":
        server: PostgresServer = request.getfixturevalue("postgres")
        url = server.create(f"hostile_{uuid.uuid4().hex}", request.getfixturevalue("migrated_postgres"))
        further["state_url"] = url.render_as_string(hide_password=False)
    further["telemetry_url"] = lasting_telemetry_url()
    limits = {"joulepoint_rate": 0, "joulepoint_device_rate": 0}
    async with opened(tmp_path_factory.mktemp("hostile"), ManualClock(START), **limits, **further) as platform:
        yield platform, create_app(platform)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def estate(ground: tuple[Platform, ASGIApp]) -> AsyncIterator[Estate]:
    """A tenant that is attacked, for tests that change nothing of it."""
    async with founded(*ground) as made:
        yield made


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def intruder(ground: tuple[Platform, ASGIApp]) -> AsyncIterator[Estate]:
    """The other tenant, who attacks."""
    async with founded(*ground) as made:
        yield made


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def operations(estate: Estate) -> list[Operation]:
    """Every operation of the contract."""
    return operations_of((await estate.depot.client.get("/openapi.json")).json())
