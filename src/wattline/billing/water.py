"""Water that a block evaporates to reject heat: litres, whatever the unit of the meter.

A flow is integrated and a register is differenced by the rules of energy (`power`, `register`); only the unit differs.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from wattline.billing import units
from wattline.billing.boundary import registers_first
from wattline.billing.model import Kind, MeteringPoint
from wattline.registry.point import Point

SUBSYSTEM = "thermal-reject"
WORD = "SPRAY"
"""What the tag of a meter of spray water holds."""
VOLUME = {
    "l": 1.0,
    "litre": 1.0,
    "litres": 1.0,
    "liter": 1.0,
    "liters": 1.0,
    "kl": 1000.0,
    "m3": 1000.0,
    "gal": units.GALLON * 1000,
}
"""Litres of one of a register's unit."""


@dataclass(frozen=True, slots=True)
class WaterUse:
    """Litres, by these meters; `coverage` is the share of their time that was measured."""

    litres: Decimal
    meters: tuple[MeteringPoint, ...]
    coverage: float


def water_meter(point: Point) -> MeteringPoint | None:
    """The point as a meter of litres, None where its unit is neither a flow nor a volume."""
    flow = units.cubic_metres_per_hour(point.unit)
    if flow is not None:
        return MeteringPoint(point, Kind.POWER, flow * 1000 * point.sensor.factor, point.unit)
    volume = VOLUME.get(point.unit.strip().lower().replace("³", "3").replace("^", ""))
    return None if volume is None else MeteringPoint(point, Kind.REGISTER, volume * point.sensor.factor, point.unit)


def water_meters(points: Iterable[Point]) -> Sequence[MeteringPoint]:
    """The meters of spray water among the points of a block; of a device with a flow and a register, the register."""
    found = [water_meter(p) for p in points if p.subsystem == SUBSYSTEM and WORD in p.tag.upper()]
    return registers_first([meter for meter in found if meter is not None])
