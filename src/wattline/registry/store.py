"""The registry's tables and queries."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from wattline.model.place import Block, Device, Layout, Quantity, Sensor, Site
from wattline.registry.registration import Description, Registration
from wattline.registry.stream import Stream
from wattline.state.tables import metadata

MOST_NAMED = 500
"""Ids that one statement names; for more, reading the whole table is as quick."""

sites = sa.Table(
    "sites",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("tenant", sa.Text, nullable=False),
    sa.Column("key", sa.Text, nullable=False),
    sa.Column("name", sa.Text),
    sa.Column("latitude", sa.Float),
    sa.Column("longitude", sa.Float),
    sa.Column("region", sa.Text),
    sa.Column("status", sa.Text, nullable=False, server_default="active"),
    sa.Column("zone", sa.Text),
    sa.Column("config", sa.Text),
    sa.Column("created", sa.BigInteger),
    sa.UniqueConstraint("tenant", "key"),
)

blocks = sa.Table(
    "blocks",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("site_id", sa.Integer, sa.ForeignKey("sites.id"), nullable=False),
    sa.Column("slug", sa.Text, nullable=False),
    sa.Column("capacity_mw", sa.Float, nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("commissioned", sa.BigInteger),
    sa.Column("config", sa.Text),
    sa.Column("mode", sa.Text),
    sa.Column("mode_since", sa.BigInteger),
    sa.UniqueConstraint("site_id", "slug"),
)

devices = sa.Table(
    "devices",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("site_id", sa.Integer, sa.ForeignKey("sites.id"), nullable=False),
    sa.Column("key", sa.Text, nullable=False),
    sa.Column("attributes", sa.Text, nullable=False),
    sa.Column("block_id", sa.Integer),
    sa.UniqueConstraint("site_id", "key"),
)

streams = sa.Table(
    "streams",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("device_id", sa.Integer, sa.ForeignKey("devices.id"), nullable=False),
    sa.Column("layout", sa.Text, nullable=False),
    sa.UniqueConstraint("device_id", "layout"),
)

sensors = sa.Table(
    "sensors",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("stream_id", sa.Integer, sa.ForeignKey("streams.id"), nullable=False),
    sa.Column("position", sa.Integer, nullable=False),
    sa.Column("quantity", sa.Text, nullable=False),
    sa.Column("unit", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("tag", sa.Text),
    sa.Column("description", sa.Text),
    sa.Column("subsystem", sa.Text),
    sa.Column("range_min", sa.Float),
    sa.Column("range_max", sa.Float),
    sa.Column("poll_ms", sa.Integer),
    sa.Column("role", sa.Text),
    sa.Column("factor", sa.Float, nullable=False, server_default="1"),
    sa.UniqueConstraint("stream_id", "position"),
)

listings = sa.Table(
    "listings",
    metadata,
    sa.Column("tenant", sa.Text, primary_key=True),
    sa.Column("uuid", sa.Text, primary_key=True),
    sa.Column("device_id", sa.Integer, sa.ForeignKey("devices.id"), nullable=False),
    sa.Column("listed", sa.Boolean, nullable=False),
    sa.Column("name", sa.Text),
    sa.Column("type", sa.Text),
    sa.Column("metadata", sa.Text),
    sa.Column("active", sa.Boolean),
    sa.Column("created", sa.BigInteger),
    sa.Column("shown", sa.Text),
    sa.UniqueConstraint("device_id"),
)
"""Devices that have a UUID; `listing.Listing` says what the columns mean."""

registry_versions = sa.Table(
    "registry_versions",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("version", sa.BigInteger, nullable=False),
)
"""One row, counted up by every change, so that other processes see that there was one."""


async def version(connection: AsyncConnection) -> int:
    """The number of the newest change."""
    found = await connection.execute(sa.select(registry_versions.c.version))
    return int(found.scalar_one())


async def next_version(connection: AsyncConnection) -> int:
    """Count the caller's change; last in its transaction, because writers wait here for one another."""
    table = registry_versions
    found = await connection.execute(sa.update(table).values(version=table.c.version + 1).returning(table.c.version))
    return int(found.scalar_one())


async def _find_or_insert(
    connection: AsyncConnection, table: sa.Table, unique: Mapping[str, Any], **rest: Any
) -> tuple[int, bool]:
    """The id of the row with these unique values, and whether it was made now. Safe against another process doing the same."""
    match = sa.and_(*(table.c[name] == value for name, value in unique.items()))
    found = (await connection.execute(sa.select(table.c.id).where(match))).scalar()
    if found is not None:
        return found, False
    try:
        async with connection.begin_nested():
            made = await connection.execute(sa.insert(table).values(**unique, **rest).returning(table.c.id))
            return made.scalar_one(), True
    except sa.exc.IntegrityError:
        return (await connection.execute(sa.select(table.c.id).where(match))).scalar_one(), False


async def insert_stream(connection: AsyncConnection, wanted: Registration, created: int) -> int:
    """Make what is missing of site, block, device, stream and sensors; return the stream's id."""
    site_id = await insert_site(connection, wanted.tenant, wanted.site, created)
    block_id = await insert_block(connection, site_id, wanted.block or wanted.site)
    text = json.dumps(dict(wanted.attributes), sort_keys=True)
    unique = {"site_id": site_id, "key": wanted.device}
    device_id, _ = await _find_or_insert(connection, devices, unique, attributes=text, block_id=block_id)
    layout = wanted.layout
    stream_id, made = await _find_or_insert(connection, streams, {"device_id": device_id, "layout": layout.name})
    if made:
        columns = [
            {"stream_id": stream_id, "position": i, "quantity": q.name, "unit": q.unit, "kind": q.kind, "role": q.role}
            for i, q in enumerate(layout.quantities)
        ]
        await connection.execute(sa.insert(sensors), columns)
    return stream_id


