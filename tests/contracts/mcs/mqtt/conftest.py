"""What the tests of the MQTT side share."""

from __future__ import annotations

import pytest

from wattline.model.clock import ManualClock
from wattline.state.database import Database

from .block import Site


@pytest.fixture
async def site(database: Database, clock: ManualClock) -> Site:
    """A block with points, on SQLite and on PostgreSQL."""
    return await Site(database, clock).open()
