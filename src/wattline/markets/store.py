"""The tables of market data and their queries."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from wattline.markets.model import SEEDS, Signal, SignalType
from wattline.state.tables import metadata

MOST_NAMED = 500
"""Keys that one statement names."""


class _AsGiven(sa.types.UserDefinedType[Any]):
    """A column of SQLite that keeps what it is given: one of type REAL forgets the sign of zero."""

    cache_ok = True

    def get_col_spec(self, **_options: Any) -> str:
        return "BLOB"


class Float4(sa.TypeDecorator[float]):
    """A float, NaN among them. SQLite has none: there it is text, sorted after every number, as PostgreSQL sorts NaN."""

    impl = sa.Double
    cache_ok = True

    def load_dialect_impl(self, dialect: sa.Dialect) -> sa.types.TypeEngine[Any]:
        return _AsGiven() if dialect.name == "sqlite" else sa.Double()

    def process_bind_param(self, value: float | None, dialect: sa.Dialect) -> Any:
        return "NaN" if value is not None and math.isnan(value) and dialect.name == "sqlite" else value

    def process_result_value(self, value: Any, dialect: sa.Dialect) -> float | None:
        return float(value) if isinstance(value, str) else value


market_types = sa.Table(
    "market_types",
    metadata,
    sa.Column("tenant", sa.Text, primary_key=True),
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("description", sa.Text),
    sa.Column("unit", sa.Text),
    sa.Column("created", sa.BigInteger),
    sa.UniqueConstraint("tenant", "name"),
)

market_sequences = sa.Table(
    "market_sequences",
    metadata,
    sa.Column("tenant", sa.Text, primary_key=True),
    sa.Column("next", sa.BigInteger, nullable=False),
)
"""The next id of a type. A tenant that has a row here has been given its first types."""

market_data = sa.Table(
    "market_data",
    metadata,
    sa.Column("row", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True, autoincrement=True),
    sa.Column("tenant", sa.Text, nullable=False),
    sa.Column("id", sa.Text().with_variant(sa.Text(collation="C"), "postgresql"), nullable=False),
    sa.Column("time", sa.BigInteger, nullable=False),
    sa.Column("type", sa.Integer, nullable=False),
    sa.Column("value", Float4),
    sa.Column("metadata", sa.Text),
    sa.Column("created", sa.BigInteger, nullable=False),
    sa.UniqueConstraint("tenant", "id"),
    sa.Index("ix_market_data_time", "tenant", "time"),
    sa.Index("ix_market_data_type_time", "tenant", "type", "time"),
    sa.Index("ix_market_data_created", "tenant", "created", "id"),
)

SIGNAL = [market_data.c[name] for name in Signal._fields]
TYPE = [market_types.c[name] for name in SignalType._fields]


def chunks(keys: Sequence[Any]) -> list[Sequence[Any]]:
    """The keys in pieces that a statement may name."""
    return [keys[start : start + MOST_NAMED] for start in range(0, len(keys), MOST_NAMED)]


async def insert_seeds(connection: AsyncConnection, tenant: str, now: int) -> None:
    """Give a tenant its first types, unless it has been given them."""
    insert = sa.insert(market_sequences).values(tenant=tenant, next=len(SEEDS) + 1)
    try:
        async with connection.begin_nested():
            await connection.execute(insert)
    except sa.exc.IntegrityError:
        return
    rows = [SignalType(*seed, now) for seed in SEEDS]
    await insert_types(connection, tenant, rows)


async def is_seeded(connection: AsyncConnection, tenant: str) -> bool:
    """Whether a tenant has been given its first types."""
    query = sa.select(market_sequences.c.next).where(market_sequences.c.tenant == tenant)
    return (await connection.execute(query)).scalar() is not None


async def next_type_id(connection: AsyncConnection, tenant: str) -> int:
    """The first id that has not been given out; nobody else gives one out before the transaction ends."""
    query = sa.select(market_sequences.c.next).where(market_sequences.c.tenant == tenant).with_for_update()
    return int((await connection.execute(query)).scalar_one())


async def set_next_type_id(connection: AsyncConnection, tenant: str, following: int) -> None:
    """Count the ids that have been given out."""
    await connection.execute(sa.update(market_sequences).where(market_sequences.c.tenant == tenant).values(next=following))


async def types(connection: AsyncConnection, tenant: str) -> list[SignalType]:
    """Every type of the tenant, by id."""
    query = sa.select(*TYPE).where(market_types.c.tenant == tenant).order_by(market_types.c.id)
    return [SignalType(*row) for row in await connection.execute(query)]


async def types_named(connection: AsyncConnection, tenant: str, column: str, keys: Sequence[Any]) -> list[SignalType]:
    """The types whose id or name is among the keys."""
    found = []
    for some in chunks(keys):
        query = sa.select(*TYPE).where(market_types.c.tenant == tenant, market_types.c[column].in_(some))
        found += [SignalType(*row) for row in await connection.execute(query)]
    return found


async def signals(connection: AsyncConnection, tenant: str, ids: Sequence[str]) -> list[Signal]:
    """The rows of these ids, as they came."""
    found = []
    for some in chunks(ids):
        query = sa.select(*SIGNAL, market_data.c.row).where(market_data.c.tenant == tenant, market_data.c.id.in_(some))
        found += list(await connection.execute(query))
    return [Signal(*row[:-1]) for row in sorted(found, key=lambda row: row.row)]


async def newest(
    connection: AsyncConnection, tenant: str, keys: Sequence[tuple[int, int]]
) -> dict[tuple[int, int], float | None]:
    """The value of the newest version of each type and time that has one: the one created last, and of those that came last."""
    by_type: dict[int, list[int]] = {}
    for kind, time in keys:
        by_type.setdefault(kind, []).append(time)
    rows: list[sa.Row[Any]] = []
    for kind, times in by_type.items():
        for some in chunks(times):
            rows += await connection.execute(versions_of(tenant, kind, some))
    # Put in order here: asked for an order, SQLite reads everything by the index that has it.
    rows.sort(key=lambda row: (row.created, row.row))
    return {(row.type, row.time): row.value for row in rows}


def versions_of(tenant: str, kind: int, times: Sequence[int]) -> sa.Select[Any]:
    """Every version of these times of one type, in no order."""
    m = market_data.c
    wanted = sa.select(m.type, m.time, m.value, m.created, m.row)
    return wanted.where(m.tenant == tenant, m.type == kind, m.time.in_(times))


async def insert_signals(connection: AsyncConnection, tenant: str, rows: Sequence[Signal]) -> None:
    """Add rows, in order."""
    if rows:
        await connection.execute(sa.insert(market_data), [{"tenant": tenant, **row._asdict()} for row in rows])


async def update_signals(connection: AsyncConnection, tenant: str, old: Sequence[Signal], new: Sequence[Signal]) -> None:
    """Write new states over old ones, row by row; a row keeps its place among the others."""
    await _update(connection, market_data, tenant, old, new)


async def delete_signals(connection: AsyncConnection, tenant: str, ids: Sequence[str]) -> None:
    """Remove rows."""
    for some in chunks(ids):
        await connection.execute(sa.delete(market_data).where(market_data.c.tenant == tenant, market_data.c.id.in_(some)))


async def insert_types(connection: AsyncConnection, tenant: str, rows: Sequence[SignalType]) -> None:
    """Add types."""
    if rows:
        await connection.execute(sa.insert(market_types), [{"tenant": tenant, **row._asdict()} for row in rows])


async def update_types(connection: AsyncConnection, tenant: str, old: Sequence[SignalType], new: Sequence[SignalType]) -> None:
    """Write new states over old ones."""
    await _update(connection, market_types, tenant, old, new)


async def delete_types(connection: AsyncConnection, tenant: str, ids: Sequence[int]) -> None:
    """Remove types."""
    for some in chunks(ids):
        await connection.execute(sa.delete(market_types).where(market_types.c.tenant == tenant, market_types.c.id.in_(some)))


async def _update(
    connection: AsyncConnection,
    table: sa.Table,
    tenant: str,
    old: Sequence[Signal | SignalType],
    new: Sequence[Signal | SignalType],
) -> None:
    if not new:
        return
    names = new[0]._fields
    change = (
        sa.update(table)
        .where(table.c.tenant == tenant, table.c.id == sa.bindparam("old_id"))
        .values({name: sa.bindparam(f"new_{name}", type_=table.c[name].type) for name in names})
    )
    rows = [
        {"old_id": was.id} | {f"new_{name}": getattr(row, name) for name in names} for was, row in zip(old, new, strict=True)
    ]
    await connection.execute(change, rows)
