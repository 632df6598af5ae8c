"""The queries of devices under UUIDs. Who writes here holds the turn of the change log."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from wattline.model.place import Layout
from wattline.registry.listing import ListingRow, Shown
from wattline.registry.store import MOST_NAMED, devices, listings, sensors, sites, streams

WORDS = ("listed", "name", "type", "metadata", "active", "created", "shown")
"""What may change of a listing."""


class Listed(NamedTuple):
    """Some of a tenant's UUIDs."""

    tenant: str
    uuids: Sequence[str]


class Loaded(NamedTuple):
    """A listing as it is stored, and its device."""

    tenant: str
    uuid: str
    device_id: int
    listed: bool
    name: str | None
    type: str | None
    metadata: str | None
    active: bool | None
    created: int | None
    shown: tuple[Shown, ...]
    key: str
    block_id: int
    site: str

    @property
    def row(self) -> ListingRow | None:
        """Its row of the list, None where it has none."""
        if not self.listed or self.name is None or self.type is None or self.created is None:
            return None
        return ListingRow(self.uuid, self.created, self.name, self.type, self.site, self.metadata, self.active)

    @property
    def is_foreign(self) -> bool:
        """Whether the device is one of another contract."""
        return self.key != self.uuid


class Place(NamedTuple):
    """Where a device is put: ids of a site and a block of it."""

    site_id: int
    block_id: int


_QUERY = (
    sa.select(listings, devices.c.key, devices.c.block_id, sites.c.key.label("site"))
    .join(devices, devices.c.id == listings.c.device_id)
    .join(sites, sites.c.id == devices.c.site_id)
    .order_by(listings.c.device_id)
)


def pieces(keys: Iterable[Any]) -> list[list[Any]]:
    """The keys in pieces that a statement may name."""
    every = list(keys)
    return [every[start : start + MOST_NAMED] for start in range(0, len(every), MOST_NAMED)]


async def load_listings(connection: AsyncConnection, only: Listed | None = None) -> list[Loaded]:
    """Every listing, or those named."""
    queries = [_QUERY]
    if only is not None:
        of_tenant = _QUERY.where(listings.c.tenant == only.tenant)
        queries = [of_tenant.where(listings.c.uuid.in_(some)) for some in pieces(only.uuids)]
    return [_loaded(row) for query in queries for row in await connection.execute(query)]


async def listing_of(connection: AsyncConnection, device_id: int) -> Loaded | None:
    """The listing of a device, None where it has no UUID."""
    found = (await connection.execute(_QUERY.where(listings.c.device_id == device_id))).first()
    return None if found is None else _loaded(found)


def _loaded(row: sa.Row[Any]) -> Loaded:
    given = row._asdict()
    return Loaded(**{**given, "shown": _read_shown(row.shown)})


def _read_shown(text: str | None) -> tuple[Shown, ...]:
    found = [] if text is None else json.loads(text)
    return tuple(
        Shown(
            each["relation"], each["layout"], {name: (quantity, factor) for name, (quantity, factor) in each["columns"].items()}
        )
        for each in found
    )


def _write_shown(shown: Sequence[Shown]) -> str | None:
    given = [{"relation": each.relation, "layout": each.layout, "columns": dict(each.columns)} for each in shown]
    return json.dumps(given, sort_keys=True) if given else None


async def keyed(connection: AsyncConnection, places: Mapping[str, Place]) -> dict[str, int]:
    """Of these keys, each at a site, those under which a device is there, and its id."""
    known: dict[str, int] = {}
    by_site: dict[int, list[str]] = {}
    for key, place in places.items():
        by_site.setdefault(place.site_id, []).append(key)
    for site_id, keys in by_site.items():
        for some in pieces(keys):
            query = sa.select(devices.c.key, devices.c.id).where(devices.c.site_id == site_id, devices.c.key.in_(some))
            known.update({row.key: row.id for row in await connection.execute(query)})
    return known


