"""The tables of the change log and their queries."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from wattline.changes.model import Change
from wattline.state.tables import metadata

ROWS_A_PART = 500
"""Rows that one row of the log holds."""

changes = sa.Table(
    "changes",
    metadata,
    sa.Column("position", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("part", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("tenant", sa.Text, nullable=False),
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("kind", sa.String(8), nullable=False),
    sa.Column("rows", sa.Text, nullable=False),
    sa.Index("ix_changes_tenant_subject_position", "tenant", "subject", "position"),
)

heads = sa.Table(
    "change_heads",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("position", sa.BigInteger, nullable=False),
    sa.Column("forgotten", sa.BigInteger, nullable=False),
)
"""One row: the newest position, and the newest that has been dropped."""


class Head(NamedTuple):
    """Positions: of the newest change, and of the newest that has been dropped."""

    position: int
    forgotten: int


class Part(NamedTuple):
    """One row of the log; `rows` is JSON."""

    position: int
    part: int
    tenant: str
    subject: str
    kind: str
    rows: str


async def head(connection: AsyncConnection, *, lock: bool = False) -> Head:
    """The head; with `lock` nobody else moves it before the transaction ends."""
    query = sa.select(heads.c.position, heads.c.forgotten)
    found = (await connection.execute(query.with_for_update() if lock else query)).one()
    return Head(found.position, found.forgotten)


async def append(connection: AsyncConnection, position: int, logged: Iterable[Change]) -> None:
    """Write the changes of one commit and move the head, which the caller has locked."""
    parts: list[dict[str, Any]] = []
    for change in logged:
        for kind, rows in change.sides:
            for start in range(0, len(rows), ROWS_A_PART):
                # `json` writes and reads NaN and the infinities, which are values here.
                text = json.dumps(rows[start : start + ROWS_A_PART], ensure_ascii=False, separators=(",", ":"))
                part = Part(position, len(parts), change.tenant, change.subject, kind, text)
                parts.append(part._asdict())
    await connection.execute(sa.insert(changes), parts)
    await connection.execute(sa.update(heads).values(position=position))


async def read(
    connection: AsyncConnection, after: tuple[int, int], most: int, only: tuple[str, str] | None = None
) -> list[Part]:
    """Parts after a position and part, in order; of one tenant and subject where `only` names them."""
    query = sa.select(changes).where(sa.tuple_(changes.c.position, changes.c.part) > sa.tuple_(*map(sa.literal, after)))
    if only is not None:
        query = query.where(changes.c.tenant == only[0], changes.c.subject == only[1])
    found = await connection.execute(query.order_by(changes.c.position, changes.c.part).limit(most))
    return [Part(*row) for row in found]


async def forget(connection: AsyncConnection, before: int) -> None:
    """Drop what is older than a position, and remember up to where."""
    await head(connection, lock=True)
    newest = (await connection.execute(sa.select(sa.func.max(changes.c.position)).where(changes.c.position < before))).scalar()
    if newest is not None:
        await connection.execute(sa.delete(changes).where(changes.c.position <= newest))
        await connection.execute(sa.update(heads).values(forgotten=newest))


def assemble(parts: Sequence[Part]) -> list[Change]:
    """The changes that whole parts are of: those of one position and table are one change."""
    gathered: dict[tuple[int, str, str], dict[str, list[tuple[Any, ...]]]] = {}
    for part in parts:
        sides = gathered.setdefault((part.position, part.tenant, part.subject), {})
        sides.setdefault(part.kind, []).extend(map(tuple, json.loads(part.rows)))
    return [
        Change(
            tenant,
            subject,
            position,
            inserted=sides.get("insert", ()),
            old=sides.get("old", ()),
            new=sides.get("new", ()),
            deleted=sides.get("delete", ()),
        )
        for (position, tenant, subject), sides in gathered.items()
    ]
