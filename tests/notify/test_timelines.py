"""The twelve acceptance timelines, with the mails that a real server received."""

from __future__ import annotations

import pytest

from wattline.model.clock import ManualClock
from wattline.notify.ledger import AlertQuery
from wattline.notify.model import Kind, State
from wattline.state.database import Database

from .conftest import OPERATOR, Build
from .mailbox import Mailbox
from .timelines import STORM, TIMELINES, Player, restore, trip


@pytest.mark.parametrize("name", TIMELINES)
async def test_timeline(name: str, build: Build, mailbox: Mailbox) -> None:
    timeline = TIMELINES[name]
    player = build(timeline.away)
    await player.notify.add_recipient("utility", OPERATOR)
    await player.play(timeline)
    assert mailbox.titles() == list(timeline.mails)
    assert len(mailbox.arrived) == len(timeline.mails), "nothing was sent twice"
    assert await player.notify.next_due() is None, "nothing is left to do"


async def test_restart_between_trip_and_restore(build: Build, mailbox: Mailbox, clock: ManualClock) -> None:
    timeline = TIMELINES["9 restart in between"]
    first = build()
    await first.notify.add_recipient("utility", OPERATOR)
    await first.feeders.grid_event("utility", timeline.steps[0].event())
    await first.notify.tick()
    await build().play(timeline, played=1)
    assert mailbox.titles() == list(timeline.mails)


async def test_the_mail_of_a_trip_that_was_never_accepted_is_cancelled(build: Build) -> None:
    timeline = TIMELINES["7 mail server away"]
    player = build(timeline.away)
    await player.notify.add_recipient("utility", OPERATOR)
    await player.play(timeline)
    (row,) = (await player.notify.alerts(AlertQuery("utility"))).alerts
    assert (row.kind, row.state, row.reason) == (Kind.TRIP, State.CANCELLED, "restored")
    assert row.attempts == 3
    assert row.error is not None
    assert "no connection" in row.error


async def test_replayed_trip_is_one_row(player: Player) -> None:
    await player.play(TIMELINES["10 sent three times"])
    assert len((await player.notify.alerts(AlertQuery("utility"))).alerts) == 1


async def test_restore_that_overtakes_its_trip_leaves_the_feeder_closed(player: Player) -> None:
    await player.play(TIMELINES["11 restore overtakes trip"])
    assert await player.feeders.tripped("utility") == []


async def test_every_trip_of_a_storm_is_in_the_ledger_and_told_once(player: Player, mailbox: Mailbox) -> None:
    await player.play(TIMELINES["12 storm"])
    rows = (await player.notify.alerts(AlertQuery("utility", limit=500))).alerts
    assert sum(row.kind == Kind.STORM for row in rows) == 1
    for kind in (Kind.TRIP, Kind.RESTORE):
        of_kind = [row for row in rows if row.kind == kind]
        assert sorted(row.subject for row in of_kind) == [f"FDR{number:03}" for number in range(1, 26)]
        assert {row.state for row in of_kind} == {State.SENT}
    carriers = {mail.id: mail for mail in mailbox.mails()}
    for row in rows:
        assert row.message_id in carriers, "every row names the mail that told it"
        if row.kind in (Kind.TRIP, Kind.RESTORE):
            assert f"{row.subject} at SUB001" in carriers[row.message_id].text


async def test_restores_of_a_storm_are_only_told_for_feeders_that_were_named(player: Player, mailbox: Mailbox) -> None:
    # The last three trip after the storm mail, and close before the digest that would have named them.
    unnamed = {step.feeder for step in STORM[-3:]}
    steps = [*STORM, *(restore(15, feeder=feeder) for feeder in sorted(unnamed)), *(restore(400, feeder="FDR001"),)]
    await player.play(TIMELINES["12 storm"].__class__(tuple(steps), (), until=3000))
    texts = "\n".join(mail.text for mail in mailbox.mails())
    for feeder in unnamed:
        assert feeder not in texts
    assert mailbox.titles()[-2:] == ["Digest: 11 alerts", "Digest: 1 alert"]
    assert "FDR001 at SUB001 restored after 6 min 40 s" in mailbox.mails()[-1].text


async def test_a_burst_that_nobody_was_told_of_yet_is_told_by_the_storm_mail_alone(player: Player, mailbox: Mailbox) -> None:
    for step in STORM[:11]:
        await player.feeders.grid_event("utility", step.event())
    await player.notify.tick()
    assert mailbox.titles() == ["Storm: 11 feeders tripped"]


async def test_two_utilities_with_the_same_names_never_meet(build: Build, mailbox: Mailbox, database: Database) -> None:
    one, two = build(tenant="one"), build(tenant="two")
    await one.notify.add_recipient("one", "one@utility.example")
    await two.notify.add_recipient("two", "two@utility.example")
    await one.feeders.grid_event("one", trip(0).event())
    await two.feeders.grid_event("two", restore(0).event())
    await one.notify.tick()
    assert mailbox.titles("one@utility.example") == ["Feeder FDR002 at SUB001 tripped"]
    assert mailbox.titles("two@utility.example") == []
    assert [feeder.feeder for feeder in await one.feeders.tripped("one")] == ["FDR002"]
    assert await one.feeders.tripped("two") == []
    assert (await two.notify.alerts(AlertQuery("two"))).alerts == ()
