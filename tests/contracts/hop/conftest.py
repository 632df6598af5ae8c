"""One platform for all tests of the contract, and for each test a utility of its own, a week after the one before."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from starlette.types import ASGIApp

from tests.contracts.hop.utility import Utility
from tests.migrated import lay_out
from tests.stores import fresh_telemetry_url, lasting_telemetry_url
from wattline.app import create_app
from wattline.model.clock import DAY, SECOND, ManualClock
from wattline.platform import Platform
from wattline.settings import Settings

START = datetime(2026, 6, 11, 14, 32, tzinfo=UTC)
_numbers = itertools.count()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """These tests share a platform, so they share its event loop."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents and item.get_closest_marker("asyncio") is not None:
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


class Quiet(Platform):
    """A platform that does nothing by itself: tests say when tiers are rolled up and scores are made."""

    async def _start_jobs(self, stack: AsyncExitStack) -> None:
        """Start none."""


@asynccontextmanager
async def opened(data: Path, clock: ManualClock, **settings: Any) -> AsyncIterator[tuple[Platform, ASGIApp]]:
    """A platform and its application, with settings of one's own."""
    settings.setdefault("telemetry_url", fresh_telemetry_url())
    lay_out(data)
    async with Quiet.open(Settings(data=data, **settings), clock) as platform:
        yield platform, create_app(platform)


@pytest.fixture(scope="session")
def shared_clock() -> ManualClock:
    """The clock of the shared platform: it only goes forward."""
    return ManualClock(START)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def shared(
    shared_clock: ManualClock, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[tuple[Platform, ASGIApp]]:
    """The platform and application that all tests share."""
    async with opened(tmp_path_factory.mktemp("hop"), shared_clock, telemetry_url=lasting_telemetry_url()) as made:
        yield made


@pytest.fixture
def clock(shared_clock: ManualClock) -> Iterator[ManualClock]:
    """14:32:00 on a Thursday, as in the published examples, a week after the last test's."""
    weeks = (shared_clock.micros() - _start_micros()) // (7 * DAY) + 1
    shared_clock.advance((_start_micros() + weeks * 7 * DAY - shared_clock.micros()) / SECOND)
    return shared_clock


def _start_micros() -> int:
    return ManualClock(START).micros()


@pytest_asyncio.fixture(loop_scope="session")
async def hop(shared: tuple[Platform, ASGIApp], clock: ManualClock) -> AsyncIterator[Utility]:
    """A utility with a key that may do everything."""
    platform, app = shared
    async with Utility(platform, app, clock, f"utility-{next(_numbers)}") as utility:
        yield utility


@pytest_asyncio.fixture(loop_scope="session")
async def other(shared: tuple[Platform, ASGIApp], clock: ManualClock) -> AsyncIterator[Utility]:
    """A second utility on the same platform."""
    platform, app = shared
    async with Utility(platform, app, clock, f"other-{next(_numbers)}") as utility:
        yield utility
