"""A street with a mail server."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.households.anomalies.street import Street, at, street
from tests.notify.mailbox import Mailbox, mail_server
from wattline.model.clock import ManualClock, from_micros

START = at("2026-09-01 00:00")


@pytest.fixture
def clock() -> ManualClock:
    """The begin of September."""
    return ManualClock(from_micros(START))


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    with mail_server() as mailbox:
        yield mailbox


@pytest.fixture
async def town(tmp_path: Path, clock: ManualClock, mailbox: Mailbox) -> AsyncIterator[Street]:
    """Nobody lives there yet."""
    async with street(tmp_path, clock, mailbox) as made:
        yield made
