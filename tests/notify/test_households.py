"""Letters to one household: once, when they may come, and nobody else's business."""

from __future__ import annotations

import pytest

from wattline.model.clock import HOUR, ManualClock
from wattline.model.errors import Invalid
from wattline.notify import store
from wattline.notify.ledger import AlertQuery
from wattline.notify.model import Alert, Kind, Letter, Reason, State
from wattline.notify.service import Notify
from wattline.state.database import Database

from .conftest import smtp

HOME = "h9kPq2"


def letter(clock: ManualClock, *, kind: Kind = Kind.USAGE, event: str = "e1", hours: float | None = None) -> Letter:
    held = None if hours is None else clock.micros() + round(hours * HOUR)
    return Letter("utility", kind, HOME, "home@example.org", event, "de", "Ungewöhnlicher Verbrauch", {"kwh": 3.5}, held)


async def put(notify: Notify, database: Database, *letters: Letter) -> list[Alert]:
    async with database.transaction() as connection:
        for each in letters:
            await notify.letter(connection, each)
    async with database.read() as connection:
        return await store.select(connection)


@pytest.fixture
def notify(database: Database, clock: ManualClock) -> Notify:
    return Notify(database, clock, transport=smtp(1))


async def test_a_letter_is_queued_once(notify: Notify, database: Database, clock: ManualClock) -> None:
    await put(notify, database, letter(clock))
    (row,) = await put(notify, database, letter(clock), letter(clock))
    assert (row.state, row.recipient, row.site, row.next_attempt) == (State.QUEUED, "home@example.org", HOME, clock.micros())
    assert dict(row.body) == {"title": "Ungewöhnlicher Verbrauch", "language": "de", "kwh": 3.5}


async def test_a_letter_waits_until_it_may_come(notify: Notify, database: Database, clock: ManualClock) -> None:
    (row,) = await put(notify, database, letter(clock, hours=5))
    assert row.next_attempt == row.queued == clock.micros() + 5 * HOUR
    assert await notify.next_due() == row.next_attempt


async def test_what_should_have_come_before_goes_now(notify: Notify, database: Database, clock: ManualClock) -> None:
    (row,) = await put(notify, database, letter(clock, hours=-5))
    assert row.next_attempt == clock.micros()


async def test_without_a_mail_server_the_row_says_so(database: Database, clock: ManualClock) -> None:
    (row,) = await put(Notify(database, clock), database, letter(clock))
    assert (row.state, row.reason, row.next_attempt) == (State.SUPPRESSED, Reason.NO_TRANSPORT, None)


async def test_a_utility_never_sees_letters_to_households(notify: Notify, database: Database, clock: ManualClock) -> None:
    await put(notify, database, *(letter(clock, kind=kind) for kind in (Kind.USAGE, Kind.SILENT, Kind.REPORT)))
    for kinds in (None, [Kind.REPORT]):
        page = await notify.alerts(AlertQuery("utility", kinds=kinds))
        assert page.alerts == ()


@pytest.mark.parametrize("address", ["", "no mailbox", "a@b.example, c@d.example", "a@b.example\r\nBcc: c@d.example"])
async def test_only_a_plain_mailbox_gets_letters(notify: Notify, database: Database, clock: ManualClock, address: str) -> None:
    plain = letter(clock)
    with pytest.raises(Invalid):
        await put(notify, database, Letter(plain.tenant, plain.kind, HOME, address, "e", "de", "t", {}))


async def test_a_kind_of_the_utility_is_no_letter(notify: Notify, database: Database, clock: ManualClock) -> None:
    with pytest.raises(Invalid):
        await put(notify, database, letter(clock, kind=Kind.TRIP))
