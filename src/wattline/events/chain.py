"""Proof that the log is what was written: every hash recomputed, every link followed, the end compared with the head.

It finds any change made to stored rows around the store's own refusals. It cannot find a log that was rewritten as a whole,
with every hash from the change on computed anew: against that, keep the last hash of each chain somewhere else.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from wattline.events.model import GENESIS, canonical, digest
from wattline.events.store import chains, events
from wattline.state.database import Database

Advanced = Callable[[int], None]
"""Told how many more events have been checked."""

BLOCK = 200


@dataclass(frozen=True, slots=True)
class Break:
    """The first thing wrong in a chain, and the sequence where it shows."""

    sequence: int
    what: str


@dataclass(frozen=True, slots=True)
class Verification:
    """How far a chain holds: `checked` events from the first on, the last of them with `last_hash`."""

    tenant: str
    checked: int
    last_hash: str
    broken: Break | None

    @property
    def sound(self) -> bool:
        """Whether the whole chain holds."""
        return self.broken is None


def _as_stored(column: sa.Column[Any], is_sqlite: bool) -> sa.ColumnElement[Any]:
    """A column as it lies in the store: SQLite keeps any bytes as text, and its driver stops at the first that are none."""
    if is_sqlite and isinstance(column.type, sa.Text):
        return sa.cast(column, sa.LargeBinary).label(column.name)
    return column


def _read(column: sa.Column[Any], value: object) -> Any:
    """The value as the log wrote it; ValueError if the log cannot have written it."""
    if isinstance(value, bytes):
        value = value.decode()
    wanted = str if isinstance(column.type, sa.Text) else int
    if not (isinstance(value, wanted) or (value is None and column.nullable)):
        raise ValueError(f"{column.name} is not of its type")
    return value


def _fault(row: sa.RowMapping, sequence: int, previous_hash: str) -> str | None:
    """What is wrong with a row that should be this link."""
    try:
        fields = {column.name: _read(column, row[column.name]) for column in events.c}
        if fields["sequence"] != sequence:
            return "the event is missing"
        body = json.loads(fields["body"])
        if canonical(body) != fields["body"]:
            return "the body is not in its canonical form"
        computed = digest({**{name: fields[name] for name in fields if name != "hash"}, "body": body})
    except (ValueError, TypeError, RecursionError):
        return "the event cannot be read"
    if fields["previous_hash"] != previous_hash:
        return "previous_hash is not the hash of the event before"
    return None if fields["hash"] == computed else "the hash is not that of the content"


def _end_fault(head: tuple[object, object] | None, sequence: int, last_hash: str) -> Break | None:
    """What is wrong with where the chain ends; `head` is what the store says of the last event."""
    if head is None:
        return Break(sequence, "the head of the chain is missing") if sequence else None
    if head[0] != sequence:
        return Break(sequence + 1, f"the log ends before this event, its head says that the last is {head[0]!r}")
    return None if head[1] == last_hash else Break(sequence, "the head of the chain has another hash")


async def verify(database: Database, tenant: str, advanced: Advanced | None = None) -> Verification:
    """Recompute a tenant's chain in order, up to its first fault; the log may be appended to meanwhile."""
    columns = [_as_stored(column, database.is_sqlite) for column in events.c]
    links = sa.select(*columns).where(events.c.tenant == tenant).order_by(events.c.sequence)
    ends = [_as_stored(column, database.is_sqlite) for column in (chains.c.sequence, chains.c.hash)]
    sequence, last_hash = 0, GENESIS
    async with database.read() as connection:
        result = await connection.stream(links, execution_options={"yield_per": BLOCK})
        async for block in result.mappings().partitions():
            for row in block:
                fault = _fault(row, sequence + 1, last_hash)
                if fault is not None:
                    await result.close()
                    return Verification(tenant, sequence, last_hash, Break(sequence + 1, fault))
                sequence, last_hash = sequence + 1, str(_read(events.c.hash, row["hash"]))
            if advanced is not None:
                advanced(len(block))
        head = (await connection.execute(sa.select(*ends).where(chains.c.tenant == tenant))).one_or_none()
    end = None if head is None else (head[0], head[1].decode(errors="replace") if isinstance(head[1], bytes) else head[1])
    return Verification(tenant, sequence, last_hash, _end_fault(end, sequence, last_hash))


async def _tenants(connection: AsyncConnection, is_sqlite: bool) -> list[str | bytes]:
    names = sa.union(
        sa.select(_as_stored(events.c.tenant, is_sqlite)), sa.select(_as_stored(chains.c.tenant, is_sqlite))
    ).subquery()
    found = (await connection.execute(sa.select(names))).scalars()
    return sorted(found, key=lambda name: name if isinstance(name, bytes) else name.encode())


async def total(database: Database) -> int:
    """How many events the log says it holds, over all tenants: what `verify_all` will count up to."""
    async with database.read() as connection:
        return int((await connection.execute(sa.select(sa.func.sum(chains.c.sequence)))).scalar_one() or 0)


async def verify_all(database: Database, advanced: Advanced | None = None) -> list[Verification]:
    """Verify the chain of every tenant that the log or a head names, by tenant."""
    async with database.read() as connection:
        tenants = await _tenants(connection, database.is_sqlite)
    found = []
    for tenant in tenants:
        try:
            name = tenant.decode() if isinstance(tenant, bytes) else tenant
        except UnicodeDecodeError:
            found.append(Verification(repr(tenant), 0, GENESIS, Break(1, "the name of the tenant cannot be read")))
        else:
            found.append(await verify(database, name, advanced))
    return found