async def describe_stream(connection: AsyncConnection, wanted: Description) -> None:
    """Change the attributes of a stream's device and the energy roles of its sensors."""
    if wanted.attributes:
        device = devices.c.id == wanted.stream.device.id
        known = json.loads((await connection.execute(sa.select(devices.c.attributes).where(device))).scalar_one())
        given = {name: text for name, text in (known | dict(wanted.attributes)).items() if text is not None}
        await update(connection, devices, wanted.stream.device.id, {"attributes": json.dumps(given, sort_keys=True)})
    given_roles = [
        {"sensor": sensor.id, "given": wanted.roles[sensor.quantity.name]}
        for sensor in wanted.stream.sensors
        if sensor.quantity.name in wanted.roles
    ]
    if given_roles:
        chosen = sa.update(sensors).where(sensors.c.id == sa.bindparam("sensor")).values(role=sa.bindparam("given"))
        await connection.execute(chosen, given_roles)


async def insert_site(connection: AsyncConnection, tenant: str, key: str, created: int) -> int:
    """The site's id; made where it does not exist."""
    found, _ = await _find_or_insert(connection, sites, {"tenant": tenant, "key": key}, created=created)
    return found


async def insert_block(connection: AsyncConnection, site_id: int, slug: str) -> int:
    """The block's id; made where it does not exist."""
    found, _ = await _find_or_insert(connection, blocks, {"site_id": site_id, "slug": slug}, capacity_mw=0.0, status="active")
    return found


async def update(connection: AsyncConnection, table: sa.Table, row_id: int, values: Mapping[str, Any]) -> None:
    """Write changed attributes of one row; mappings become JSON."""
    await connection.execute(sa.update(table).where(table.c.id == row_id).values(**written(values)))


async def update_mode(connection: AsyncConnection, block_id: int, mode: str, since: int) -> None:
    """Write a block's mode, unless it has one since later."""
    older = sa.or_(blocks.c.mode_since.is_(None), blocks.c.mode_since <= since)
    await connection.execute(sa.update(blocks).where(blocks.c.id == block_id, older).values(mode=mode, mode_since=since))


def written(values: Mapping[str, Any]) -> dict[str, Any]:
    """Attributes as their columns hold them."""
    return {k: json.dumps(v, sort_keys=True) if isinstance(v, Mapping) else v for k, v in values.items()}


def _json(text: str | None) -> dict[str, Any] | None:
    return None if text is None else json.loads(text)


async def load_sites(connection: AsyncConnection) -> list[Site]:
    """Every site, by id."""
    return [
        Site(r.id, r.tenant, r.key, r.name, r.latitude, r.longitude, r.region, r.status, r.zone, _json(r.config), r.created)
        for r in await connection.execute(sa.select(sites).order_by(sites.c.id))
    ]


async def load_blocks(connection: AsyncConnection, known_sites: Mapping[int, Site]) -> list[Block]:
    """Every block of the known sites, by id."""
    return [
        Block(
            r.id,
            known_sites[r.site_id],
            r.slug,
            r.capacity_mw,
            r.status,
            r.commissioned,
            _json(r.config),
            r.mode,
            r.mode_since,
        )
        for r in await connection.execute(sa.select(blocks).order_by(blocks.c.id))
        if r.site_id in known_sites
    ]


async def load_attributes(connection: AsyncConnection, only: Sequence[int] | None = None) -> dict[int, dict[str, str]]:
    """What is kept of every device that has a stream, or of the devices of the streams named; by device id."""
    query = sa.select(devices.c.id, devices.c.attributes).distinct().join(streams, streams.c.device_id == devices.c.id)
    if only is not None and len(only) <= MOST_NAMED:
        query = query.where(streams.c.id.in_(only))
    return {row.id: json.loads(row.attributes) for row in await connection.execute(query)}


async def load_streams(
    connection: AsyncConnection,
    known_blocks: Mapping[int, Block],
    known_devices: dict[int, Device],
    only: Sequence[int] | None = None,
) -> list[Stream]:
    """Every stream, or those named, with its sensors. Devices not seen before are added to `known_devices`."""
    query = (
        sa.select(
            streams.c.id,
            streams.c.layout,
            devices.c.id.label("device_id"),
            devices.c.block_id,
            devices.c.key,
            devices.c.attributes,
        )
        .join(devices, devices.c.id == streams.c.device_id)
        .order_by(streams.c.id)
    )
    columns = sa.select(sensors).order_by(sensors.c.stream_id, sensors.c.position)
    if only is not None and len(only) <= MOST_NAMED:
        query, columns = query.where(streams.c.id.in_(only)), columns.where(sensors.c.stream_id.in_(only))
    by_stream: dict[int, list[Sensor]] = {}
    for c in await connection.execute(columns):
        by_stream.setdefault(c.stream_id, []).append(
            Sensor(
                c.id,
                Quantity(c.quantity, c.unit, c.kind),
                c.tag,
                c.description,
                c.subsystem,
                c.range_min,
                c.range_max,
                c.poll_ms,
                c.role,
                c.factor,
            )
        )
    loaded = []
    chosen = None if only is None else set(only)
    for r in await connection.execute(query):
        if chosen is not None and r.id not in chosen:
            continue
        device = known_devices.get(r.device_id)
        if device is None:
            block = known_blocks[r.block_id]
            device = Device(r.device_id, block.site, r.key, json.loads(r.attributes), block=block)
            known_devices[r.device_id] = device
        own = tuple(by_stream.get(r.id, ()))
        loaded.append(Stream(r.id, device, Layout(r.layout, tuple(sensor.quantity for sensor in own)), own))
    return loaded
