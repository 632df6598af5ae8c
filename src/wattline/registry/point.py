"""A point: one sensor and everything that says where it is and what it means."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from wattline.model.clock import SECOND
from wattline.model.place import Block, Device, Layout, Quantity, Sensor, SensorKind, Site
from wattline.registry.stream import Stream

POLL = 5 * SECOND
"""How often a sensor is read where nobody said it, in us."""
LAYOUT = "point"
"""Begins the layout of a stream that is one point: every point reports on its own."""


class Reading(NamedTuple):
    """Time in us, value, quality 0 to 2."""

    time: int
    value: float
    quality: int


@dataclass(frozen=True, slots=True)
class PointSpec:
    """A point as a schedule names it. `tag` is unique in the block; `equipment` is made where it does not exist."""

    tag: str
    equipment: str
    subsystem: str
    unit: str
    kind: SensorKind = "gauge"
    equipment_type: str = ""
    equipment_metadata: Mapping[str, Any] | None = None
    description: str | None = None
    range_min: float | None = None
    range_max: float | None = None
    poll_ms: int | None = None
    role: str | None = None
    factor: float = 1.0

    @property
    def layout(self) -> Layout:
        """The columns of its stream: itself."""
        return Layout(f"{LAYOUT}:{self.tag}", (Quantity(self.tag, self.unit, self.kind),))


@dataclass(frozen=True, slots=True)
class Point:
    """One sensor in its place. Two points are equal when they are the same sensor."""

    sensor: Sensor = field(compare=False)
    stream: Stream = field(compare=False)
    position: int = field(compare=False)
    id: int

    @property
    def device(self) -> Device:
        return self.stream.device

    @property
    def block(self) -> Block:
        return self.stream.device.block

    @property
    def site(self) -> Site:
        return self.stream.device.site

    @property
    def tenant(self) -> str:
        return self.stream.device.site.tenant

    @property
    def tag(self) -> str:
        """Its tag, or the device's key and the quantity where it has none."""
        return self.sensor.tag or f"{self.stream.device.key}-{self.sensor.quantity.name}"

    @property
    def unit(self) -> str:
        return self.sensor.quantity.unit

    @property
    def kind(self) -> SensorKind:
        return self.sensor.quantity.kind

    @property
    def subsystem(self) -> str:
        """Its own subsystem, or its equipment's; what measures a grid is electrical."""
        return self.sensor.subsystem or self.stream.device.attributes.get("subsystem", "electrical")

    @property
    def equipment(self) -> str:
        """The tag of its device."""
        return self.stream.device.attributes.get("tag", self.stream.device.key)

    @property
    def poll(self) -> int:
        """How often it is read, in us."""
        return POLL if self.sensor.poll_ms is None else self.sensor.poll_ms * (SECOND // 1000)

    def newest(self) -> Reading | None:
        """The newest committed reading, from memory; None before the first, or where the newest row left it out."""
        row = self.stream.latest
        if row is None:
            return None
        value = row.values[self.position]
        if value is None:
            return None
        quality = row.quality if isinstance(row.quality, int) else row.quality[self.position]
        return Reading(row.time, value, quality)
