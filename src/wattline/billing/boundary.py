"""Which sensors of a block are meters, and which of them an account counts, so that no energy is counted twice."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from wattline.billing import units
from wattline.billing.model import Boundary, Kind, MeteringPoint, Role
from wattline.registry.point import Point

ELECTRICAL = "electrical"
THERMAL_LEVELS = ("thermal-hx", "thermal-l3", "thermal-l2", "thermal-l1")
"""From the edge of the heat system inwards: each passes on the heat of the next, so an account takes one level."""
UPSTREAM = ("fed_from", "parent", "upstream")
"""Keys of a device's metadata that name the equipment which supplies it."""


@dataclass(frozen=True, slots=True)
class Account:
    """Meters ordered by sensor id, and why those that count do."""

    boundary: Boundary
    meters: tuple[MeteringPoint, ...]


def meter_of(point: Point) -> MeteringPoint | None:
    """The point as a meter by its unit, None where the unit is neither power nor energy."""
    factor = point.sensor.factor
    power, energy = units.kilowatts(point.unit), units.kilowatt_hours(point.unit)
    if power is not None:
        return MeteringPoint(point, Kind.POWER, power * factor, point.unit)
    if energy is not None:
        return MeteringPoint(point, Kind.REGISTER, energy * factor, point.unit)
    return None


def _meter_by_role(point: Point) -> MeteringPoint:
    """The point as a meter because its role says so: with another unit its factor says what one of it is in kW or kWh."""
    found = meter_of(point)
    if found is not None:
        return found
    register = point.sensor.role in (Role.HEAT_ENERGY, Role.COUNTER)
    kind, unit = (Kind.REGISTER, "kWh") if register else (Kind.POWER, "kW")
    return MeteringPoint(point, kind, point.sensor.factor, unit, computed=True)


def with_roles(points: Iterable[Point], *roles: Role) -> list[MeteringPoint]:
    """The meters that have one of these roles, each device's power left out where it has a register of the same part."""
    return registers_first([_meter_by_role(point) for point in points if point.sensor.role in roles])


def registers_first(meters: Sequence[MeteringPoint]) -> list[MeteringPoint]:
    """A device that has a power sensor and a register measures the same energy twice: its register is the better witness."""
    with_register = {m.point.device.id for m in meters if m.kind is Kind.REGISTER}
    return [m for m in meters if m.kind is Kind.REGISTER or m.point.device.id not in with_register]


def _upstream(point: Point) -> str | None:
    text = point.device.attributes.get("metadata")
    if not text:
        return None
    try:
        known = json.loads(text)
    except ValueError:
        return None
    if not isinstance(known, dict):
        return None
    named = next((known[key] for key in UPSTREAM if key in known), None)
    return named if isinstance(named, str) else None


def _outermost(meters: Sequence[MeteringPoint], points: Sequence[Point]) -> list[MeteringPoint]:
    """The meters whose equipment is not fed, directly or through others, by equipment that has one of the meters."""
    feeds = {point.equipment: _upstream(point) for point in points}
    metered = {meter.equipment for meter in meters}

    def nested(equipment: str) -> bool:
        seen = {equipment}
        above = feeds.get(equipment)
        while above is not None and above not in seen:
            if above in metered:
                return True
            seen.add(above)
            above = feeds.get(above)
        return False

    return [meter for meter in meters if not nested(meter.equipment)]


def _account(boundary: Boundary, counted: Sequence[MeteringPoint], others: Iterable[MeteringPoint]) -> Account:
    ids = {meter.id for meter in counted}
    sure = boundary is not Boundary.UNASSIGNED
    meters = [replace(meter, counted=True, authoritative=sure) for meter in counted]
    meters += [meter for meter in others if meter.id not in ids]
    return Account(boundary if counted else Boundary.NONE, tuple(sorted(meters, key=lambda meter: meter.id)))


def electrical(points: Sequence[Point]) -> Account:
    """Every electrical sensor of power or energy; counted are the facility's mains.

    Several mains are added up. Without any, the submeters count that are not fed by metered equipment (the metadata of
    the equipment says what feeds it); with no role at all every electrical meter does, and none is authoritative.
    """
    shown = [meter for p in points if p.subsystem == ELECTRICAL and (meter := meter_of(p)) is not None]
    mains = with_roles(points, Role.FACILITY_MAIN)
    if mains:
        return _account(Boundary.FACILITY_MAIN, mains, shown)
    inside = [p for p in points if p.subsystem == ELECTRICAL or p.sensor.role == Role.IT_MAIN]
    below = with_roles(inside, Role.SUBMETER, Role.COUNTER, Role.IT_MAIN)
    if below:
        return _account(Boundary.SUBMETERS, _outermost(below, points), shown)
    return _account(Boundary.UNASSIGNED, registers_first(shown), shown)


def thermal(points: Sequence[Point]) -> Account:
    """Every thermal sensor of power or energy and every computed heat meter; counted are the registers of recovered heat.

    Without a register the heat power sensors count, without these the computed heat meters. With no role at all the
    outermost level of the heat system that has a meter does, and none is authoritative.
    """
    shown = [
        meter
        for p in points
        if p.subsystem in THERMAL_LEVELS and p.sensor.role != Role.REJECT_POWER and (meter := meter_of(p)) is not None
    ]
    computed = heat_meters(points)
    for role, boundary in ((Role.HEAT_ENERGY, Boundary.HEAT_ENERGY), (Role.HEAT_POWER, Boundary.HEAT_POWER)):
        counted = with_roles(points, role)
        if counted:
            return _account(boundary, counted, [*shown, *computed])
    if computed:
        return _account(Boundary.COMPUTED_HEAT, computed, shown)
    for level in THERMAL_LEVELS:
        here = [meter for meter in shown if meter.point.subsystem == level]
        if here:
            return _account(Boundary.UNASSIGNED, registers_first(here), shown)
    return _account(Boundary.NONE, [], shown)


def heat_meters(points: Sequence[Point]) -> list[MeteringPoint]:
    """Heat meters made of a flow and two temperatures of one device, or of its block where only one there can be meant.

    A device with a heat sensor of its own needs no computing.
    """
    served = {p.device.id for p in points if p.sensor.role in (Role.HEAT_ENERGY, Role.HEAT_POWER)}
    flows = [p for p in points if p.sensor.role == Role.FLOW and units.cubic_metres_per_hour(p.unit) is not None]
    found = []
    for flow in flows:
        supply = _partner(flow, flows, points, Role.T_SUPPLY)
        back = _partner(flow, flows, points, Role.T_RETURN)
        scale = units.cubic_metres_per_hour(flow.unit)
        if flow.device.id not in served and supply is not None and back is not None and scale is not None:
            meter = MeteringPoint(flow, Kind.HEAT, scale * flow.sensor.factor, "kW", computed=True, supply=supply, back=back)
            found.append(meter)
    return found


def _partner(flow: Point, flows: Sequence[Point], points: Sequence[Point], role: Role) -> Point | None:
    every = [p for p in points if p.sensor.role == role and units.celsius(p.unit) is not None]
    near = [p for p in every if p.device.id == flow.device.id]
    if near:
        alone = sum(f.device.id == flow.device.id for f in flows) == 1
        return near[0] if len(near) == 1 and alone else None
    return every[0] if len(every) == 1 and len(flows) == 1 else None
