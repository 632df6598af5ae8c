"""The registry's tables and queries."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from wattline.model.place import Device, Layout, Quantity, Sensor, Site
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
    sa.UniqueConstraint("tenant", "key"),
)

devices = sa.Table(
    "devices",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("site_id", sa.Integer, sa.ForeignKey("sites.id"), nullable=False),
    sa.Column("key", sa.Text, nullable=False),
    sa.Column("attributes", sa.Text, nullable=False),
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
    sa.UniqueConstraint("stream_id", "position"),
)


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


async def insert_stream(
    connection: AsyncConnection, tenant: str, site: str, device: str, layout: Layout, attributes: Mapping[str, str]
) -> int:
    """Make what is missing of site, device, stream and sensors; return the stream's id."""
    site_id, _ = await _find_or_insert(connection, sites, {"tenant": tenant, "key": site})
    text = json.dumps(dict(attributes), sort_keys=True)
    device_id, _ = await _find_or_insert(connection, devices, {"site_id": site_id, "key": device}, attributes=text)
    stream_id, made = await _find_or_insert(connection, streams, {"device_id": device_id, "layout": layout.name})
    if made:
        columns = [
            {"stream_id": stream_id, "position": i, "quantity": q.name, "unit": q.unit, "kind": q.kind}
            for i, q in enumerate(layout.quantities)
        ]
        await connection.execute(sa.insert(sensors), columns)
    return stream_id


async def load_sites(connection: AsyncConnection) -> list[Site]:
    """Every site, by id."""
    rows = await connection.execute(sa.select(sites).order_by(sites.c.id))
    return [Site(r.id, r.tenant, r.key, r.name, r.latitude, r.longitude) for r in rows]


async def update_site(connection: AsyncConnection, site_id: int, values: Mapping[str, Any]) -> None:
    """Write the changed attributes of a site."""
    await connection.execute(sa.update(sites).where(sites.c.id == site_id).values(**values))


async def load_streams(
    connection: AsyncConnection,
    known_sites: Mapping[int, Site],
    known_devices: dict[int, Device],
    only: Sequence[int] | None = None,
) -> list[Stream]:
    """Every stream, or those named, with its sensors. Devices not seen before are added to `known_devices`."""
    query = (
        sa.select(
            streams.c.id,
            streams.c.layout,
            devices.c.id.label("device_id"),
            devices.c.site_id,
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
        by_stream.setdefault(c.stream_id, []).append(Sensor(c.id, Quantity(c.quantity, c.unit, c.kind)))
    loaded = []
    chosen = None if only is None else set(only)
    for r in await connection.execute(query):
        if chosen is not None and r.id not in chosen:
            continue
        device = known_devices.get(r.device_id)
        if device is None:
            device = known_devices[r.device_id] = Device(r.device_id, known_sites[r.site_id], r.key, json.loads(r.attributes))
        own = tuple(by_stream.get(r.id, ()))
        loaded.append(Stream(r.id, device, Layout(r.layout, tuple(sensor.quantity for sensor in own)), own))
    return loaded
