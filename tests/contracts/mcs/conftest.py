"""One server for the tests of the contract's queries, and for each test a tenant of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.contracts.mcs.halls import Building, Hall, building
from tests.stores import lasting_telemetry_url
from wattline.model.clock import DAY, HOUR, SECOND

NOON = 12 * HOUR


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """These tests share a server, so they share its event loop."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents and item.get_closest_marker("asyncio") is not None:
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def served(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Building]:
    """The server that the tests share. Its clock only goes forward."""
    async with building(tmp_path_factory.mktemp("mcs"), telemetry_url=lasting_telemetry_url()) as made:
        yield made


@pytest_asyncio.fixture(loop_scope="session")
async def hall(served: Building) -> AsyncIterator[Hall]:
    """A tenant with a block, at the next noon after the last test: energy is counted in whole intervals of the clock."""
    served.clock.advance((DAY - (served.clock.micros() - NOON) % DAY) / SECOND)
    async with Hall(served).open() as made:
        yield made


@pytest_asyncio.fixture(loop_scope="session")
async def other(served: Building) -> AsyncIterator[Hall]:
    """A second tenant on the same server."""
    async with Hall(served).open() as made:
        yield made
