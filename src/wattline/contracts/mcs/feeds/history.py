"""What an alarm was when an event of the log tells of it."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import replace
from typing import Protocol

from wattline.alarms.model import Alarm, Change
from wattline.alarms.query import AlarmFilter, AlarmPage
from wattline.events.model import Event
from wattline.model.clock import HOUR
from wattline.model.errors import NotFound
from wattline.model.place import Block

REMEMBERED = 4096
PAGE = 1000


class AlarmStore(Protocol):
    """What the history needs of the alarm service."""

    async def query(self, tenant: str, where: AlarmFilter, offset: int = 0, limit: int = 100) -> AlarmPage:
        """One page of alarms."""
        ...

    async def alarm(self, tenant: str, alarm_id: int) -> Alarm:
        """One alarm by its id; NotFound if the tenant has none."""
        ...


class History:
    """Remembers the changes that were published, and rebuilds those that were not."""

    def __init__(self, alarms: AlarmStore) -> None:
        self._alarms = alarms
        self._changes: OrderedDict[tuple[str, int], Change] = OrderedDict()

    def remember(self, message: object) -> None:
        """Keep a change that was published."""
        if isinstance(message, Change):
            self._changes[message.alarm.tenant, message.sequence] = message
            if len(self._changes) > REMEMBERED:
                self._changes.popitem(last=False)

    async def alarm(self, event: Event) -> Alarm | None:
        """The alarm as it was after this event; None where it is in no store any more."""
        change = self._changes.get((event.tenant, event.sequence))
        if change is not None:
            return change.alarm
        try:
            return as_of(await self._alarms.alarm(event.tenant, event.body["alarm_id"]), event)
        except NotFound:
            return None

    async def present(self, tenant: str, block: Block | None, sites: frozenset[str] | None) -> list[Alarm]:
        """Every alarm that is not cleared, most severe first."""
        where = AlarmFilter(block_id=None if block is None else block.id, sites=sites)
        found: list[Alarm] = []
        while True:
            page = await self._alarms.query(tenant, where, len(found), PAGE)
            found += page.alarms
            if not page.alarms or len(found) >= page.total:
                return found


def as_of(alarm: Alarm, event: Event) -> Alarm:
    """A stored alarm as it was when the event was logged: what came later is taken off, what the event says is put on."""
    body, then = event.body, event.received

    def known(time: int | None) -> bool:
        return time is not None and time <= then

    found = replace(alarm, priority=body.get("priority", alarm.priority), limit=body.get("limit", alarm.limit))
    found = replace(
        found,
        threshold_value=body.get("threshold", alarm.threshold_value),
        threshold_direction=body.get("direction", alarm.threshold_direction),
    )
    state = body.get("state", alarm.state)
    if event.type == "alarm_raised":
        found = replace(found, raised=event.time, asked=event.time, value_at_raise=body.get("value"))
    if event.type == "alarm_acked":
        found = replace(found, acked=event.time, acked_by=body.get("operator", found.acked_by))
    elif not known(found.acked) or state in ("ACTIVE", "RTN_UNACK"):
        found = replace(found, acked=None, acked_by=None)
    if not known(found.cleared) or state in ("ACTIVE", "ACKED"):
        found = replace(found, cleared=None, value_at_clear=None)
    found = _shelf(found, event, state, known(found.shelved))
    suppressed_by = body.get("suppressed_by_alarm_id") if state == "SUPPRESSED" else None
    return replace(
        found,
        suppressed_by=suppressed_by if isinstance(suppressed_by, int) else None,
        out_of_service=state == "SUPPRESSED" and not isinstance(suppressed_by, int),
        in_force=state in ("ACTIVE", "ACKED") or (state in ("SHELVED", "SUPPRESSED") and found.cleared is None),
        acknowledged=state in ("ACKED", "CLEARED"),
        ended=state == "CLEARED",
    )


def _shelf(alarm: Alarm, event: Event, state: str, known: bool) -> Alarm:
    if state != "SHELVED":
        return replace(alarm, shelved=None, shelved_by=None, shelved_until=None, shelve_reason=None)
    if known:
        return alarm
    hours = event.body.get("duration_hours")
    until = event.time + round(hours * HOUR) if isinstance(hours, int | float) else event.time
    return replace(
        alarm,
        shelved=event.time,
        shelved_by=event.body.get("operator"),
        shelved_until=until,
        shelve_reason=event.body.get("reason"),
    )
