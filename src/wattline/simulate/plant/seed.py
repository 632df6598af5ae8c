"""The plant in the registry and in the alarm engine, exactly as the definition names it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from wattline.alarms.limits import from_thresholds
from wattline.alarms.model import Limit
from wattline.model.clock import DAY, Clock
from wattline.registry.point import Point, PointSpec
from wattline.registry.service import Registry
from wattline.simulate.plant.definition import (
    BLOCK,
    BLOCK_ATTRIBUTES,
    COMMISSIONED_DAYS,
    POINTS,
    POLL_MS,
    SITE,
    SITE_ATTRIBUTES,
    PlantPoint,
)


class LimitKeeper(Protocol):
    """What seeding needs of the alarm engine."""

    def limits(self, sensor_id: int) -> tuple[Limit, ...]:
        """The limits of a sensor."""
        ...

    async def set_limits(self, tenant: str, sensor_id: int, limits: Sequence[Limit]) -> object:
        """Replace the limits of a sensor."""
        ...


def spec(point: PlantPoint) -> PointSpec:
    """A point of the plant as the registry takes it."""
    return PointSpec(
        tag=point.tag,
        equipment=point.equipment.tag,
        subsystem=point.equipment.subsystem,
        unit=point.unit,
        kind=point.kind,
        equipment_type=point.equipment.type,
        equipment_metadata=point.equipment.metadata,
        description=point.description,
        range_min=point.low,
        range_max=point.high,
        poll_ms=POLL_MS,
        role=point.role,
        factor=point.factor,
    )


def limits(point: PlantPoint) -> tuple[Limit, ...]:
    """The alarm limits of a point of the plant; those of a boolean one are violated by the limit itself."""
    return from_thresholds(point.limits, range_span=point.high - point.low, boolean=point.unit == "bool")


async def seed(registry: Registry, alarms: LimitKeeper, tenant: str, clock: Clock) -> list[Point]:
    """Register the plant; its points, in order. Idempotent; limits that somebody has set meanwhile stay as they are.

    On a data directory that holds nothing yet the points get the sensor ids 1 to 35: call it before anything else registers.
    """
    if registry.block(tenant, SITE, BLOCK) is None:
        await registry.put_site(tenant, SITE, **SITE_ATTRIBUTES)
        commissioned = clock.micros() - COMMISSIONED_DAYS * DAY
        await registry.put_block(tenant, SITE, BLOCK, **BLOCK_ATTRIBUTES, commissioned=commissioned)
    points = await registry.put_points(tenant, SITE, BLOCK, [spec(point) for point in POINTS])
    for point, known in zip(points, POINTS, strict=True):
        if known.limits and not alarms.limits(point.id):
            await alarms.set_limits(tenant, point.id, limits(known))
    return points
