"""The tables of exports and what is asked of them."""

from __future__ import annotations

import json
import secrets
from dataclasses import asdict

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from wattline.metering.export.model import Asked, Export
from wattline.model.errors import NotFound
from wattline.state.tables import metadata

exports = sa.Table(
    "exports",
    metadata,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("tenant", sa.String(128), nullable=False),
    sa.Column("sites", sa.Text),
    sa.Column("asked", sa.Text, nullable=False),
    sa.Column("created", sa.BigInteger, nullable=False),
    sa.Column("state", sa.String(10), nullable=False),
    sa.Column("finished", sa.BigInteger),
    sa.Column("rows", sa.BigInteger),
    sa.Column("bytes", sa.BigInteger),
    sa.Column("name", sa.String(200), nullable=False),
    sa.Index("exports_tenant", "tenant", "created"),
    sa.Index("exports_created", "created"),
)
secret = sa.Table(
    "export_secret",
    metadata,
    sa.Column("one", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("secret", sa.String(64), nullable=False),
)


async def insert(connection: AsyncConnection, export: Export) -> None:
    """Write a new export."""
    await connection.execute(
        sa.insert(exports).values(
            id=export.id,
            tenant=export.tenant,
            sites=None if export.sites is None else json.dumps(sorted(export.sites)),
            asked=json.dumps(asdict(export.asked)),
            created=export.created,
            state=export.state,
            name=export.asked.name,
        )
    )


async def get(connection: AsyncConnection, number: str, tenant: str | None = None) -> Export:
    """An export, of this tenant if one is given. Raises `NotFound`."""
    query = sa.select(exports).where(exports.c.id == number)
    if tenant is not None:
        query = query.where(exports.c.tenant == tenant)
    row = (await connection.execute(query)).one_or_none()
    if row is None:
        raise NotFound("no such export")
    asked = json.loads(row.asked)
    return Export(
        id=row.id,
        tenant=row.tenant,
        sites=None if row.sites is None else frozenset(json.loads(row.sites)),
        asked=Asked(**{**asked, "columns": tuple(asked["columns"])}),
        created=row.created,
        state=row.state,
        finished=row.finished,
        rows=row.rows,
        size=row.bytes,
    )


async def waiting(connection: AsyncConnection, tenant: str) -> int:
    """How many exports of a tenant are not finished."""
    mine = (exports.c.tenant == tenant, exports.c.state == "waiting")
    return int(await connection.scalar(sa.select(sa.func.count()).select_from(exports).where(*mine)) or 0)


async def unfinished(connection: AsyncConnection) -> list[str]:
    """The exports that are not finished, the oldest first; their ids."""
    query = sa.select(exports.c.id).where(exports.c.state == "waiting").order_by(exports.c.created)
    return list((await connection.execute(query)).scalars())


async def finish(connection: AsyncConnection, number: str, state: str, now: int, rows: int | None, size: int | None) -> None:
    """Say how an export ended."""
    values = {"state": state, "finished": now, "rows": rows, "bytes": size}
    await connection.execute(sa.update(exports).where(exports.c.id == number).values(**values))


async def forget(connection: AsyncConnection, before: int) -> list[str]:
    """Remove the exports that were asked for before a moment (us); their ids."""
    gone = await connection.execute(sa.delete(exports).where(exports.c.created < before).returning(exports.c.id))
    return [row.id for row in gone]


async def signing_secret(connection: AsyncConnection) -> str:
    """What links are signed with: made once, the same in every process on this database."""
    found = await connection.scalar(sa.select(secret.c.secret))
    if found is None:
        insert = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
        made = insert(secret).values(one=1, secret=secrets.token_hex(32))
        # Another process may have been quicker.
        await connection.execute(made.on_conflict_do_nothing(index_elements=["one"]))
        found = await connection.scalar(sa.select(secret.c.secret))
    return str(found)
