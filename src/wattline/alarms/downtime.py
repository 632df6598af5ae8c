"""When a block was down: while a P0 or P1 was in force there, told by the events of its alarms.

An alarm's row knows its newest raise and return only, its events know all of them and every change of priority. A shelf or a
suppression hides an alarm from the operator and does not make the block work: such an alarm counts on, as in force until the
last return that was noted. A sensor that is out of service is no witness: its alarms do not count meanwhile. An alarm that has
returned to normal is over, whether or not anyone has acknowledged it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from wattline.alarms.availability import Span
from wattline.alarms.commit import KIND
from wattline.alarms.tables import alarms, raises
from wattline.events.model import Event
from wattline.events.paging import LIMIT
from wattline.events.service import EventLog
from wattline.model.place import Block
from wattline.registry.service import Registry
from wattline.state.database import Database

SEVERE = frozenset({"P0", "P1"})
_IN_FORCE = frozenset({"ACTIVE", "ACKED"})
_a = alarms.c
_r = raises.c


@dataclass(frozen=True, slots=True)
class Known:
    """What the row of an alarm says: its newest raise, and its return where it is not in force; times in us."""

    id: int
    sensor: int
    priority: str
    raised: int
    cleared: int | None
    out_of_service: bool


@dataclass(slots=True)
class _Life:
    """An alarm while its events are gone through."""

    known: Known
    spans: list[Span] = field(default_factory=list)
    told: bool = False
    in_force: bool = False
    priority: str = ""
    out: bool = False
    since: int | None = None
    """From when on it counts as downtime."""
    last: int = 0
    """The time of the newest step."""

    def tell(self, event: Event) -> None:
        """Go one event further."""
        state, priority = event.body.get("state"), str(event.body.get("priority"))
        kind, time, in_force = event.event_type, event.time, self.in_force
        first, self.told = not self.told, True
        if kind in {"alarm_raised", "alarm_escalated", "alarm_deescalated"}:
            in_force = True
        elif kind == "alarm_rtn_unack":
            in_force = False
        elif kind == "alarm_cleared":
            # One that was hidden returned before it was cleared.
            in_force, time = False, time if self.known.cleared is None else min(time, self.known.cleared)
        elif kind == "alarm_suppressed" and first:
            in_force, self.out = True, "suppressed_by_alarm_id" not in event.body
        elif kind == "alarm_suppressed":
            in_force = in_force or self.known.raised == time
        elif state in _IN_FORCE and not in_force:
            # It came back while it was hidden, and nobody was told.
            in_force, time = True, self.known.raised if self.last <= self.known.raised <= time else time
        if kind in {"alarm_out_of_service", "alarm_in_service"}:
            self.out = kind == "alarm_out_of_service"
        self._step(time, in_force, priority)

    def _step(self, time: int, in_force: bool, priority: str) -> None:
        begun = self.since is not None
        time = max(time, self.since or 0) if begun else time
        self.in_force, self.priority, self.last = in_force, priority, time
        counts = in_force and priority in SEVERE and not self.out
        if counts and not begun:
            self.since = time
        elif begun and not counts:
            self._close(time)

    def _close(self, time: int) -> None:
        if self.since is not None:
            self.spans.append(Span(self.since, time))
            self.since = None

    def finish(self, until: int) -> list[Span]:
        """Its downtime up to `until`."""
        known = self.known
        if not self.told and known.priority in SEVERE and not known.out_of_service:
            self.since = known.raised
        if self.since is not None:
            returned = known.cleared is not None and known.cleared >= self.since
            self._close(known.cleared if returned and known.cleared is not None else until)
        return self.spans


def spans(known: Iterable[Known], events: Iterable[Event], until: int) -> dict[int, list[Span]]:
    """When each alarm was in force with P0 or P1, by its id; open ones end at `until`. Events in the order of the log."""
    lives = {each.id: _Life(each) for each in known}
    for event in events:
        life = lives.get(_number(event.body.get("alarm_id")))
        if life is not None:
            life.tell(event)
    return {number: found for number, life in lives.items() if (found := life.finish(until))}


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0


class Downtime:
    """Asks the state store. Raises `Unavailable` where it is away."""

    def __init__(self, database: Database, events: EventLog, registry: Registry) -> None:
        self._database = database
        self._events = events
        self._registry = registry

    async def of(self, block: Block, start: int, end: int, now: int) -> list[Span]:
        """The downtime of a block that touches [start, end), alarm by alarm: spans may overlap and reach beyond it."""
        until = min(end, now)
        if start >= until:
            return []
        async with self._database.read() as connection:
            known, begun = await _candidates(connection, block, start, until)
        events = {event.sequence: event for event in await self._told(block, start, until)}
        for device, since in self._devices(known, begun, start).items():
            events |= {event.sequence: event for event in await self._told(block, since, start, device)}
        ordered = [event for _, event in sorted(events.items())]
        return [span for found in spans(known, ordered, until).values() for span in found]

    def _devices(self, known: Sequence[Known], begun: Mapping[int, int], start: int) -> dict[str, int]:
        """The devices with alarms that were raised before the range, and since when: there their events must be looked for."""
        found: dict[str, int] = {}
        for each in known:
            first = min(each.raised, begun.get(each.id, each.raised))
            if first < start:
                device = self._registry.any_point(each.sensor).device.key
                found[device] = min(first, found.get(device, first))
        return found

    async def _told(self, block: Block, start: int, end: int, device: str | None = None) -> list[Event]:
        found: list[Event] = []
        cursor: str | None = None
        while True:
            page = await self._events.query(
                block.site.tenant,
                kinds=[KIND],
                start=start,
                end=end,
                sites=[block.site.key],
                siteless=False,
                subject=block.slug,
                device=device,
                limit=LIMIT,
                before=cursor,
            )
            found += page.events
            cursor = page.next
            if cursor is None:
                return found


async def _candidates(connection: AsyncConnection, block: Block, start: int, until: int) -> tuple[list[Known], dict[int, int]]:
    """The alarms that may have been in force in [start, until), and the first raise of those that were raised several times."""
    mine = [
        _a.tenant == block.site.tenant,
        _a.block == block.id,
        sa.or_(_a.cleared.is_(None), _a.cleared >= start),
    ]
    columns = (_a.id, _a.sensor, _a.priority, _a.raised, _a.cleared, _a.out_of_service)
    found: list[Any] = list(await connection.execute(sa.select(*columns).where(*mine)))
    later = sa.select(_a.id).where(*mine, _a.raised >= start)
    first = sa.select(_r.alarm, sa.func.min(_r.raised)).where(_r.alarm.in_(later), _r.raised < until).group_by(_r.alarm)
    return [Known(*row) for row in found], {row[0]: row[1] for row in await connection.execute(first)}
