"""A mail server, and alerting that speaks to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from wattline.model.clock import ManualClock
from wattline.notify.policy import AlertSettings
from wattline.notify.service import Notify
from wattline.notify.smtp import SmtpSettings, SmtpTransport, Transport
from wattline.state.database import Database

from .mailbox import Mailbox, closed_port, mail_server
from .timelines import START, Player, SwitchedTransport

SENDER = "alerts@wattline.example"
OPERATOR = "operator@utility.example"


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(START)


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    with mail_server() as mailbox:
        yield mailbox


@pytest.fixture
def refusing() -> Iterator[int]:
    with closed_port() as port:
        yield port


def smtp(port: int, timeout: float = 10, **settings: object) -> SmtpTransport:
    return SmtpTransport(
        SmtpSettings(host="127.0.0.1", port=port, sender=SENDER, security="none", timeout=timeout, **settings)  # type: ignore[arg-type]
    )


Build = Callable[..., Player]


@pytest.fixture
def build(database: Database, clock: ManualClock, mailbox: Mailbox, refusing: int) -> Build:
    """Alerting on the test's database; to be called again for what a second process, or a restart, would build."""

    def build(
        away: tuple[float, float] = (0, 0),
        settings: AlertSettings | None = None,
        timeout: float = 10,
        tenant: str = "utility",
        wrap: Callable[[Transport], Transport] = lambda transport: transport,
    ) -> Player:
        transport = SwitchedTransport(clock, away, smtp(mailbox.port, timeout), smtp(refusing))
        return Player(database, clock, Notify(database, clock, settings, wrap(transport), SENDER), tenant)

    return build


@pytest.fixture
async def player(build: Build) -> Player:
    """Alerting with one operator to tell."""
    player = build()
    await player.notify.add_recipient("utility", OPERATOR)
    return player
