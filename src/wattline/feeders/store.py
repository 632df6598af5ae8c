"""The table of feeder states and its queries."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from wattline.feeders.model import FeederState
from wattline.state.tables import metadata

feeder_states = sa.Table(
    "feeder_states",
    metadata,
    sa.Column("tenant", sa.String(128), primary_key=True),
    # "" where the substation is not known: a key column cannot be null.
    sa.Column("site", sa.String(128), primary_key=True),
    sa.Column("feeder", sa.String(128), primary_key=True),
    sa.Column("device", sa.String(128), nullable=False),
    sa.Column("tripped", sa.Boolean, nullable=False),
    sa.Column("last_change", sa.BigInteger),
    sa.Column("since", sa.BigInteger),
    sa.Column("trip_seq", sa.Integer, nullable=False),
    sa.Column("incident", sa.String(128)),
    sa.Column("updated", sa.BigInteger, nullable=False),
    sa.Index("ix_feeder_states_tenant_tripped", "tenant", "tripped"),
)

_t = feeder_states.c


@dataclass(frozen=True, slots=True)
class Breaker:
    """A stored feeder: its key, its state but for the mail, and the event id of the trip that stands."""

    tenant: str
    site: str | None
    feeder: str
    device: str
    state: FeederState
    incident: str | None


def _breaker(row: sa.Row[Any]) -> Breaker:
    state = FeederState(tripped=row.tripped, last_change=row.last_change, since=row.since, trip_seq=row.trip_seq)
    return Breaker(row.tenant, row.site or None, row.feeder, row.device, state, row.incident)


def _is(tenant: str, site: str | None, feeder: str) -> sa.ColumnElement[bool]:
    return sa.and_(_t.tenant == tenant, _t.site == (site or ""), _t.feeder == feeder)


async def load(connection: AsyncConnection, tenant: str, site: str | None, feeder: str, device: str) -> Breaker:
    """The feeder, held until the transaction ends; a closed one that nothing is known of when it is new.

    A feeder that was first heard of before its substation was known moves there with its device.
    """
    found = (await connection.execute(sa.select(feeder_states).where(_is(tenant, site, feeder)).with_for_update())).first()
    if found is None and site is not None:
        homeless = sa.and_(_is(tenant, None, feeder), _t.device == device)
        moved = sa.update(feeder_states).where(homeless).values(site=site).returning(*feeder_states.c)
        found = (await connection.execute(moved)).first()
    if found is None:
        return Breaker(tenant, site, feeder, device, FeederState(), None)
    return _breaker(found)


async def save(connection: AsyncConnection, breaker: Breaker, now: int) -> None:
    """Write a feeder, whether or not it was there."""
    insert = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    values = {
        "device": breaker.device,
        "tripped": breaker.state.tripped,
        "last_change": breaker.state.last_change,
        "since": breaker.state.since,
        "trip_seq": breaker.state.trip_seq,
        "incident": breaker.incident,
        "updated": now,
    }
    key = {"tenant": breaker.tenant, "site": breaker.site or "", "feeder": breaker.feeder}
    statement = insert(feeder_states).values(**key, **values)
    await connection.execute(statement.on_conflict_do_update(index_elements=list(key), set_=values))


async def tripped(connection: AsyncConnection, tenant: str) -> list[Breaker]:
    """Every open feeder of a utility, the longest open first."""
    statement = sa.select(feeder_states).where(_t.tenant == tenant, _t.tripped).order_by(_t.since, _t.site, _t.feeder)
    return [_breaker(row) for row in await connection.execute(statement)]


async def count(connection: AsyncConnection, tenant: str) -> int:
    """How many feeders of a utility ever tripped or were restored."""
    statement = sa.select(sa.func.count()).select_from(feeder_states).where(_t.tenant == tenant)
    return (await connection.execute(statement)).scalar_one()
