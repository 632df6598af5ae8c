"""Recipients, the ledger as it is read, and the loop that delivers."""

from __future__ import annotations

import asyncio
from contextlib import AbstractAsyncContextManager, suppress
from email.message import EmailMessage

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from wattline.model.errors import Invalid, Unavailable
from wattline.notify.ledger import AlertQuery
from wattline.notify.model import Kind, Recipient, State
from wattline.notify.smtp import Handing
from wattline.state.database import Database

from .conftest import OPERATOR, Build
from .mailbox import Mailbox
from .timelines import BEGIN, TRIPPED, Player, restore, trip


async def test_recipients_are_added_listed_and_removed(player: Player) -> None:
    await player.notify.add_recipient("utility", "Desk@Utility.Example", "Control room")
    await player.notify.add_recipient("utility", "Desk@utility.example", "Control room 2")
    await player.notify.add_recipient("another", "x@y.example")
    assert await player.notify.recipients("utility") == [
        Recipient("Desk@utility.example", "Control room 2"),
        Recipient(OPERATOR),
    ]
    assert await player.notify.remove_recipient("utility", "Desk@UTILITY.example")
    assert not await player.notify.remove_recipient("utility", "Desk@utility.example")
    assert [recipient.address for recipient in await player.notify.recipients("utility")] == [OPERATOR]


@pytest.mark.parametrize(
    "address",
    [
        "",
        "nobody",
        "a@b@c",
        "a b@c.example",
        "a@b.example\r\nBcc: c@d.example",
        "a@b.example\n",
        "<a@b.example>",
        "a@-b.example",
        "ä@b.example",
        "a..b@c.example",
        "a@b..example",
        '"a"@b.example',
        f"{'a' * 65}@b.example",
        f"a@{'b' * 190}.example",
    ],
)
async def test_only_plain_mailboxes_are_recipients(player: Player, address: str) -> None:
    with pytest.raises(Invalid):
        await player.notify.add_recipient("utility", address)


async def test_a_removed_recipient_gets_nothing_more(player: Player, mailbox: Mailbox) -> None:
    await player.notify.add_recipient("utility", "leaver@utility.example")
    await player.feeders.grid_event("utility", trip(0).event())
    await player.notify.remove_recipient("utility", "leaver@utility.example")
    await player.notify.tick()
    await player.feeders.grid_event("utility", trip(1, feeder="FDR003").event())
    await player.feeders.grid_event("utility", restore(2).event())
    await player.run_until(1000)
    assert mailbox.titles("leaver@utility.example") == []
    assert len(mailbox.titles(OPERATOR)) == 3
    rows = (await player.notify.alerts(AlertQuery("utility", recipient="leaver@utility.example"))).alerts
    assert [(row.state, row.reason) for row in rows] == [(State.CANCELLED, "recipient_removed")]


async def test_who_was_told_of_the_trip_and_left_is_not_told_of_the_restore(player: Player, mailbox: Mailbox) -> None:
    await player.notify.add_recipient("utility", "leaver@utility.example")
    await player.feeders.grid_event("utility", trip(0).event())
    await player.notify.tick()
    await player.notify.remove_recipient("utility", "leaver@utility.example")
    await player.feeders.grid_event("utility", restore(2).event())
    await player.notify.tick()
    assert mailbox.titles("leaver@utility.example") == [TRIPPED]


async def test_the_ledger_is_read_newest_first_in_pages(player: Player) -> None:
    for number in range(7):
        await player.feeders.grid_event("utility", trip(number, feeder=f"F{number}").event())
    seen, before = [], None
    for expected in (3, 3, 1):
        page = await player.notify.alerts(AlertQuery("utility", limit=3, before=before))
        assert len(page.alerts) == expected
        seen += [row.subject for row in page.alerts]
        before = page.next
    assert before is None
    assert seen == [f"F{number}" for number in reversed(range(7))]


