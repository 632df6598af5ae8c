"""A town of this directory's own: its clock goes as a test says, and its mails go to a real mail server."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pytest
import pytest_asyncio
from starlette.types import ASGIApp

from tests.contracts.household.home import Home, move_in, opened
from tests.contracts.household.promises.reader import BERLIN
from tests.notify.mailbox import Mail, Mailbox, mail_server
from wattline.model.clock import ManualClock, from_micros, to_micros
from wattline.platform import Platform

BEGIN = datetime(2026, 3, 10, tzinfo=BERLIN)


@dataclass
class Town:
    """A platform, and the mails that it sent. Each test sets its clock, on from where the one before left it."""

    platform: Platform
    app: ASGIApp
    clock: ManualClock
    mailbox: Mailbox

    def set(self, local: str) -> int:
        """Let it be a local time, as 2026-03-25 07:00; the same in us."""
        self.clock.set(datetime.fromisoformat(local).replace(tzinfo=BERLIN))
        return self.clock.micros()

    def at(self, local: str) -> int:
        """A local time in us."""
        return to_micros(datetime.fromisoformat(local).replace(tzinfo=BERLIN))

    def wait(self, time: int) -> None:
        """Let it be a time in us."""
        self.clock.set(from_micros(time))

    async def home(self, tenant: str | None = None, **wishes: Any) -> Home:
        """A new household, with a mail address of its own."""
        made = await move_in(self.platform, self.app, tenant)
        wishes.setdefault("email", f"{made.user}@example.org")
        answer = await made.call("PATCH", f"/users/{made.user}", json=wishes)
        assert answer.status_code == 200, answer.text
        return made

    async def mails(self, home: Home) -> list[Mail]:
        """What the household was sent, all that waits included."""
        await self.platform.notify.tick()
        return self.mailbox.mails(f"{home.user}@example.org")


@pytest.fixture(scope="session")
def post_office() -> Iterator[Mailbox]:
    """A real mail server."""
    with mail_server() as mailbox:
        yield mailbox


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def town(post_office: Mailbox, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Town]:
    """The town that the tests of a module share."""
    mail = {"smtp_host": "127.0.0.1", "smtp_port": post_office.port, "smtp_security": "none"}
    clock = ManualClock(BEGIN)
    async with opened(tmp_path_factory.mktemp("town"), clock, retention_raw_days=400, **mail) as (platform, app):
        yield Town(platform, app, clock, post_office)
