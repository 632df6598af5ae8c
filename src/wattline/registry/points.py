"""Writing points: a point schedule as equipment, streams of one sensor, and what is known of each sensor."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from wattline.model.errors import Invalid
from wattline.registry import store
from wattline.registry.point import PointSpec
from wattline.registry.registration import Registration


def device_key(block: str, spec: PointSpec) -> str:
    """The key of a point's equipment in its site: two blocks may have equipment of the same tag."""
    return f"{block}/{spec.equipment}"


def _attributes(spec: PointSpec) -> dict[str, str]:
    found = {"tag": spec.equipment, "type": spec.equipment_type, "subsystem": spec.subsystem}
    if spec.equipment_metadata is not None:
        found["metadata"] = json.dumps(dict(spec.equipment_metadata), sort_keys=True)
    return found


async def put_points(
    connection: AsyncConnection, tenant: str, site: str, block: str, specs: Sequence[PointSpec], now: int
) -> list[int]:
    """Make or update the points and their equipment; the ids of their streams, in order of the specs.

    Raises `Invalid` for a tag named twice. `check_tags` has to follow.
    """
    if len({spec.tag for spec in specs}) != len(specs):
        raise Invalid("a tag is named twice", "tag")
    made = []
    for spec in specs:
        wanted = Registration(tenant, site, device_key(block, spec), spec.layout, _attributes(spec), block)
        stream = await store.insert_stream(connection, wanted, now)
        await connection.execute(
            sa.update(store.sensors)
            .where(store.sensors.c.stream_id == stream)
            .values(
                unit=spec.unit,
                kind=spec.kind,
                tag=spec.tag,
                description=spec.description,
                subsystem=spec.subsystem,
                range_min=spec.range_min,
                range_max=spec.range_max,
                poll_ms=spec.poll_ms,
                role=spec.role,
                factor=spec.factor,
            )
        )
        made.append(stream)
    await _describe(connection, {device_key(block, spec): spec for spec in reversed(specs)}, made)
    return made


async def _describe(connection: AsyncConnection, equipment: Mapping[str, PointSpec], streams: Sequence[int]) -> None:
    """Bring the equipment up to what its first point says of it."""
    for device_id, key, known in await _devices(connection, streams):
        attributes = json.dumps(json.loads(known) | _attributes(equipment[key]), sort_keys=True)
        if attributes != known:
            await store.update(connection, store.devices, device_id, {"attributes": attributes})


async def _devices(connection: AsyncConnection, streams: Sequence[int]) -> list[tuple[int, str, str]]:
    devices = store.devices
    found: dict[int, tuple[int, str, str]] = {}
    for first in range(0, len(streams), store.MOST_NAMED):
        joined = sa.select(devices.c.id, devices.c.key, devices.c.attributes).join(store.streams)
        some = streams[first : first + store.MOST_NAMED]
        for device_id, key, attributes in await connection.execute(joined.where(store.streams.c.id.in_(some))):
            found[device_id] = (device_id, key, attributes)
    return list(found.values())


async def check_tags(connection: AsyncConnection, block: str, specs: Sequence[PointSpec], streams: Sequence[int]) -> None:
    """Raise `Invalid` where other equipment of the block bears the tag of a point; `streams` are those of the points."""
    devices, sensors = store.devices, store.sensors
    if not specs:
        return
    of_block = sa.select(devices.c.block_id).join(store.streams).where(store.streams.c.id == streams[0]).scalar_subquery()
    for first in range(0, len(specs), store.MOST_NAMED):
        wanted = {spec.tag: device_key(block, spec) for spec in specs[first : first + store.MOST_NAMED]}
        bearers = sa.select(sensors.c.tag, devices.c.key).join(store.streams, sensors.c.stream_id == store.streams.c.id)
        bearers = bearers.join(devices, store.streams.c.device_id == devices.c.id)
        bearers = bearers.where(devices.c.block_id == of_block, sensors.c.tag.in_(list(wanted)))
        for tag, key in await connection.execute(bearers):
            if key != wanted[tag]:
                raise Invalid(f"the tag {tag} is that of another point of the block, at {key.partition('/')[2]}", "tag")
