"""What is asked of the tables of power-quality events and of lanes, in transactions of the caller."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from wattline.quality.among import among
from wattline.quality.disturbance import Type
from wattline.quality.indices import ABOVE, BELOW, Group
from wattline.quality.lane import Lane
from wattline.quality.pages import Page, Place, page_of
from wattline.quality.row import BESIDE, QualityEvent
from wattline.quality.tables import events, lanes

COUNTED = ("category", "residual_pu", "max_pu")
"""Members of the body that have a column too."""
_lane = msgspec.json.Decoder(Lane)


class Which(msgspec.Struct, frozen=True):
    """Which events are asked for: every condition that is given must hold. Times and durations in us.

    `meters` are those that the caller may see (None: every one of the tenant). An event is within [start, end) if it lasted at
    any time of it. `superseded` asks for those too that another event shows better.
    """

    tenant: str
    meters: Collection[int] | None = None
    type: str | None = None
    start: int | None = None
    end: int | None = None
    open: bool | None = None
    least_duration: int | None = None
    superseded: bool = False

    def conditions(self, now: int) -> list[sa.ColumnElement[bool]]:
        """The conditions as SQL; what is open has lasted until `now`."""
        found: list[sa.ColumnElement[bool]] = [events.c.tenant == self.tenant]
        if not self.superseded:
            found.append(events.c.superseded_by.is_(None))
        if self.meters is not None:
            found.append(among(events.c.meter, self.meters))
        if self.type is not None:
            found.append(events.c.type == self.type)
        if self.start is not None:
            found.append(sa.or_(events.c.end.is_(None), events.c.end >= self.start))
        if self.end is not None:
            found.append(events.c.start < self.end)
        if self.open is not None:
            found.append(events.c.end.is_(None) if self.open else events.c.end.is_not(None))
        if self.least_duration is not None:
            lasted = sa.func.coalesce(events.c.end, sa.literal(now, sa.BigInteger)) - events.c.start
            found.append(lasted >= self.least_duration)
        return found


def to_event(row: sa.Row[Any]) -> QualityEvent:
    """An event from a row of the whole table."""
    columns = {name: value for name, value in row._mapping.items() if name not in COUNTED}
    return QualityEvent(**{**columns, "body": json.loads(row.body)})


async def insert(connection: AsyncConnection, event: QualityEvent) -> int:
    """Write a new event; its id, whatever `event.id` says."""
    number = await connection.scalar(sa.insert(events).values(_values(event)).returning(events.c.id))
    assert number is not None
    return int(number)


async def update(connection: AsyncConnection, event: QualityEvent) -> None:
    """Write what became of an event."""
    await connection.execute(sa.update(events).where(events.c.id == event.id).values(_values(event)))


async def supersede(connection: AsyncConnection, numbers: Sequence[int], by: int | None) -> None:
    """Let an event (None: none) be what shows these."""
    await connection.execute(sa.update(events).where(events.c.id.in_(list(numbers))).values(superseded_by=by))


async def overlapping(connection: AsyncConnection, event: QualityEvent, types: Sequence[Type]) -> list[QualityEvent]:
    """Other listed events of these types on the meter that lasted at a time when this one did; what is open still does."""
    mine = [events.c.meter == event.meter, events.c.tenant == event.tenant, events.c.type.in_(types), events.c.id != event.id]
    beside = BESIDE.get(event.type, 0)
    mine += [events.c.superseded_by.is_(None), sa.or_(events.c.end.is_(None), events.c.end > event.start - beside)]
    if event.end is not None:
        mine.append(events.c.start < event.end + beside)
    return [to_event(row) for row in await connection.execute(sa.select(events).where(*mine).order_by(events.c.id))]


async def superseded_by(connection: AsyncConnection, number: int) -> list[QualityEvent]:
    """The events that one shows better."""
    query = sa.select(events).where(events.c.superseded_by == number).order_by(events.c.id)
    return [to_event(row) for row in await connection.execute(query)]


async def by_source(connection: AsyncConnection, tenant: str, meter: int, source_event_id: str) -> QualityEvent | None:
    """The event that a meter gave this id."""
    mine = (events.c.tenant == tenant, events.c.meter == meter, events.c.source_event_id == source_event_id)
    row = (await connection.execute(sa.select(events).where(*mine))).one_or_none()
    return None if row is None else to_event(row)


async def by_id(connection: AsyncConnection, tenant: str, number: int) -> QualityEvent | None:
    """One event of a tenant."""
    row = (await connection.execute(sa.select(events).where(events.c.tenant == tenant, events.c.id == number))).one_or_none()
    return None if row is None else to_event(row)


async def newest_first(
    connection: AsyncConnection, which: Which, now: int, place: Place | None, limit: int
) -> Page[QualityEvent]:
    """A page of events by descending (start, id)."""
    return await page_of(connection, events, events.c.start, which.conditions(now), to_event, place, limit)


async def groups(connection: AsyncConnection, tenant: str, meters: Collection[int] | None, start: int, end: int) -> list[Group]:
    """The listed events of these meters (None: all) that began in [start, end), alike ones counted together."""
    mine = [*Which(tenant, meters).conditions(0), events.c.start >= start, events.c.start < end]
    by = (events.c.meter, events.c.type, events.c.category)
    reached = [events.c.residual_pu < percent / 100 for percent in BELOW] + [
        events.c.max_pu > percent / 100 for percent in ABOVE
    ]
    counts = (sa.func.sum(sa.case((each, 1), else_=0)) for each in reached)
    query = sa.select(*by, sa.func.count(), *counts).where(*mine).group_by(*by)
    found = await connection.execute(query)
    return [Group(meter, kind, category, number, tuple(reached)) for meter, kind, category, number, *reached in found]


async def all_lanes(connection: AsyncConnection) -> dict[tuple[int, str], Lane]:
    """Every lane by meter and name."""
    return {(row.meter, row.lane): _lane.decode(row.body) for row in await connection.execute(sa.select(lanes))}


async def save_lanes(connection: AsyncConnection, tenant: str, changed: Sequence[tuple[int, str, Lane]]) -> None:
    """Write the lanes of meters of one tenant."""
    if not changed:
        return
    insert_into = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    rows = [
        {"tenant": tenant, "meter": meter, "lane": name, "body": msgspec.json.encode(lane).decode()}
        for meter, name, lane in changed
    ]
    statement = insert_into(lanes)
    statement = statement.on_conflict_do_update(index_elements=["meter", "lane"], set_={"body": statement.excluded.body})
    await connection.execute(statement, rows)


def _values(event: QualityEvent) -> dict[str, Any]:
    return {
        "tenant": event.tenant,
        "meter": event.meter,
        "type": event.type,
        "lane": event.lane,
        "start": event.start,
        "end": event.end,
        "superseded_by": event.superseded_by,
        "source_event_id": event.source_event_id,
        "body": json.dumps(event.body, separators=(",", ":")),
        **{name: event.body.get(name) for name in COUNTED},
    }
