"""Writing points: a point schedule as equipment, streams of one sensor, and what is known of each sensor."""

from __future__ import annotations

import json
from collections.abc import Sequence

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
    """Make or update the points; the ids of their streams, in order of the specs. Raises `Invalid` for a tag named twice."""
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
    return made
