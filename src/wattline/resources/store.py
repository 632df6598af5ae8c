"""The tables of resources and what is asked of them."""

from __future__ import annotations

import json
from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from wattline.resources.model import Kind, Resource
from wattline.state.tables import metadata

ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

resources = sa.Table(
    "resources",
    metadata,
    sa.Column("id", ROW_ID, primary_key=True, autoincrement=True),
    sa.Column("tenant", sa.String(128), nullable=False),
    sa.Column("kind", sa.String(20), nullable=False),
    sa.Column("external_id", sa.String(200)),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("change", sa.BigInteger, nullable=False),
    sa.Column("created", sa.BigInteger, nullable=False),
    sa.Column("updated", sa.BigInteger, nullable=False),
    sa.Column("removed", sa.BigInteger),
    sa.Column("body", sa.Text, nullable=False),
    sa.Index("resources_change", "change"),
    sa.Index("resources_external", "tenant", "kind", "external_id"),
)
versions = sa.Table(
    "resource_versions",
    metadata,
    sa.Column("id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("tenant", sa.String(128), nullable=False),
    sa.Column("kind", sa.String(20), nullable=False),
    sa.Column("since", sa.BigInteger, nullable=False),
    sa.Column("created", sa.BigInteger, nullable=False),
    sa.Column("removed", sa.BigInteger),
    sa.Column("body", sa.Text, nullable=False),
    sa.Index("resource_versions_since", "tenant", "kind", "since"),
)
head = sa.Table(
    "resource_head",
    metadata,
    sa.Column("one", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("change", sa.BigInteger, nullable=False),
)


async def newest_change(connection: AsyncConnection) -> int:
    """The number of the last committed change."""
    return int(await connection.scalar(sa.select(head.c.change)) or 0)


async def next_change(connection: AsyncConnection) -> int:
    """The number of this transaction's change; every other writer waits from here to its end."""
    number = await connection.scalar(sa.update(head).values(change=head.c.change + 1).returning(head.c.change))
    assert number is not None
    return int(number)


async def changed_since(connection: AsyncConnection, change: int) -> list[Resource]:
    """Every resource that was changed after that change, removed ones too, by id; of the first change, those that are there."""
    query = sa.select(resources).where(resources.c.change > change).order_by(resources.c.id)
    if change == 0:
        query = query.where(resources.c.removed.is_(None))
    return [_resource(row) for row in await connection.execute(query)]


async def insert(connection: AsyncConnection, resource: Resource, change: int) -> int:
    """Write a new resource and its first version; its id, whatever `resource.id` says."""
    number = await connection.scalar(sa.insert(resources).values(_values(resource, change)).returning(resources.c.id))
    assert number is not None
    await _remember(connection, int(number), resource)
    return int(number)


async def insert_all(connection: AsyncConnection, several: Sequence[Resource], change: int) -> list[int]:
    """Write new resources and their first versions; their ids in the same order."""
    if not several:
        return []
    query = sa.insert(resources).returning(resources.c.id, sort_by_parameter_order=True)
    found = await connection.scalars(query, [_values(each, change) for each in several])
    numbers = [int(number) for number in found]
    await connection.execute(
        sa.insert(versions), [_version(number, each) for number, each in zip(numbers, several, strict=True)]
    )
    return numbers


async def update(connection: AsyncConnection, resource: Resource, change: int) -> None:
    """Write the next version of a resource."""
    await connection.execute(sa.update(resources).where(resources.c.id == resource.id).values(_values(resource, change)))
    await _remember(connection, resource.id, resource)


async def changed_after(connection: AsyncConnection, tenant: str, kind: Kind, moment: int) -> tuple[set[int], list[Resource]]:
    """The ids of the resources that were changed after a moment, or removed, and those of them that were there, as they were
    then, by id."""
    mine = (resources.c.tenant == tenant, resources.c.kind == kind, resources.c.updated > moment)
    changed = sa.select(resources.c.id).where(*mine)
    numbers = {int(number) for number in await connection.scalars(changed)}
    if not numbers:
        return numbers, []
    newest = (
        sa.select(versions.c.id, sa.func.max(versions.c.version).label("version"))
        .where(versions.c.id.in_(changed), versions.c.since <= moment)
        .group_by(versions.c.id)
    )
    last = newest.subquery()
    query = (
        sa.select(versions, versions.c.since.label("updated"))
        .join(last, sa.and_(versions.c.id == last.c.id, versions.c.version == last.c.version))
        .where(versions.c.removed.is_(None))
        .order_by(versions.c.id)
    )
    return numbers, [_resource(row) for row in await connection.execute(query)]


async def _remember(connection: AsyncConnection, number: int, resource: Resource) -> None:
    await connection.execute(sa.insert(versions).values(_version(number, resource)))


def _version(number: int, resource: Resource) -> dict[str, object]:
    return {
        "id": number,
        "version": resource.version,
        "tenant": resource.tenant,
        "kind": resource.kind,
        "since": resource.updated,
        "created": resource.created,
        "removed": resource.removed,
        "body": json.dumps(dict(resource.body), separators=(",", ":")),
    }


def _values(resource: Resource, change: int) -> dict[str, object]:
    return {
        "tenant": resource.tenant,
        "kind": resource.kind,
        "external_id": resource.external_id,
        "version": resource.version,
        "change": change,
        "created": resource.created,
        "updated": resource.updated,
        "removed": resource.removed,
        "body": json.dumps(dict(resource.body), separators=(",", ":")),
    }


def _resource(row: sa.Row[tuple[object, ...]]) -> Resource:
    return Resource(
        id=row.id,
        tenant=row.tenant,
        kind=row.kind,
        version=row.version,
        created=row.created,
        updated=row.updated,
        removed=row.removed,
        body=json.loads(row.body),
    )
