"""The tables of API keys and of projects, and their queries."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from wattline.identity.model import KeyRecord, Project
from wattline.state.tables import metadata

keys = sa.Table(
    "api_keys",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("tenant", sa.Text, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("prefix", sa.Text, nullable=False),
    sa.Column("digest", sa.Text, nullable=False),
    sa.Column("scopes", sa.Text, nullable=False),
    sa.Column("sites", sa.Text),
    sa.Column("created", sa.BigInteger, nullable=False),
    sa.Column("expires", sa.BigInteger),
    sa.Column("revoked", sa.BigInteger),
    sa.Column("last_used", sa.BigInteger),
    sa.Column("replaced_by", sa.Text, sa.ForeignKey("api_keys.id")),
    sa.Column("role", sa.Text),
    sa.Column("form", sa.String(8), nullable=False, server_default="wl"),
    sa.UniqueConstraint("prefix"),
    sa.Index("ix_api_keys_tenant", "tenant", "created"),
)

projects = sa.Table(
    "projects",
    metadata,
    sa.Column("tenant", sa.Text, primary_key=True),
    sa.Column("ref", sa.Text, nullable=False),
    sa.Column("secret", sa.Text, nullable=False),
    sa.Column("created", sa.BigInteger, nullable=False),
    sa.UniqueConstraint("ref"),
)


def to_record(row: sa.Row[Any]) -> KeyRecord:
    """A key from a row; its digest stays behind."""
    fields = {name: value for name, value in row._mapping.items() if name != "digest"}
    sites = None if row.sites is None else frozenset(json.loads(row.sites))
    return KeyRecord(**{**fields, "scopes": frozenset(json.loads(row.scopes)), "sites": sites})


async def insert(connection: AsyncConnection, record: KeyRecord, digest: str) -> None:
    """Write a new key."""
    values = {column.name: getattr(record, column.name) for column in keys.c if column.name != "digest"}
    values["scopes"] = json.dumps(sorted(record.scopes))
    values["sites"] = None if record.sites is None else json.dumps(sorted(record.sites))
    await connection.execute(keys.insert(), {**values, "digest": digest})


async def by_prefix(connection: AsyncConnection, prefixes: Collection[str]) -> dict[str, tuple[str, KeyRecord]]:
    """The digest and the record of each key that has one of these prefixes, by prefix."""
    found = await connection.execute(sa.select(keys).where(keys.c.prefix.in_(sorted(prefixes))))
    return {row.prefix: (row.digest, to_record(row)) for row in found}


async def hold(connection: AsyncConnection, key_id: str, tenant: str | None) -> KeyRecord | None:
    """One key, held against other writers until the transaction ends."""
    query = sa.select(keys).where(keys.c.id == key_id).with_for_update()
    if tenant is not None:
        query = query.where(keys.c.tenant == tenant)
    row = (await connection.execute(query)).one_or_none()
    return None if row is None else to_record(row)


async def change(connection: AsyncConnection, key_id: str, values: Mapping[str, Any]) -> None:
    """Set columns of one key."""
    await connection.execute(keys.update().where(keys.c.id == key_id).values(dict(values)))


async def every(connection: AsyncConnection, tenant: str | None) -> list[KeyRecord]:
    """The keys of a tenant, or of all tenants, oldest first."""
    query = sa.select(keys).order_by(keys.c.tenant, keys.c.created, keys.c.id)
    if tenant is not None:
        query = query.where(keys.c.tenant == tenant)
    return [to_record(row) for row in await connection.execute(query)]


async def write_usage(connection: AsyncConnection, used: Mapping[str, int]) -> None:
    """Move `last_used` forward; another process may have written a later time."""
    later = sa.or_(keys.c.last_used.is_(None), keys.c.last_used < sa.bindparam("at"))
    statement = keys.update().where(keys.c.id == sa.bindparam("key"), later).values(last_used=sa.bindparam("at"))
    # In one order everywhere, so that two processes cannot wait for each other's rows.
    await connection.execute(statement, [{"key": key_id, "at": used[key_id]} for key_id in sorted(used)])


async def project(connection: AsyncConnection, tenant: str) -> Project | None:
    """The project of a tenant, if it has one."""
    row = (await connection.execute(sa.select(projects).where(projects.c.tenant == tenant))).one_or_none()
    return None if row is None else Project(**row._mapping)


async def insert_project(connection: AsyncConnection, new: Project) -> Project:
    """Write a tenant's project, unless another process has been quicker; returns the one that is there."""
    insert = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    values = {column.name: getattr(new, column.name) for column in projects.c}
    await connection.execute(insert(projects).values(values).on_conflict_do_nothing(index_elements=["tenant"]))
    found = await project(connection, new.tenant)
    assert found is not None
    return found
