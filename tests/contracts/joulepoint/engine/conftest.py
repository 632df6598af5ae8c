"""The whole application on the platform that the contract's tests share: a depot here speaks every contract."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from starlette.types import ASGIApp

from tests.contracts.joulepoint.engine.place import Place, moved_in
from wattline.app import create_app
from wattline.platform import Platform


@pytest.fixture(scope="session")
def whole(platform: Platform) -> ASGIApp:
    """Every contract."""
    return create_app(platform)


@pytest_asyncio.fixture(loop_scope="session")
async def place(platform: Platform, whole: ASGIApp) -> AsyncIterator[Place]:
    """A tenant of its own."""
    made = await moved_in(platform, whole)
    async with made.client:
        yield made


@pytest_asyncio.fixture(loop_scope="session")
async def elsewhere(platform: Platform, whole: ASGIApp) -> AsyncIterator[Place]:
    """Another tenant on the same platform."""
    made = await moved_in(platform, whole)
    async with made.client:
        yield made
