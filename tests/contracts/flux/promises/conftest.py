"""Platforms for the tests of promises: one that most share, and some with other settings."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.contracts.flux.door.conftest import Quiet
from tests.contracts.flux.door.project import Project
from tests.migrated import lay_out
from tests.stores import fresh_telemetry_url, lasting_telemetry_url
from wattline.app import create_app
from wattline.model.clock import ManualClock
from wattline.settings import Settings

Opening = Callable[..., AbstractAsyncContextManager[Project]]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """These tests share a platform, so they share its event loop."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents and item.get_closest_marker("asyncio") is not None:
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@asynccontextmanager
async def platform(directory: Path, **settings: Any) -> AsyncIterator[Quiet]:
    """A platform at noon of 3 January 2024."""
    given = {"flux_rate_limits": False, "max_body_bytes": 200_000, "mqtt": False, **settings}
    given.setdefault("telemetry_url", fresh_telemetry_url())
    clock = ManualClock(datetime(2024, 1, 3, 12, 0, tzinfo=UTC))
    lay_out(directory)
    async with Quiet.open(Settings(data=directory, **given), clock) as opened:
        assert isinstance(opened, Quiet)
        yield opened


@asynccontextmanager
async def tenant(at: Quiet, name: str | None = None) -> AsyncIterator[Project]:
    """A tenant that has nothing yet, or the one of a name."""
    made = Project(at, create_app(at))
    made.tenant = name or made.tenant
    await made.open()
    yield made
    await made.close()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def shared(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Quiet]:
    async with platform(tmp_path_factory.mktemp("promises"), telemetry_url=lasting_telemetry_url()) as opened:
        yield opened


@pytest_asyncio.fixture(loop_scope="session")
async def project(shared: Quiet) -> AsyncIterator[Project]:
    """A tenant on the platform that is shared."""
    async with tenant(shared) as made:
        yield made


@pytest.fixture
def opening(tmp_path: Path) -> Opening:
    """Opens a platform with settings of its own, and a tenant on it."""

    @asynccontextmanager
    async def opened(**settings: Any) -> AsyncIterator[Project]:
        async with platform(tmp_path, **settings) as at, tenant(at) as made:
            yield made

    return opened