async def insert_devices(connection: AsyncConnection, tenant: str, places: Mapping[str, Place]) -> None:
    """Make devices under their UUIDs, unlisted; one that is there under such a key without a UUID is taken as it is."""
    known = await keyed(connection, places)
    fresh = [
        {"site_id": place.site_id, "block_id": place.block_id, "key": uuid, "attributes": "{}"}
        for uuid, place in places.items()
        if uuid not in known
    ]
    if fresh:
        made = await connection.execute(sa.insert(devices).returning(devices.c.key, devices.c.id), fresh)
        known.update({row.key: row.id for row in made})
    rows = [{"tenant": tenant, "uuid": uuid, "device_id": known[uuid], "listed": False} for uuid in places]
    await connection.execute(sa.insert(listings), rows)


async def insert_listing(connection: AsyncConnection, tenant: str, uuid: str, device_id: int) -> None:
    """Give a device that is there a UUID."""
    await connection.execute(sa.insert(listings).values(tenant=tenant, uuid=uuid, device_id=device_id, listed=False))


async def write_rows(connection: AsyncConnection, tenant: str, rows: Iterable[ListingRow]) -> None:
    """List devices that have a UUID, with these words."""
    values = [
        {"of": row.uuid, "n": row.name, "t": row.type, "m": row.metadata, "a": row.active, "c": row.created} for row in rows
    ]
    if not values:
        return
    words = {
        name: sa.bindparam(short, type_=listings.c[name].type)
        for name, short in (("name", "n"), ("type", "t"), ("metadata", "m"), ("active", "a"), ("created", "c"))
    }
    change = sa.update(listings).where(listings.c.tenant == tenant, listings.c.uuid == sa.bindparam("of"))
    await connection.execute(change.values(listed=True, **words), values)


async def write_shown(connection: AsyncConnection, tenant: str, uuid: str, shown: Sequence[Shown]) -> None:
    """Say what is shown under a UUID."""
    change = sa.update(listings).where(listings.c.tenant == tenant, listings.c.uuid == uuid)
    await connection.execute(change.values(shown=_write_shown(shown)))


async def unlist(connection: AsyncConnection, tenant: str, uuids: Iterable[str]) -> None:
    """Take rows off the list; the devices stay."""
    for some in pieces(uuids):
        change = sa.update(listings).where(listings.c.tenant == tenant, listings.c.uuid.in_(some))
        await connection.execute(change.values(listed=False))


async def move(connection: AsyncConnection, places: Mapping[int, Place]) -> None:
    """Put devices, named by their ids, elsewhere."""
    if places:
        change = sa.update(devices).where(devices.c.id == sa.bindparam("of"))
        change = change.values(site_id=sa.bindparam("to_site"), block_id=sa.bindparam("to_block"))
        rows = [{"of": each, "to_site": place.site_id, "to_block": place.block_id} for each, place in places.items()]
        await connection.execute(change, rows)


async def find_streams(connection: AsyncConnection, device_ids: Iterable[int], layout: str) -> dict[int, int]:
    """The streams of one layout that devices have: stream ids by device id."""
    found: dict[int, int] = {}
    for some in pieces(device_ids):
        query = sa.select(streams.c.device_id, streams.c.id).where(streams.c.device_id.in_(some), streams.c.layout == layout)
        found.update({row.device_id: row.id for row in await connection.execute(query)})
    return found


async def insert_streams(connection: AsyncConnection, device_ids: Sequence[int], layout: Layout) -> list[int]:
    """Make a stream for each device, with its sensors; the ids of the streams."""
    rows = [{"device_id": device_id, "layout": layout.name} for device_id in device_ids]
    made = [row.id for row in await connection.execute(sa.insert(streams).returning(streams.c.id), rows)]
    columns = [
        {"stream_id": stream_id, "position": i, "quantity": q.name, "unit": q.unit, "kind": q.kind, "role": q.role}
        for stream_id in made
        for i, q in enumerate(layout.quantities)
    ]
    await connection.execute(sa.insert(sensors), columns)
    return made
