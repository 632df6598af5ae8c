"""A server with the doors of devices, and meters for each test."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
import pytest_asyncio

from wattline.households.meters.model import Kind
from wattline.model.clock import SECOND, ManualClock

from .served import SCRIPT, Running, Served, running

HALF_HOUR = 1800
START = datetime(2024, 9, 30, 10, tzinfo=UTC)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def doors(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Running]:
    """The server that all tests share; its clock only goes forward."""
    async with running(tmp_path_factory.mktemp("doors"), ManualClock(START)) as made:
        yield made


@pytest_asyncio.fixture(loop_scope="session")
async def served(doors: Running) -> Served:
    """A digital meter with a script, an analog one with rotations, one of gas; nothing is taken yet."""
    doors.meters.taken, doors.meters.trouble = [], None
    made = Served(doors, doors.spine.clock.micros() // SECOND + HALF_HOUR)
    made.digital = await made.add(Kind.DIGITAL_ELECTRICITY, SCRIPT)
    made.analog = await made.add(Kind.ANALOG_ELECTRICITY, "75")
    made.gas = await made.add(Kind.GAS, "100")
    made.clock.advance(2 * HALF_HOUR)
    return made
