"""One platform for all tests of the contract, and for each test a tenant of its own, and a second one.

A test module says which routers it calls by a fixture of its own:

    @pytest.fixture
    def routers(platform: Platform, gate: Gate) -> list[APIRouter]:
        return [meters.build(platform.metering, gate)]
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import pytest_asyncio
from fastapi import APIRouter
from starlette.types import ASGIApp

from tests.contracts.joulepoint.depot import Depot, application, move_in, opened
from tests.stores import lasting_telemetry_url
from wattline.contracts.joulepoint.gate import Gate
from wattline.identity.limits import RateLimiter
from wattline.identity.oauth.service import OAuth
from wattline.model.clock import ManualClock
from wattline.platform import Platform

START = datetime(2026, 6, 11, 14, 32, tzinfo=UTC)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """These tests share a platform, so they share its event loop."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents and item.get_closest_marker("asyncio") is not None:
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def platform(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Platform]:
    """The platform that the tests share, with a `ManualClock` of its own: it only goes forward."""
    async with opened(tmp_path_factory.mktemp("depots"), ManualClock(START), telemetry_url=lasting_telemetry_url()) as made:
        yield made


@pytest.fixture(scope="session")
def oauth(platform: Platform) -> OAuth:
    """The clients and tokens on that platform."""
    return OAuth(platform.database, platform.clock)


@pytest.fixture(scope="session")
def gate(platform: Platform, oauth: OAuth) -> Gate:
    """The contract's gate on that platform."""
    return Gate(platform.identity, oauth, platform.settings, RateLimiter(platform.clock))


@pytest.fixture
def routers() -> list[APIRouter]:
    """None; a test module that needs some has a fixture of this name."""
    return []


@pytest.fixture
def hot() -> dict[str, ASGIApp]:
    """What answers exact paths before the routers; likewise."""
    return {}


@pytest_asyncio.fixture(loop_scope="session")
async def depot(platform: Platform, routers: list[APIRouter], hot: dict[str, ASGIApp]) -> AsyncIterator[Depot]:
    """A tenant of its own."""
    made = await move_in(platform, application(routers, hot))
    async with made.client:
        yield made


@pytest_asyncio.fixture(loop_scope="session")
async def stranger(platform: Platform, routers: list[APIRouter], hot: dict[str, ASGIApp]) -> AsyncIterator[Depot]:
    """A second tenant."""
    made = await move_in(platform, application(routers, hot))
    async with made.client:
        yield made
