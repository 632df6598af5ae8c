"""What a mail server can do to a mail, and what becomes of the row."""

from __future__ import annotations

import asyncio
import threading
from email.message import EmailMessage

import pytest
import sqlalchemy as sa

from wattline.model.clock import SECOND, ManualClock
from wattline.notify.ledger import AlertQuery
from wattline.notify.letters import Letters
from wattline.notify.model import Alert, State
from wattline.notify.policy import AlertSettings
from wattline.notify.smtp import Handing, Transport, Unreachable
from wattline.notify.tables import ledger
from wattline.state.database import Database

from .conftest import OPERATOR, Build, smtp
from .mailbox import Mailbox
from .timelines import BEGIN, TRIPPED, Player, Step, restore, restored, trip


async def only_row(player: Player) -> Alert:
    (row,) = (await player.notify.alerts(AlertQuery(player.tenant))).alerts
    return row


async def send(player: Player, *steps: Step) -> None:
    for step in steps:
        await player.run_until(step.at)
        await player.feeders.grid_event(player.tenant, step.event())
        await player.notify.tick()


async def test_a_refused_connection_is_tried_again_ever_more_slowly(build: Build, mailbox: Mailbox) -> None:
    player = build(away=(0, 100))
    await player.notify.add_recipient("utility", OPERATOR)
    await send(player, trip(0))
    waits = []
    while (row := await only_row(player)).state == State.QUEUED:
        assert row.next_attempt is not None
        waits.append((row.next_attempt - BEGIN) // SECOND)
        await player.run_until(waits[-1])
    assert waits == [10, 30, 70, 150]
    assert (row.state, row.attempts, row.error) == (State.SENT, 5, None)
    assert mailbox.titles() == [TRIPPED]


@pytest.mark.parametrize("place", ["refuse_recipient", "refuse_text"])
async def test_a_temporary_refusal_is_tried_again(player: Player, mailbox: Mailbox, place: str) -> None:
    setattr(mailbox, place, lambda recipient: "451 try again later")
    await send(player, trip(0))
    row = await only_row(player)
    assert (row.state, row.attempts) == (State.QUEUED, 1)
    assert row.error is not None
    assert "451" in row.error
    assert row.handed is None, "a refusal is certain: the mail can still be called off"
    setattr(mailbox, place, lambda recipient: None)
    await player.run_until(10)
    assert (await only_row(player)).state == State.SENT
    assert mailbox.titles() == [TRIPPED]


@pytest.mark.parametrize("place", ["refuse_recipient", "refuse_text"])
async def test_a_permanent_refusal_fails_at_once(player: Player, mailbox: Mailbox, place: str) -> None:
    setattr(mailbox, place, lambda recipient: "550 no such person")
    await send(player, trip(0), restore(30))
    row = await only_row(player)
    assert (row.state, row.reason, row.attempts) == (State.FAILED, "refused", 1)
    assert await player.notify.next_due() is None
    assert mailbox.titles() == []


async def test_one_bad_address_holds_up_nobody_else(player: Player, mailbox: Mailbox) -> None:
    await player.notify.add_recipient("utility", "a@gone.example")
    mailbox.refuse_recipient = lambda recipient: "550 no" if recipient == "a@gone.example" else None
    await send(player, trip(0), restore(30))
    assert mailbox.titles(OPERATOR) == [TRIPPED, restored("30 s")]


async def test_given_up_after_the_time_for_retries(build: Build) -> None:
    player = build(away=(0, 10_000), settings=AlertSettings(retry_for=100))
    await player.notify.add_recipient("utility", OPERATOR)
    await send(player, trip(0))
    await player.run_until(200)
    row = await only_row(player)
    assert (row.state, row.reason) == (State.FAILED, "gave_up")
    await send(player, restore(300))
    assert (await only_row(player)).state == State.FAILED


async def test_a_reply_that_never_comes_leaves_the_mail_in_doubt(build: Build, mailbox: Mailbox) -> None:
    player = build(timeout=0.3)
    await player.notify.add_recipient("utility", OPERATOR)
    mailbox.hold_text = threading.Event()
    await send(player, trip(0))
    row = await only_row(player)
    assert row.state == State.SENDING
    assert row.handed is not None
    # It did arrive, so a restore must be told; but only once the trip is known to be.
    await send(player, restore(20))
    assert mailbox.titles() == [TRIPPED]
    mailbox.hold_text.set()
    await player.run_until(60)
    assert mailbox.titles() == [TRIPPED, restored("20 s")]
    assert [mail.title for mail in mailbox.arrived] == [TRIPPED, TRIPPED, restored("20 s")], "sent again, as the same message"
    first, second, _ = mailbox.arrived
    assert first.message.as_bytes() == second.message.as_bytes()


async def test_a_mail_in_doubt_is_sent_until_it_arrives_whatever_happens_to_the_feeder(
    build: Build, mailbox: Mailbox, clock: ManualClock
) -> None:
    player = build(timeout=0.3)
    await player.notify.add_recipient("utility", OPERATOR)
    mailbox.hold_text = threading.Event()
    await send(player, trip(0))
    mailbox.hold_text.set()
    away = build(away=(0, 500))
    await send(away, restore(20))
    await away.run_until(500)
    assert mailbox.titles() == [TRIPPED]
    await away.run_until(2000)
    assert mailbox.titles() == [TRIPPED, restored("20 s")]


async def test_a_server_that_says_nothing_is_unreachable(build: Build, clock: ManualClock) -> None:
    async def mute(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(mute, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    player = build(away=(0, 1))
    await player.notify.add_recipient("utility", OPERATOR)
    await send(player, trip(0))
    message = Letters("alerts@wattline.example").compose(await only_row(player))

    async def handing() -> None:
        raise AssertionError("there is no dialogue to hand anything to")

    transport = smtp(port, timeout=0.2)
    with pytest.raises(Unreachable, match=r"no answer in time|no connection"):
        await transport.send(message, OPERATOR, handing)
    await transport.close()
    server.close()
    await server.wait_closed()


async def test_trouble_with_the_server_is_found_out_once_and_not_by_every_mail(build: Build) -> None:
    player = build(away=(0, 5))
    for number in range(5):
        await player.notify.add_recipient("utility", f"operator{number}@utility.example")
    await send(player, trip(0))
    rows = (await player.notify.alerts(AlertQuery("utility"))).alerts
    assert sorted(row.attempts for row in rows) == [0, 0, 0, 0, 1]
    assert {row.next_attempt for row in rows} == {BEGIN + 10 * SECOND}
    await player.run_until(10)
    assert {row.state for row in (await player.notify.alerts(AlertQuery("utility"))).alerts} == {State.SENT}


async def test_mails_that_are_due_together_share_a_connection(player: Player, mailbox: Mailbox) -> None:
    for number in range(5):
        await player.notify.add_recipient("utility", f"operator{number}@utility.example")
    await send(player, trip(0))
    assert len(mailbox.mails()) == 6
    assert mailbox.sessions == 1


async def test_many_workers_send_every_mail_once(build: Build, mailbox: Mailbox) -> None:
    workers = [build() for _ in range(4)]
    for number in range(10):
        await workers[0].notify.add_recipient("utility", f"operator{number}@utility.example")
    await workers[0].feeders.grid_event("utility", trip(0).event())
    await asyncio.gather(*(worker.notify.tick() for worker in workers))
    assert len(mailbox.arrived) == 10
    assert len({mail.recipient for mail in mailbox.arrived}) == 10


class Paused:
    """Stops, until released, after the server agreed to the envelope."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self.reached, self.release = asyncio.Event(), asyncio.Event()

    async def send(self, message: EmailMessage, recipient: str, handing: Handing) -> None:
        async def wait_and_hand() -> None:
            self.reached.set()
            await self.release.wait()
            await handing()

        await self._transport.send(message, recipient, wait_and_hand)

    async def close(self) -> None:
        await self._transport.close()


async def test_a_worker_that_was_overtaken_does_not_send(build: Build, mailbox: Mailbox, clock: ManualClock) -> None:
    paused: list[Paused] = []

    def pause(transport: Transport) -> Transport:
        paused.append(Paused(transport))
        return paused[0]

    slow, quick = build(wrap=pause), build()
    await slow.notify.add_recipient("utility", OPERATOR)
    await slow.feeders.grid_event("utility", trip(0).event())
    working = asyncio.create_task(slow.notify.tick())
    await asyncio.wait_for(paused[0].reached.wait(), 10)
    clock.advance(61)
    await quick.notify.tick()
    paused[0].release.set()
    await working
    assert len(mailbox.arrived) == 1
    assert (await only_row(quick)).attempts == 2


async def test_a_row_that_cannot_be_put_into_words_fails_alone(player: Player, mailbox: Mailbox, database: Database) -> None:
    await player.feeders.grid_event("utility", trip(0, feeder="FDR001").event())
    async with database.transaction() as connection:
        await connection.execute(sa.update(ledger).values(body={}))
    await send(player, trip(0))
    assert mailbox.titles() == [TRIPPED]
    rows = (await player.notify.alerts(AlertQuery("utility"))).alerts
    assert [(row.subject, row.state) for row in rows] == [("FDR002", State.SENT), ("FDR001", State.FAILED)]
