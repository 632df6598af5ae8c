"""Cooldowns, the rate limit of a recipient, digests, and what is recorded where nobody can be told."""

from __future__ import annotations

import pytest

from wattline.model.clock import SECOND, ManualClock
from wattline.model.errors import Invalid
from wattline.notify.ledger import AlertQuery
from wattline.notify.model import Kind, State
from wattline.notify.policy import AlertSettings
from wattline.notify.service import Notify
from wattline.state.database import Database

from .conftest import OPERATOR, Build
from .mailbox import Mailbox
from .timelines import STILL_OPEN, TRIPPED, Player, Step, Timeline, restore, restored, trip


def spread(count: int, every: float = 10) -> list[Step]:
    """Feeders that trip one after the other, too slowly for a storm."""
    return [trip(index * every, feeder=f"FDR{index:03}") for index in range(count)]


async def play(player: Player, *steps: Step, until: float = 3000) -> None:
    await player.play(Timeline(tuple(sorted(steps, key=lambda step: step.at)), (), until=until))


@pytest.mark.parametrize(("again", "second"), [(299.999, STILL_OPEN), (300, TRIPPED)])
async def test_a_cooldown_is_free_at_its_end(player: Player, mailbox: Mailbox, again: float, second: str) -> None:
    await play(player, trip(0), restore(10), trip(again))
    assert mailbox.titles() == [TRIPPED, restored("10 s"), second]


async def test_the_mail_after_a_cooldown_says_since_when(player: Player, mailbox: Mailbox, clock: ManualClock) -> None:
    await play(player, trip(0), restore(10), trip(20))
    last = mailbox.mails()[-1]
    assert "is still open, since 2026-06-11 14:35:20 UTC" in last.text
    assert last.message["Date"] == "Thu, 11 Jun 2026 14:40:00 +0000"


async def test_a_held_mail_begins_a_cooldown_of_its_own(player: Player, mailbox: Mailbox) -> None:
    await play(player, trip(0), restore(10), trip(20), restore(310), trip(400), until=700)
    assert mailbox.titles() == [TRIPPED, restored("10 s"), STILL_OPEN, restored("4 min 50 s"), STILL_OPEN]


async def test_a_mail_that_was_never_accepted_begins_no_cooldown(build: Build, mailbox: Mailbox) -> None:
    player = build(away=(0, 15))
    await player.notify.add_recipient("utility", OPERATOR)
    await play(player, trip(0), restore(5), trip(20), until=21)
    assert mailbox.titles() == [TRIPPED]


async def test_cooldowns_are_per_feeder(player: Player, mailbox: Mailbox) -> None:
    await play(player, trip(0), trip(1, feeder="FDR003"), trip(2, site="SUB002"))
    assert len(mailbox.mails()) == 3


async def test_the_mail_over_the_limit_is_a_digest(player: Player, mailbox: Mailbox) -> None:
    await play(player, *spread(23))
    assert [mail.kind for mail in mailbox.mails()] == ["trip"] * 20 + ["digest"]
    digest = mailbox.mails()[-1]
    assert digest.title == "Digest: 3 alerts"
    for feeder in ("FDR020", "FDR021", "FDR022"):
        assert f"{feeder} at SUB001 tripped" in digest.text
    assert digest.message["Date"] == "Thu, 11 Jun 2026 14:39:20 +0000", "a minute after the first of them"


async def test_there_is_one_digest_in_ten_minutes(player: Player, mailbox: Mailbox) -> None:
    await play(player, *spread(40))
    digests = [mail for mail in mailbox.mails() if mail.kind == "digest"]
    assert [mail.message["Date"][17:25] for mail in digests] == ["14:39:20", "14:49:20"]
    assert [mail.title for mail in digests] == ["Digest: 6 alerts", "Digest: 14 alerts"]


async def test_the_limit_ends_with_its_window(player: Player, mailbox: Mailbox) -> None:
    await play(player, *spread(20), trip(3600, feeder="LATE"), until=4000)
    assert mailbox.mails()[-1].kind == "trip"
    assert len(mailbox.mails()) == 21


async def test_the_limit_is_per_recipient(player: Player, mailbox: Mailbox) -> None:
    await play(player, *spread(20), until=195)
    await player.notify.add_recipient("utility", "fresh@utility.example")
    await play(player, trip(200, feeder="FDR999"))
    assert [mail.kind for mail in mailbox.mails("fresh@utility.example")] == ["trip"]
    assert mailbox.mails(OPERATOR)[-1].kind == "digest"


async def test_a_restore_is_exempt_from_the_limit(player: Player, mailbox: Mailbox) -> None:
    await play(player, *spread(20), restore(400, feeder="FDR000"), until=401)
    assert mailbox.titles()[-1] == "Feeder FDR000 at SUB001 restored after 6 min 40 s"


