"""The tables of dead letters and their queries. Times are microseconds since 1970 (UTC)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from wattline.gateways.model import Category
from wattline.state.tables import metadata

#: SQLite numbers rows by itself only where the key is a plain INTEGER.
ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

letters = sa.Table(
    "dead_letters",
    metadata,
    sa.Column("id", ROW_ID, primary_key=True, autoincrement=True),
    sa.Column("tenant", sa.Text, nullable=False),
    sa.Column("topic", sa.Text, nullable=False),
    sa.Column("payload", sa.Text, nullable=False),
    sa.Column("category", sa.String(32), nullable=False),
    sa.Column("message", sa.Text, nullable=False),
    sa.Column("received", sa.BigInteger, nullable=False),
    sa.Index("ix_dead_letters_tenant_received", "tenant", "received"),
    sa.Index("ix_dead_letters_received", "received"),
)

counts = sa.Table(
    "dead_letter_counts",
    metadata,
    sa.Column("tenant", sa.Text, primary_key=True),
    sa.Column("minute", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("category", sa.String(32), primary_key=True),
    sa.Column("count", sa.BigInteger, nullable=False),
    sa.Column("kept", sa.BigInteger, nullable=False),
    sa.Index("ix_dead_letter_counts_minute", "minute"),
)


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A message that could not be taken in. `payload` is text, cut at 4,000 characters; `message` says why."""

    id: int | None
    tenant: str
    topic: str
    payload: str
    category: Category
    message: str
    received: int


Counts = Mapping[tuple[str, int, Category], int]
"""How many by tenant, minute (us) and category."""


async def count(connection: AsyncConnection, seen: Counts, kept: Counts) -> None:
    """Add to the counts, in the order of their keys, so that two processes that count at once never wait for each other."""
    insert = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    for tenant, minute, category in sorted(seen.keys() | kept.keys()):
        key = (tenant, minute, category)
        statement = insert(counts).values(
            tenant=tenant, minute=minute, category=category, count=seen.get(key, 0), kept=kept.get(key, 0)
        )
        more = {"count": counts.c.count + statement.excluded.count, "kept": counts.c.kept + statement.excluded.kept}
        await connection.execute(statement.on_conflict_do_update(index_elements=["tenant", "minute", "category"], set_=more))


async def insert(connection: AsyncConnection, chosen: Sequence[DeadLetter]) -> None:
    """Keep letters."""
    if chosen:
        rows = [{c.name: getattr(letter, c.name) for c in letters.c if c.name != "id"} for letter in chosen]
        await connection.execute(sa.insert(letters), rows)


async def kept_since(connection: AsyncConnection, tenant: str, since: int) -> int:
    """How many letters of a tenant are kept since a time."""
    return await _total(connection, counts.c.kept, tenant, since)


async def count_since(connection: AsyncConnection, tenant: str, since: int) -> int:
    """How many there were since the beginning of a minute."""
    return await _total(connection, counts.c.count, tenant, since)


async def not_kept_since(connection: AsyncConnection, tenant: str, since: int) -> int:
    """How many of them no letter tells of."""
    return await _total(connection, counts.c.count - counts.c.kept, tenant, since)


async def _total(connection: AsyncConnection, what: sa.ColumnElement[int], tenant: str, since: int) -> int:
    total = sa.func.coalesce(sa.func.sum(what), 0)
    return int(
        (await connection.execute(sa.select(total).where(counts.c.tenant == tenant, counts.c.minute >= since))).scalar_one()
    )


async def newest(connection: AsyncConnection, tenant: str, limit: int) -> list[DeadLetter]:
    """Letters of a tenant, newest first."""
    query = sa.select(letters).where(letters.c.tenant == tenant).order_by(letters.c.received.desc(), letters.c.id.desc())
    return [DeadLetter(*row) for row in await connection.execute(query.limit(limit))]


async def prune(connection: AsyncConnection, before: int) -> None:
    """Drop what is older."""
    await connection.execute(sa.delete(letters).where(letters.c.received < before))
    await connection.execute(sa.delete(counts).where(counts.c.minute < before))
