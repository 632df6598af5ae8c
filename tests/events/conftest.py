"""What the tests of the event log share."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from wattline.events.model import Event
from wattline.events.service import EventLog
from wattline.model.clock import ManualClock
from wattline.state.database import Database

Write = Callable[..., Awaitable[Event | None]]


@pytest.fixture
def log(database: Database) -> EventLog:
    """The log of the test's database."""
    return EventLog(database)


@pytest.fixture
def write(database: Database, log: EventLog, clock: ManualClock) -> Write:
    """Append one event in a transaction of its own; every part has a default."""

    async def write(**parts: object) -> Event | None:
        now = clock.micros()
        defaults = {"tenant": "acme", "kind": "hop.grid_event", "time": now, "received": now}
        async with database.transaction() as connection:
            return await log.append(connection, **{**defaults, **parts})  # type: ignore[arg-type]

    return write
