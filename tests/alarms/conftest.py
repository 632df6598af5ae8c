"""What the tests of alarms share."""

from __future__ import annotations

import pytest

from wattline.model.clock import ManualClock
from wattline.state.database import Database

from .plant import Plant


@pytest.fixture
async def plant(database: Database, clock: ManualClock) -> Plant:
    """An open plant without a point, on SQLite and on PostgreSQL."""
    return await Plant(database, clock).open()
