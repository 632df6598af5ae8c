"""One platform for all tests at the door, and for each test a project of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path

import pytest
import pytest_asyncio
from starlette.types import ASGIApp

from tests.contracts.flux.door.project import Project
from tests.stores import lasting_telemetry_url
from wattline.app import create_app
from wattline.model.clock import ManualClock
from wattline.platform import Platform
from wattline.settings import Settings


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """These tests share a platform, so they share its event loop."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents and item.get_closest_marker("asyncio") is not None:
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


class Quiet(Platform):
    """A platform that does nothing by itself."""

    async def _start_jobs(self, stack: AsyncExitStack) -> None:
        """Start none."""


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def shared(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[tuple[Platform, ASGIApp]]:
    """The platform and its application, without limits of how often one may ask."""
    settings = Settings(
        data=tmp_path_factory.mktemp("flux"),
        telemetry_url=lasting_telemetry_url(),
        flux_rate_limits=False,
        max_body_bytes=200_000,
        mqtt=False,
    )
    clock = ManualClock(datetime(2024, 1, 3, 12, 0, tzinfo=UTC))
    async with Quiet.open(settings, clock) as platform:
        yield platform, create_app(platform)


@pytest_asyncio.fixture(loop_scope="session")
async def project(shared: tuple[Platform, ASGIApp]) -> AsyncIterator[Project]:
    """A tenant that has nothing yet."""
    made = Project(*shared)
    await made.open()
    yield made
    await made.close()