async def test_what_is_restored_before_its_digest_is_not_told(player: Player, mailbox: Mailbox) -> None:
    await play(player, *spread(21), restore(210, feeder="FDR020"))
    assert len(mailbox.mails()) == 20
    rows = (await player.notify.alerts(AlertQuery("utility", subject="FDR020"))).alerts
    assert [(row.kind, row.state, row.reason) for row in rows] == [(Kind.TRIP, State.CANCELLED, "restored")]


async def test_what_a_digest_told_is_restored_by_a_digest(player: Player, mailbox: Mailbox) -> None:
    await play(player, *spread(21), restore(1000, feeder="FDR020"))
    assert [mail.title for mail in mailbox.mails()[-2:]] == ["Digest: 1 alert", "Digest: 1 alert"]
    assert "FDR020 at SUB001 restored after 13 min 20 s" in mailbox.mails()[-1].text


async def test_a_digest_that_is_refused_for_good_restores_nothing(player: Player, mailbox: Mailbox) -> None:
    await play(player, *spread(21), until=205)
    mailbox.refuse_text = lambda recipient: "554 no digests here"
    await player.run_until(300)
    mailbox.refuse_text = lambda recipient: None
    await player.feeders.grid_event("utility", restore(300, feeder="FDR020").event())
    await player.run_until(3000)
    assert len(mailbox.mails()) == 20
    rows = (await player.notify.alerts(AlertQuery("utility", subject="FDR020"))).alerts
    assert [(row.kind, row.state) for row in rows] == [(Kind.TRIP, State.FAILED)]


async def test_a_storm_is_told_again_after_the_digest_interval_and_not_before(player: Player, mailbox: Mailbox) -> None:
    def wave(at: float, name: str) -> list[Step]:
        return [trip(at + index * 0.1, feeder=f"{name}{index:02}") for index in range(12)]

    await play(player, *wave(0, "A"), *wave(300, "B"), *wave(1300, "C"))
    assert [mail.kind for mail in mailbox.mails()].count("storm") == 2
    rows = (await player.notify.alerts(AlertQuery("utility", limit=500))).alerts
    assert {row.state for row in rows} == {State.SENT}
    assert sum(row.kind == Kind.TRIP for row in rows) == 36


@pytest.mark.parametrize(("count", "storms"), [(10, 0), (11, 1)])
async def test_more_than_ten_trips_in_a_minute_are_a_storm(player: Player, mailbox: Mailbox, count: int, storms: int) -> None:
    await play(player, *(trip(index * 5.9, feeder=f"F{index}") for index in range(count)))
    assert [mail.kind for mail in mailbox.mails()].count("storm") == storms


async def test_a_flapping_feeder_is_no_storm(player: Player, mailbox: Mailbox) -> None:
    await play(player, *(step for index in range(12) for step in (trip(index * 4), restore(index * 4 + 2))))
    assert [mail.kind for mail in mailbox.mails()] == ["trip", "restore"]


async def test_without_a_mail_server_the_ledger_says_so(database: Database, clock: ManualClock) -> None:
    player = Player(database, clock, Notify(database, clock))
    await player.notify.add_recipient("utility", OPERATOR)
    for step in (trip(0), restore(60)):
        await player.feeders.grid_event("utility", step.event())
    assert await player.notify.tick() == 0
    (row,) = (await player.notify.alerts(AlertQuery("utility"))).alerts
    assert (row.kind, row.recipient, row.state, row.reason) == (Kind.TRIP, OPERATOR, State.SUPPRESSED, "no_transport")


async def test_without_a_recipient_the_ledger_says_so(build: Build, mailbox: Mailbox) -> None:
    player = build()
    await play(player, trip(0), restore(60))
    (row,) = (await player.notify.alerts(AlertQuery("utility"))).alerts
    assert (row.recipient, row.state, row.reason) == ("", State.SUPPRESSED, "no_recipients")
    assert mailbox.mails() == []


async def test_nothing_due_is_one_look_and_no_connection(player: Player, mailbox: Mailbox) -> None:
    await play(player, trip(0))
    sessions = mailbox.sessions
    assert await player.notify.tick() == 0
    assert mailbox.sessions == sessions


@pytest.mark.parametrize(
    "words",
    [{"trip_cooldown": -1}, {"rate_limit": 0}, {"storm_window": 0}, {"sending_lease": 59}, {"retry_first": 0}],
)
def test_settings_out_of_range_are_refused(words: dict[str, int]) -> None:
    with pytest.raises(Invalid):
        AlertSettings(**words)


def test_backoff_doubles_up_to_its_longest() -> None:
    waits = [AlertSettings().backoff(attempts) // SECOND for attempts in (1, 2, 3, 7, 8, 1000)]
    assert waits == [10, 20, 40, 640, 900, 900]
