"""The rows of meters and of their assignments. Whoever changes some holds the count of changes first, so changes follow one
another, over processes too."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from wattline.households.meters.model import Assignment, Kind, Meter
from wattline.households.tables import assignments, meter_versions, meters, tokens, users

MOST_NAMED = 500
"""Keys that one statement names."""


def _meter(row: sa.Row[Any]) -> Meter:
    return Meter(
        mac=row.mac,
        tenant=row.tenant,
        kind=Kind(row.kind),
        user=row.user,
        script=row.script,
        needs_script=row.needs_script,
        limit=row.limit_kwh_minute,
        secret=row.secret,
        created=row.created,
        version=row.version,
    )


async def version(connection: AsyncConnection) -> int:
    """The number of the newest change."""
    return int((await connection.execute(sa.select(meter_versions.c.version))).scalar_one())


async def next_version(connection: AsyncConnection) -> int:
    """Count the caller's change; whoever makes another waits until the caller's transaction ends."""
    counted = sa.update(meter_versions).values(version=meter_versions.c.version + 1).returning(meter_versions.c.version)
    return int((await connection.execute(counted)).scalar_one())


async def changed(connection: AsyncConnection, since: int) -> list[Meter]:
    """The meters that were changed after a version; all of them after -1."""
    return [_meter(row) for row in await connection.execute(sa.select(meters).where(meters.c.version > since))]


async def count(connection: AsyncConnection) -> int:
    """How many meters there are."""
    return int((await connection.execute(sa.select(sa.func.count()).select_from(meters))).scalar_one())


async def addresses(connection: AsyncConnection) -> set[str]:
    """The addresses of every meter."""
    return set((await connection.execute(sa.select(meters.c.mac))).scalars())


async def meter(connection: AsyncConnection, tenant: str, mac: str) -> Meter | None:
    """A meter of a tenant."""
    row = (await connection.execute(sa.select(meters).where(meters.c.mac == mac, meters.c.tenant == tenant))).one_or_none()
    return None if row is None else _meter(row)


async def insert(connection: AsyncConnection, made: Meter) -> bool:
    """Write a new meter; False where its address is registered."""
    values = {name: getattr(made, name) for name in Meter.__slots__ if name != "limit"}
    try:
        async with connection.begin_nested():
            await connection.execute(sa.insert(meters).values(**values, limit_kwh_minute=made.limit))
    except sa.exc.IntegrityError:
        return False
    return True


async def update(connection: AsyncConnection, mac: str, values: Mapping[str, Any]) -> None:
    """Set columns of a meter."""
    await connection.execute(sa.update(meters).where(meters.c.mac == mac).values(**values))


async def remove(connection: AsyncConnection, mac: str, now: int) -> None:
    """Forget a meter and its tokens; whose it was is kept, until now."""
    await remove_tokens(connection, mac)
    await close(connection, mac, now)
    await connection.execute(sa.delete(meters).where(meters.c.mac == mac))


async def remove_tokens(connection: AsyncConnection, mac: str) -> None:
    """End every token of an address."""
    await connection.execute(sa.delete(tokens).where(tokens.c.mac == mac))


async def was_deleted(connection: AsyncConnection, tenant: str, user: str) -> bool:
    """Whether a household was deleted; one that was not stays until the transaction ends."""
    query = sa.select(users.c.deleted).where(users.c.tenant == tenant, users.c.id == user).with_for_update(read=True)
    return (await connection.execute(query)).scalar_one_or_none() is not None


async def rival(connection: AsyncConnection, tenant: str, user: str, kind: Kind, mac: str) -> bool:
    """Whether a household has another meter of the kind."""
    other = sa.select(meters.c.mac).where(
        meters.c.tenant == tenant, meters.c.user == user, meters.c.kind == int(kind), meters.c.mac != mac
    )
    return (await connection.execute(other.limit(1))).first() is not None


async def close(connection: AsyncConnection, mac: str, now: int) -> None:
    """End the assignment of a meter, if it has one."""
    open_ones = sa.update(assignments).where(assignments.c.mac == mac, assignments.c.until.is_(None))
    await connection.execute(open_ones.values(until=sa.case((assignments.c.since > now, assignments.c.since), else_=now)))


async def begin(connection: AsyncConnection, tenant: str, mac: str, user: str, now: int) -> int:
    """Begin an assignment, after every earlier one; the time since when it holds."""
    newest = sa.select(sa.func.max(assignments.c.since)).where(assignments.c.mac == mac)
    last = (await connection.execute(newest)).scalar_one()
    since = now if last is None else max(now, last + 1)
    await connection.execute(sa.insert(assignments).values(mac=mac, since=since, tenant=tenant, user=user, until=None))
    return since


def _assignment(row: sa.Row[Any]) -> Assignment:
    return Assignment(row.mac, row.user, row.since, row.until)


async def of_user(connection: AsyncConnection, tenant: str, user: str) -> list[Assignment]:
    """Which meters a household had, oldest first."""
    query = sa.select(assignments).where(assignments.c.tenant == tenant, assignments.c.user == user)
    return [_assignment(row) for row in await connection.execute(query.order_by(assignments.c.since, assignments.c.mac))]


async def of_meter(connection: AsyncConnection, tenant: str, mac: str) -> list[Assignment]:
    """Which of the tenant's households a meter read, oldest first."""
    query = sa.select(assignments).where(assignments.c.tenant == tenant, assignments.c.mac == mac)
    return [_assignment(row) for row in await connection.execute(query.order_by(assignments.c.since))]


async def since(connection: AsyncConnection, macs: Iterable[str] | None = None) -> dict[str, int]:
    """Since when each of some meters, or all, has its household."""
    query = sa.select(assignments.c.mac, assignments.c.since).where(assignments.c.until.is_(None))
    if macs is None:
        return {row.mac: row.since for row in await connection.execute(query)}
    found: dict[str, int] = {}
    wanted = list(macs)
    for first in range(0, len(wanted), MOST_NAMED):
        some = wanted[first : first + MOST_NAMED]
        found.update((row.mac, row.since) for row in await connection.execute(query.where(assignments.c.mac.in_(some))))
    return found
