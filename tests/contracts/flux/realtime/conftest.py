"""One platform for the tests of Realtime, and for each test a server on it with a tenant of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import pytest_asyncio

from wattline.model.clock import ManualClock

from .service import Place, Service, place


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """These tests share a platform, so they share its event loop."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents and item.get_closest_marker("asyncio") is not None:
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def at(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Place]:
    """The platform. Its clock only goes forward."""
    async with place(tmp_path_factory.mktemp("realtime"), ManualClock(datetime(2026, 2, 21, 12, 0, tzinfo=UTC))) as made:
        yield made


@pytest_asyncio.fixture(loop_scope="session")
async def service(at: Place) -> AsyncIterator[Service]:
    """A server with the limits that there are where none are given."""
    async with Service.open(at) as made:
        yield made