async def test_the_ledger_is_filtered(player: Player) -> None:
    for at, step in ((0, trip(0)), (10, restore(10)), (20, trip(20, site="SUB002", feeder="FDR009"))):
        await player.run_until(at)
        await player.feeders.grid_event("utility", step.event())
        await player.notify.tick()

    async def found(**words: object) -> list[tuple[Kind, str]]:
        page = await player.notify.alerts(AlertQuery("utility", **words))  # type: ignore[arg-type]
        return [(row.kind, row.subject) for row in page.alerts]

    everything = [(Kind.TRIP, "FDR009"), (Kind.RESTORE, "FDR002"), (Kind.TRIP, "FDR002")]
    assert await found() == everything
    assert await found(kinds=[Kind.RESTORE]) == everything[1:2]
    assert await found(states=[State.SENT]) == everything
    assert await found(states=[State.FAILED]) == []
    assert await found(subject="FDR002") == everything[1:]
    assert await found(sites=["SUB002"]) == everything[:1]
    assert await found(sites=[]) == []
    assert await found(start=BEGIN + 10_000_000, end=BEGIN + 20_000_000) == everything[1:2]
    assert await found(recipient="x@y.example") == []


@pytest.mark.parametrize("limit", [0, 501])
def test_a_page_has_a_size(limit: int) -> None:
    with pytest.raises(Invalid):
        AlertQuery("utility", limit=limit)


async def test_an_event_type_with_spaces_is_refused(player: Player) -> None:
    with pytest.raises(Invalid):
        await player.notify.set_mailed_event_types("utility", {"LOW VOLTAGE"})
    await player.notify.set_mailed_event_types("utility", {"A", "B"})
    await player.notify.set_mailed_event_types("utility", {"B", "C"})
    assert await player.notify.mailed_event_types("utility") == {"B", "C"}


async def test_the_loop_delivers_as_soon_as_an_event_is_committed(build: Build, mailbox: Mailbox) -> None:
    delivered = asyncio.Event()
    player = build()
    await player.notify.add_recipient("utility", OPERATOR)
    loop = asyncio.get_running_loop()
    mailbox.refuse_text = lambda recipient: loop.call_soon_threadsafe(delivered.set) and None
    running = asyncio.create_task(player.notify.run(longest_wait=3600))
    await player.feeders.grid_event("utility", trip(0).event())
    await asyncio.wait_for(delivered.wait(), 10)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


async def test_the_loop_outlives_a_store_that_is_away(
    build: Build, mailbox: Mailbox, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    player = build()
    await player.notify.add_recipient("utility", OPERATOR)
    await player.feeders.grid_event("utility", trip(0).event())
    away, back = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()
    read = database.read

    def failing() -> AbstractAsyncContextManager[AsyncConnection]:
        away.set()
        raise Unavailable("no state store")

    monkeypatch.setattr(database, "read", failing)
    running = asyncio.create_task(player.notify.run(longest_wait=3600))
    await asyncio.wait_for(away.wait(), 10)
    monkeypatch.setattr(database, "read", read)
    mailbox.refuse_text = lambda recipient: loop.call_soon_threadsafe(back.set) and None
    player.notify.nudge()
    await asyncio.wait_for(back.wait(), 10)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


class Deaf:
    """Loses the first cancellation, as an SMTP dialogue may when the server's reply comes at the same time."""

    def __init__(self) -> None:
        self.reached = asyncio.Event()
        self.mails = 0

    async def send(self, message: EmailMessage, recipient: str, handing: Handing) -> None:
        await handing()
        self.mails += 1
        self.reached.set()
        with suppress(asyncio.CancelledError):
            await asyncio.Event().wait()

    async def close(self) -> None: ...


async def test_the_loop_stops_even_if_its_cancellation_got_lost(build: Build) -> None:
    deaf = Deaf()
    player = build(wrap=lambda _: deaf)
    await player.notify.add_recipient("utility", OPERATOR)
    await player.notify.add_recipient("utility", "second@utility.example")
    await player.feeders.grid_event("utility", trip(0).event())
    running = asyncio.create_task(player.notify.run(longest_wait=3600))
    await asyncio.wait_for(deaf.reached.wait(), 10)
    running.cancel()
    done, _ = await asyncio.wait([running], timeout=10)
    assert done
    assert running.cancelled()
    assert deaf.mails == 1
