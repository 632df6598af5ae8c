"""Rows of device keys. Whoever writes one counts the change first, so that other processes find it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from wattline.metering.model import DeviceKey
from wattline.metering.tables import device_keys, head


def key_of(row: sa.Row[Any]) -> DeviceKey:
    """The key that a row describes."""
    meters = None if row.meters is None else frozenset(json.loads(row.meters))
    return DeviceKey(
        id=row.id,
        tenant=row.tenant,
        name=row.name,
        meter_id=row.meter,
        meters=frozenset((row.meter,)) if row.meter is not None else meters,
        secret=row.secret,
        former_secret=row.former_secret,
        former_until=row.former_until,
        require_signature=row.require_signature,
        created=row.created,
        rotated=row.rotated,
        revoked=row.revoked,
    )


async def newest_change(connection: AsyncConnection) -> int:
    """The number of the last committed change."""
    return int(await connection.scalar(sa.select(head.c.change)) or 0)


async def next_change(connection: AsyncConnection) -> int:
    """The number of this transaction's change; every other writer waits from here to its end."""
    counted = sa.update(head).values(change=head.c.change + 1).returning(head.c.change)
    return int((await connection.execute(counted)).scalar_one())


async def changed_since(connection: AsyncConnection, change: int) -> list[tuple[str, DeviceKey]]:
    """The keys that were changed after that change, revoked ones too, with their digests; of the first change, live ones."""
    query = sa.select(device_keys).where(device_keys.c.change > change).order_by(device_keys.c.id)
    if change == 0:
        query = query.where(device_keys.c.revoked.is_(None))
    return [(row.digest, key_of(row)) for row in await connection.execute(query)]


async def one(connection: AsyncConnection, tenant: str, number: int) -> DeviceKey | None:
    """A key of a tenant."""
    query = sa.select(device_keys).where(device_keys.c.tenant == tenant, device_keys.c.id == number)
    row = (await connection.execute(query)).one_or_none()
    return None if row is None else key_of(row)


async def of(connection: AsyncConnection, tenant: str, meter: int | None) -> list[DeviceKey]:
    """The keys of a meter's devices, or of the tenant's gateways, oldest first."""
    of_it = device_keys.c.meter.is_(None) if meter is None else device_keys.c.meter == meter
    query = sa.select(device_keys).where(device_keys.c.tenant == tenant, of_it).order_by(device_keys.c.id)
    return [key_of(row) for row in await connection.execute(query)]


async def live(connection: AsyncConnection, tenant: str, meter: int | None) -> int:
    """How many keys a meter's devices, or the tenant's gateways, have."""
    of_it = device_keys.c.meter.is_(None) if meter is None else device_keys.c.meter == meter
    query = sa.select(sa.func.count()).where(device_keys.c.tenant == tenant, of_it, device_keys.c.revoked.is_(None))
    return int(await connection.scalar(query) or 0)


async def insert(connection: AsyncConnection, new: DeviceKey, digest: str, change: int) -> int:
    """Write a new key; its id, whatever `new.id` says."""
    values = {
        "tenant": new.tenant,
        "name": new.name,
        "meter": new.meter_id,
        "meters": None if new.meter_id is not None or new.meters is None else json.dumps(sorted(new.meters)),
        "digest": digest,
        "secret": new.secret,
        "require_signature": new.require_signature,
        "created": new.created,
        "change": change,
    }
    return int((await connection.execute(sa.insert(device_keys).values(values).returning(device_keys.c.id))).scalar_one())


async def update(connection: AsyncConnection, number: int, values: Mapping[str, Any], change: int) -> None:
    """Set columns of a key."""
    await connection.execute(sa.update(device_keys).where(device_keys.c.id == number).values(**values, change=change))


async def revoke_of_meter(connection: AsyncConnection, tenant: str, meter: int, now: int, change: int) -> None:
    """End every key of a meter's devices."""
    mine = (device_keys.c.tenant == tenant, device_keys.c.meter == meter, device_keys.c.revoked.is_(None))
    await connection.execute(sa.update(device_keys).where(*mine).values(revoked=now, former_secret=None, change=change))
