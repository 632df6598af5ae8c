"""GET /equipment/{block_slug} and /sensors/{block_slug}."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

from fastapi import APIRouter, Depends

from wattline.alarms.limits import to_thresholds
from wattline.contracts.mcs import documents
from wattline.contracts.mcs.blocks import Blocks
from wattline.contracts.mcs.gate import Gate
from wattline.contracts.mcs.subsystems import SubsystemFilter, listed, rank, scheduled
from wattline.model.errors import NotFound
from wattline.model.place import Device
from wattline.model.principal import Principal
from wattline.platform import Platform
from wattline.registry.point import Point

USUAL = "electrical"
"""The subsystem of what names none: it measures a grid."""


def metadata_of(device: Device) -> dict[str, Any] | None:
    """What is kept about a piece of equipment."""
    try:
        found = json.loads(device.attributes.get("metadata", "null"))
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def thresholds_of(platform: Platform, point: Point) -> dict[str, Any] | None:
    """The alarm limits of a sensor, None where it has none."""
    low, high = point.sensor.range_min, point.sensor.range_max
    span = None if low is None or high is None else high - low
    return to_thresholds(platform.alarms.limits(point.id), range_span=span) or None


def build(platform: Platform, gate: Gate, blocks: Blocks) -> APIRouter:
    """The routes, on this platform."""
    router = APIRouter(tags=["MCS places"])
    caller = Depends(gate.reader)
    registry = platform.registry

    @router.get("/equipment/{block_slug:path}", summary="Equipment list", responses=documents.refusals(404, 409, 422))
    async def equipment(block_slug: str, principal: Principal = caller) -> list[documents.Equipment]:
        """The equipment of a block, by subsystem and tag. A block without any is answered like an unknown one."""
        found = blocks.find(principal, block_slug)
        devices = [] if found is None else scheduled(registry.block_devices(found.id))
        if found is None or not devices:
            raise NotFound(f"No equipment found for block '{block_slug}'")
        sensors = Counter(point.device.id for point in registry.block_points(found.id))
        rows = [
            documents.Equipment(
                id=device.id,
                tag=device.attributes.get("tag", device.key),
                type=device.attributes.get("type") or "device",
                subsystem=device.attributes.get("subsystem", USUAL),
                block_slug=found.slug,
                metadata=metadata_of(device),
                sensor_count=sensors[device.id],
            )
            for device in devices
        ]
        return sorted(rows, key=lambda row: (rank(row.subsystem), row.tag, row.id))

    @router.get("/sensors/{block_slug:path}", summary="Sensor registry", responses=documents.refusals(404, 409, 422))
    async def sensors(
        block_slug: str, subsystem: SubsystemFilter = None, principal: Principal = caller
    ) -> list[documents.Sensor]:
        """The sensors of a block, by subsystem and tag. An unknown block has none."""
        found = blocks.find(principal, block_slug)
        points = [] if found is None else listed(registry.block_points(found.id), subsystem)
        rows = [
            documents.Sensor(
                id=point.id,
                tag=point.tag,
                description=point.sensor.description,
                unit=point.unit or None,
                subsystem=point.subsystem,
                equipment_tag=point.equipment,
                block_slug=point.block.slug,
                range_min=point.sensor.range_min,
                range_max=point.sensor.range_max,
                poll_rate_ms=point.sensor.poll_ms,
                alarm_thresholds=thresholds_of(platform, point),
            )
            for point in points
        ]
        return sorted(rows, key=lambda row: (rank(row.subsystem), row.tag, row.id))

    return router
