"""Whoever listens hears of every ledger row and of every change of one, once and in order."""

from __future__ import annotations

from wattline.events.service import EventLog
from wattline.feeders.model import GridEvent, Severity
from wattline.feeders.service import Feeders
from wattline.model.clock import ManualClock
from wattline.notify.changes import Changes
from wattline.notify.model import Alert, State
from wattline.notify.service import Notify
from wattline.state.database import Database

from .conftest import OPERATOR, SENDER, smtp
from .mailbox import Mailbox


async def test_each_change_is_told_once(database: Database, clock: ManualClock, mailbox: Mailbox) -> None:
    told: list[Alert] = []
    changes = Changes(database, clock, told.append)
    notify = Notify(database, clock, None, smtp(mailbox.port), SENDER)
    feeders = Feeders(database, EventLog(database), notify, clock)
    await notify.add_recipient("utility", OPERATOR)
    for feeder in ("F1", "F2"):
        now = clock.micros()
        await feeders.grid_event(
            "utility", GridEvent(feeder, Severity.ALARM, "FEEDER_TRIP", received=now, time=now, feeder_id=feeder)
        )
    await changes.announce()
    await changes.announce()
    assert [(alert.subject, alert.state) for alert in told] == [("F1", State.QUEUED), ("F2", State.QUEUED)]
    clock.advance(1)
    await notify.tick()
    await changes.announce()
    clock.advance(3600)
    await changes.announce()
    await changes.announce()
    assert [(alert.subject, alert.state) for alert in told[2:]] == [("F1", State.SENT), ("F2", State.SENT)]


async def test_what_was_there_before_is_not_news(database: Database, clock: ManualClock) -> None:
    notify = Notify(database, clock, None, None, SENDER)
    feeders = Feeders(database, EventLog(database), notify, clock)
    await notify.add_recipient("utility", OPERATOR)
    now = clock.micros()
    await feeders.grid_event("utility", GridEvent("F1", Severity.ALARM, "FEEDER_TRIP", received=now, time=now, feeder_id="F1"))
    clock.advance(1)
    told: list[Alert] = []
    await Changes(database, clock, told.append).announce()
    assert told == []
