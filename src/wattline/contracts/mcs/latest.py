"""GET /telemetry/latest: the newest readings of a block, from memory."""

from __future__ import annotations

import msgspec
from fastapi import Response

from wattline.contracts.mcs.blocks import Blocks, required
from wattline.contracts.mcs.errors import JSON
from wattline.contracts.mcs.parameters import LatestQuery
from wattline.contracts.mcs.subsystems import listed
from wattline.contracts.mcs.times import spell_all
from wattline.model.clock import HOUR, Clock
from wattline.model.principal import Principal
from wattline.platform import Platform
from wattline.registry.point import Point, Reading

FRESH = HOUR
"""A reading that is older is stale."""


class LatestReading(msgspec.Struct, gc=False):
    """The newest reading of one sensor."""

    sensor_id: int
    tag: str
    subsystem: str
    unit: str | None
    value: float
    quality: int
    timestamp: str


class JudgedReading(LatestReading, gc=False):
    """The same, and whether it is old."""

    stale: bool


class Latest(msgspec.Struct):
    """The answer."""

    block_slug: str
    sensor_count: int
    readings: list[LatestReading]


class LatestValues:
    """The query on a platform."""

    def __init__(self, platform: Platform, blocks: Blocks) -> None:
        self._registry = platform.registry
        self._clock: Clock = platform.clock
        self._blocks = blocks

    async def __call__(self, principal: Principal, query: LatestQuery) -> Response:
        """An unknown block has no readings. Raises `Ambiguous`."""
        text = required(query.block_slug, query.block_id)
        block = self._blocks.find(principal, text)
        if block is None:
            return _answer(Latest(text, 0, []))
        since = self._clock.micros() - FRESH
        found: list[tuple[Point, Reading]] = []
        for point in listed(self._registry.block_points(block.id), query.subsystem):
            reading = point.newest()
            if reading is not None and (reading.time >= since or query.include_stale):
                found.append((point, reading))
        found.sort(key=lambda each: each[0].id)
        times = spell_all([reading.time for _, reading in found])
        rows: list[LatestReading] = []
        for (point, reading), time in zip(found, times, strict=True):
            fields = (point.id, point.tag, point.subsystem, point.unit or None, reading.value, reading.quality, time)
            stale = reading.time < since
            rows.append(JudgedReading(*fields, stale) if query.include_stale else LatestReading(*fields))
        return _answer(Latest(block.slug, len(rows), rows))


def _answer(found: Latest) -> Response:
    return Response(msgspec.json.encode(found), media_type=JSON)
