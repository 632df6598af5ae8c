"""Edge computers as equipment: what they say of themselves are readings, so alarms, charts and feeds know them like any other.

EDGE-ONLINE is the platform's own observation, at the time it made it: 1 with a heartbeat, 0 when none came for 90 s.
"""

from __future__ import annotations

import math
import re

from wattline.alarms.model import Limit
from wattline.contracts.mcs.mqtt.annunciations import AlarmDesk
from wattline.contracts.mcs.mqtt.payloads import Heartbeat
from wattline.contracts.mcs.mqtt.refusal import Refused
from wattline.contracts.mcs.mqtt.topics import TAG
from wattline.model.clock import MINUTE, SECOND
from wattline.model.place import Block
from wattline.model.record import Row
from wattline.registry.point import Point, PointSpec
from wattline.registry.service import Registry

SILENCE = 90 * SECOND
"""Without a heartbeat for longer an edge is offline."""
STALE = 15 * MINUTE
"""A heartbeat as old as this was kept for us by somebody and says nothing of the present."""
POLL_MS = 30_000
ONLINE = "EDGE-ONLINE"

_SPECS: dict[str, tuple[str, float, float, str]] = {
    ONLINE: ("bool", 0, 1, "1 while its heartbeats come"),
    "EDGE-CLOUD-CONNECTED": ("bool", 0, 1, "1 while it sees its broker"),
    "EDGE-REPLAY-ACTIVE": ("bool", 0, 1, "1 while it sends what it had stored"),
    "EDGE-BUFFER-FILL": ("ratio", 0, 1, "Part of its store-and-forward memory in use"),
    "EDGE-ADAPTERS-FAILED": ("count", 0, 1000, "Adapters that do not run"),
    "EDGE-CPU": ("%", 0, 100, "Processor in use"),
    "EDGE-MEM": ("%", 0, 100, "Memory in use"),
    "EDGE-DISK": ("%", 0, 100, "Disk in use"),
    "EDGE-TEMP": ("°C", -40, 110, "Temperature inside"),
}
_LIMITS: dict[str, tuple[Limit, ...]] = {
    ONLINE: (Limit("L", "LOW", 0.5, "P1"),),
    "EDGE-CLOUD-CONNECTED": (Limit("L", "LOW", 0.5, "P3"),),
    "EDGE-BUFFER-FILL": (Limit("H", "HIGH", 0.8, "P2"), Limit("HH", "HIGH", 0.95, "P1")),
    "EDGE-ADAPTERS-FAILED": (Limit("H", "HIGH", 0.5, "P2"),),
}


class Edges:
    """The edge computers of every block, found again in the registry after a restart."""

    def __init__(self, registry: Registry, alarms: AlarmDesk) -> None:
        self._registry = registry
        self._alarms = alarms
        self._heard: dict[int, int] = {}
        self._online: list[Point] = []
        self._streams = 0
        """How many streams there were when `_online` was looked for."""

    async def rows(self, block: Block, told: Heartbeat, time: int, now: int, retained: bool) -> list[Row]:
        """The rows of a heartbeat; an edge heard of for the first time is registered, with its limits. Raises `Refused`."""
        if re.fullmatch(TAG, told.edge_id, re.ASCII) is None:
            raise Refused("VALUE_ERROR", "edge_id has 1 to 64 letters, digits, hyphens or underscores")
        points = await self._points(block, told.edge_id)
        made = [Row(points[tag].stream.id, time, now, (value,)) for tag, value in _values(told).items()]
        online = points[ONLINE]
        if retained or now - time > STALE:
            self._heard[online.id] = max(time, self._heard.get(online.id, 0))
            return made
        self._heard[online.id] = now
        return [*made, Row(online.stream.id, now, now, (1.0,))]

    def silent(self, now: int) -> list[Row]:
        """A row of EDGE-ONLINE = 0 for each edge that fell silent since it was said to be online."""
        made = []
        for point in self._known():
            # After a restart every edge has its time to be heard again.
            heard = self._heard.setdefault(point.id, now)
            newest = point.newest()
            if now - heard > SILENCE and (newest is None or newest.value != 0.0):
                made.append(Row(point.stream.id, now, now, (0.0,)))
        return made

    def _known(self) -> list[Point]:
        """EDGE-ONLINE of every edge. Asked for every second, so all points are gone through only when there are more."""
        streams = sum(self._registry.counts.values())
        if streams != self._streams:
            points = (point for block in self._registry.blocks_by_id for point in self._registry.block_points(block))
            self._online = [point for point in points if point.subsystem == "edge" and point.tag.startswith(ONLINE)]
            self._streams = streams
        return self._online

    async def _points(self, block: Block, edge_id: str) -> dict[str, Point]:
        """The points of an edge by their plain tags. Another edge of the same block has its id in its tags."""
        equipment = f"EDGE-{edge_id}"
        first = self._registry.tagged(block.id, ONLINE)
        suffix = "" if first is None or first.equipment == equipment else f"-{edge_id}"
        found = {tag: self._registry.tagged(block.id, f"{tag}{suffix}") for tag in _SPECS}
        if all(point is not None for point in found.values()):
            known = {tag: point for tag, point in found.items() if point is not None}
            if known[ONLINE].newest() is None:
                await self._limit(known)
            return known
        specs = [
            PointSpec(
                tag=f"{tag}{suffix}",
                equipment=equipment,
                equipment_type="edge_computer",
                subsystem="edge",
                unit=unit,
                kind="state" if unit == "bool" else "gauge",
                description=description,
                range_min=low,
                range_max=high,
                poll_ms=POLL_MS,
            )
            for tag, (unit, low, high, description) in _SPECS.items()
        ]
        points = await self._registry.put_points(block.site.tenant, block.site.key, block.slug, specs)
        made = dict(zip(_SPECS, points, strict=True))
        await self._limit(made)
        return made

    async def _limit(self, points: dict[str, Point]) -> None:
        """Give a new edge its limits. One that was heard before keeps what its operators made of them."""
        for tag, limits in _LIMITS.items():
            point = points[tag]
            if not self._alarms.limits(point.id):
                await self._alarms.set_limits(point.tenant, point.id, limits)


def _values(told: Heartbeat) -> dict[str, float]:
    """What a heartbeat says, by plain tag."""
    buffer = told.buffer
    fill = buffer.depth / buffer.capacity if buffer.capacity > 0 else 0.0
    values: dict[str, float | None] = {
        "EDGE-CLOUD-CONNECTED": float(buffer.cloud_connected),
        "EDGE-REPLAY-ACTIVE": float(buffer.replay_active),
        "EDGE-BUFFER-FILL": min(max(fill, 0.0), 1.0),
        "EDGE-ADAPTERS-FAILED": float(sum(adapter.status != "running" for adapter in told.adapters.values())),
    }
    if told.system is not None:
        system = told.system
        values |= {
            "EDGE-CPU": system.cpu_pct,
            "EDGE-MEM": system.mem_pct,
            "EDGE-DISK": system.disk_pct,
            "EDGE-TEMP": system.temp_c,
        }
    return {tag: value for tag, value in values.items() if value is not None and math.isfinite(value)}
