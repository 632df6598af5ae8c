"""One platform for all tests of the contract, and for each test a tenant of its own with a household."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import pytest_asyncio
from starlette.types import ASGIApp

from tests.contracts.household.home import Home, move_in, opened
from tests.stores import lasting_telemetry_url
from wattline.model.clock import ManualClock
from wattline.platform import Platform

START = datetime(2026, 6, 11, 14, 32, tzinfo=UTC)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """These tests share a platform, so they share its event loop."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents and item.get_closest_marker("asyncio") is not None:
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@pytest.fixture(scope="session")
def shared_clock() -> ManualClock:
    """The clock of the shared platform: it only goes forward."""
    return ManualClock(START)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def shared(
    shared_clock: ManualClock, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[tuple[Platform, ASGIApp]]:
    """The platform and application that the tests share."""
    async with opened(tmp_path_factory.mktemp("households"), shared_clock, telemetry_url=lasting_telemetry_url()) as made:
        yield made


@pytest_asyncio.fixture(loop_scope="session")
async def home(shared: tuple[Platform, ASGIApp]) -> AsyncIterator[Home]:
    """A household in a tenant of its own."""
    made = await move_in(*shared)
    async with made.client:
        yield made


@pytest_asyncio.fixture(loop_scope="session")
async def neighbour(shared: tuple[Platform, ASGIApp], home: Home) -> AsyncIterator[Home]:
    """A second household in the tenant of the first."""
    made = await move_in(*shared, tenant=home.tenant)
    async with made.client:
        yield made


@pytest_asyncio.fixture(loop_scope="session")
async def stranger(shared: tuple[Platform, ASGIApp]) -> AsyncIterator[Home]:
    """A household in another tenant."""
    made = await move_in(*shared)
    async with made.client:
        yield made
