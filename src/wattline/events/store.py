"""The event log's tables and queries."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from wattline.events.model import GENESIS, Event
from wattline.state.tables import metadata

MOST_NAMED = 500
"""Identities that one statement names."""

events = sa.Table(
    "events",
    metadata,
    sa.Column("tenant", sa.Text, primary_key=True),
    sa.Column("sequence", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("id", sa.Text, nullable=False),
    sa.Column("time", sa.BigInteger, nullable=False),
    sa.Column("received", sa.BigInteger, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("site", sa.Text),
    sa.Column("device", sa.Text),
    sa.Column("subject", sa.Text),
    sa.Column("event_type", sa.Text),
    sa.Column("severity", sa.Text),
    sa.Column("body", sa.Text, nullable=False),
    sa.Column("identity", sa.Text),
    sa.Column("previous_hash", sa.Text, nullable=False),
    sa.Column("hash", sa.Text, nullable=False),
    sa.UniqueConstraint("tenant", "kind", "identity"),
    sa.Index("ix_events_tenant_time", "tenant", "time", "sequence"),
)

chains = sa.Table(
    "event_chains",
    metadata,
    sa.Column("tenant", sa.Text, primary_key=True),
    sa.Column("sequence", sa.BigInteger, nullable=False),
    sa.Column("hash", sa.Text, nullable=False),
)


def to_event(row: sa.Row[Any]) -> Event:
    """An event from a row of the whole table."""
    return Event(**{**row._mapping, "body": json.loads(row.body)})


async def lock_head(connection: AsyncConnection, tenant: str) -> tuple[int, str]:
    """The sequence and hash of the tenant's last event, held against every other writer until the transaction ends."""
    head = sa.select(chains.c.sequence, chains.c.hash).where(chains.c.tenant == tenant).with_for_update()
    row = (await connection.execute(head)).one_or_none()
    if row is None:
        insert = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
        first = insert(chains).values(tenant=tenant, sequence=0, hash=GENESIS).on_conflict_do_nothing()
        await connection.execute(first)
        row = (await connection.execute(head)).one()
    return row.sequence, row.hash


async def is_logged(connection: AsyncConnection, tenant: str, kind: str, identity: str) -> bool:
    """Whether this identity is in the log already."""
    return bool(await logged(connection, tenant, [(kind, identity)]))


async def logged(connection: AsyncConnection, tenant: str, identities: Sequence[tuple[str, str]]) -> set[tuple[str, str]]:
    """Which of these (kind, identity) are in the log already."""
    found: set[tuple[str, str]] = set()
    for start in range(0, len(identities), MOST_NAMED):
        named = sa.tuple_(events.c.kind, events.c.identity).in_(identities[start : start + MOST_NAMED])
        rows = await connection.execute(sa.select(events.c.kind, events.c.identity).where(events.c.tenant == tenant, named))
        found.update((row.kind, row.identity) for row in rows)
    return found


async def add(connection: AsyncConnection, tenant: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write events of one tenant, each of which follows on the one before, and move the head to the last."""
    await connection.execute(events.insert(), [dict(row) for row in rows])
    moved = chains.update().where(chains.c.tenant == tenant)
    await connection.execute(moved.values(sequence=rows[-1]["sequence"], hash=rows[-1]["hash"]))


async def newest_first(
    connection: AsyncConnection,
    tenant: str,
    conditions: Sequence[sa.ColumnElement[bool]],
    position: tuple[int, int] | None,
    limit: int,
    offset: int = 0,
) -> list[Event]:
    """Events by descending (time, sequence), from right after `position` on, the first `offset` of them passed over."""
    place = sa.tuple_(events.c.time, events.c.sequence)
    query = sa.select(events).where(events.c.tenant == tenant, *conditions)
    if position is not None:
        query = query.where(place < sa.tuple_(*(sa.literal(part, sa.BigInteger) for part in position)))
    query = query.order_by(events.c.time.desc(), events.c.sequence.desc()).limit(limit).offset(offset)
    return [to_event(row) for row in await connection.execute(query)]


async def count(connection: AsyncConnection, tenant: str, conditions: Sequence[sa.ColumnElement[bool]]) -> int:
    """How many events there are."""
    query = sa.select(sa.func.count()).select_from(events).where(events.c.tenant == tenant, *conditions)
    return int((await connection.execute(query)).scalar_one())


async def in_order(
    connection: AsyncConnection, tenant: str, after: int, conditions: Sequence[sa.ColumnElement[bool]], limit: int
) -> list[Event]:
    """Events by ascending sequence, from right after the sequence `after` on."""
    query = sa.select(events).where(events.c.tenant == tenant, events.c.sequence > after, *conditions)
    return [to_event(row) for row in await connection.execute(query.order_by(events.c.sequence).limit(limit))]


async def last_sequence(connection: AsyncConnection, tenant: str) -> int:
    """The sequence of the newest event, 0 before the first."""
    query = sa.select(chains.c.sequence).where(chains.c.tenant == tenant)
    return (await connection.execute(query)).scalar_one_or_none() or 0
