"""What is asked of the tables of protection, in transactions of the caller."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from wattline.quality.among import among
from wattline.quality.pages import Page, Place, page_of
from wattline.quality.protection.model import Breaker, ProtectionEvent, Report
from wattline.quality.tables import breakers, protection


class Which(msgspec.Struct, frozen=True):
    """Which events are asked for: every condition that is given must hold; [start, end) bounds their time, in us."""

    tenant: str
    meters: Collection[int] | None = None
    kind: str | None = None
    breaker: str | None = None
    start: int | None = None
    end: int | None = None

    def conditions(self) -> list[sa.ColumnElement[bool]]:
        """The conditions as SQL."""
        found: list[sa.ColumnElement[bool]] = [protection.c.tenant == self.tenant]
        if self.meters is not None:
            found.append(among(protection.c.meter, self.meters))
        if self.kind is not None:
            found.append(protection.c.kind == self.kind)
        if self.breaker is not None:
            found.append(protection.c.breaker == self.breaker)
        if self.start is not None:
            found.append(protection.c.time >= self.start)
        if self.end is not None:
            found.append(protection.c.time < self.end)
        return found


def to_event(row: sa.Row[Any]) -> ProtectionEvent:
    """An event from a row of the whole table."""
    body = json.loads(row.body)
    return ProtectionEvent(row.id, row.tenant, row.meter, Report(**body.pop("report")), **body)


async def insert(connection: AsyncConnection, event: ProtectionEvent) -> int:
    """Write a new event; its id, whatever `event.id` says."""
    body = msgspec.to_builtins(event)
    for name in ("id", "tenant", "meter"):
        del body[name]
    number = await connection.scalar(
        sa.insert(protection)
        .values(
            tenant=event.tenant,
            meter=event.meter,
            kind=event.report.kind,
            breaker=event.report.breaker,
            time=event.report.time,
            source_event_id=event.report.source_event_id,
            body=json.dumps(body, separators=(",", ":")),
        )
        .returning(protection.c.id)
    )
    assert number is not None
    return int(number)


async def by_source(connection: AsyncConnection, tenant: str, meter: int, source_event_id: str) -> ProtectionEvent | None:
    """The event that a device gave this id."""
    mine = (
        protection.c.tenant == tenant,
        protection.c.meter == meter,
        protection.c.source_event_id == source_event_id,
    )
    row = (await connection.execute(sa.select(protection).where(*mine))).one_or_none()
    return None if row is None else to_event(row)


async def by_id(connection: AsyncConnection, tenant: str, number: int) -> ProtectionEvent | None:
    """One event of a tenant."""
    mine = (protection.c.tenant == tenant, protection.c.id == number)
    row = (await connection.execute(sa.select(protection).where(*mine))).one_or_none()
    return None if row is None else to_event(row)


async def newest_first(connection: AsyncConnection, which: Which, place: Place | None, limit: int) -> Page[ProtectionEvent]:
    """A page of events by descending (time, id)."""
    return await page_of(connection, protection, protection.c.time, which.conditions(), to_event, place, limit)


async def breakers_at(connection: AsyncConnection, tenant: str, moment: int) -> list[Breaker]:
    """The breakers of a tenant in the state that the last event up to a moment (us) told, by meter and name."""
    # A trip tells a state though its report may not; of all others, an event without one has null there.
    tells = sa.or_(protection.c.kind.startswith("trip_", autoescape=True), sa.not_(protection.c.body.contains('"state":null')))
    latest = sa.func.row_number().over(
        partition_by=(protection.c.meter, protection.c.breaker), order_by=(protection.c.time.desc(), protection.c.id.desc())
    )
    mine = (protection.c.tenant == tenant, protection.c.time <= moment, tells)
    ranked = sa.select(protection, latest.label("place")).where(*mine).subquery()
    query = sa.select(ranked).where(ranked.c.place == 1).order_by(ranked.c.meter, ranked.c.breaker)
    events = [to_event(row) for row in await connection.execute(query)]
    return [
        Breaker(each.meter, each.report.breaker, each.state, each.report.time, each.report.time)
        for each in events
        if each.state is not None
    ]


async def all_breakers(connection: AsyncConnection) -> list[tuple[str, Breaker]]:
    """Every breaker with its tenant."""
    found = await connection.execute(sa.select(breakers).order_by(breakers.c.meter, breakers.c.breaker))
    return [(row.tenant, _breaker(row)) for row in found]


async def breaker(connection: AsyncConnection, meter: int, name: str) -> Breaker | None:
    """One breaker as it is stored."""
    mine = (breakers.c.meter == meter, breakers.c.breaker == name)
    row = (await connection.execute(sa.select(breakers).where(*mine))).one_or_none()
    return None if row is None else _breaker(row)


async def save(connection: AsyncConnection, tenant: str, known: Breaker) -> None:
    """Write what became of a breaker."""
    insert_into = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    statement = insert_into(breakers).values(tenant=tenant, **msgspec.structs.asdict(known))
    changed = {name: statement.excluded[name] for name in ("state", "since", "time")}
    await connection.execute(statement.on_conflict_do_update(index_elements=["meter", "breaker"], set_=changed))


def _breaker(row: sa.Row[Any]) -> Breaker:
    return Breaker(row.meter, row.breaker, row.state, row.since, row.time)
