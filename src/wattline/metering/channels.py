"""Where the fields of a meter are stored, and what is made of a value on its way in."""

from __future__ import annotations

from typing import NamedTuple

from wattline.metering.fields import COLUMN, FIELDS, LAYOUT, Field
from wattline.metering.model import Channel, Meter
from wattline.model.place import Device
from wattline.registry.service import Registry
from wattline.registry.stream import Stream

POWERS, VOLTS, AMPERES, REGISTERS = {"W", "var", "VA"}, {"V"}, {"A"}, {"kWh", "kvarh"}
CONVERSIONS = {
    ("kW", "W"): 1e3,
    ("MW", "W"): 1e6,
    ("kvar", "var"): 1e3,
    ("Mvar", "var"): 1e6,
    ("kVA", "VA"): 1e3,
    ("MVA", "VA"): 1e6,
    ("Wh", "kWh"): 1e-3,
    ("MWh", "kWh"): 1e3,
    ("varh", "kvarh"): 1e-3,
    ("Mvarh", "kvarh"): 1e3,
    ("mV", "V"): 1e-3,
    ("kV", "V"): 1e3,
    ("mA", "A"): 1e-3,
    ("kA", "A"): 1e3,
}
"""What multiplies a value of the first unit to give one of the second."""


class Scale(NamedTuple):
    """What is stored of a field is (value * factor) / divisor; the divisor makes 1234567 Wh 1234.567 kWh to the last bit."""

    column: int
    factor: float
    divisor: float


def scales(meter: Meter) -> tuple[Scale, ...]:
    """What the intake applies to the fields of a reading, by column; a field that is not named is stored as sent.

    Registers that count in Wh (varh) are stored in kWh (kvarh). Secondary readings, and only those, are multiplied: currents
    by `ct_ratio`, voltages by `vt_ratio`, powers and registers by both.
    """
    current = meter.ct_ratio if meter.secondary_readings else 1.0
    voltage = meter.vt_ratio if meter.secondary_readings else 1.0
    found = []
    for column, field in enumerate(FIELDS):
        factor, divisor = _ratio(field, current, voltage), 1.0
        if field.unit in REGISTERS and meter.energy_unit == "Wh":
            divisor = 1000.0
        if factor != 1.0 or divisor != 1.0:
            found.append(Scale(column, factor, divisor))
    return tuple(found)


def _ratio(field: Field, current: float, voltage: float) -> float:
    if field.unit in AMPERES:
        return current
    if field.unit in VOLTS:
        return voltage
    return current * voltage if field.unit in POWERS or field.unit in REGISTERS else 1.0


def usual_factor(unit: str, field: Field) -> float | None:
    """What makes a quantity in this unit the field, None where the units do not say it."""
    return 1.0 if unit == field.unit else CONVERSIONS.get((unit, field.unit))


def device_at(registry: Registry, tenant: str, site: str, key: str) -> Device | None:
    """The device of a site with this key."""
    for block in registry.blocks(tenant, site):
        for device in registry.block_devices(block.id):
            if device.key == key:
                return device
    return None


def quantities(registry: Registry, device: Device) -> dict[str, tuple[Stream, int]]:
    """Where each quantity of a device is; of those that several of its streams have, the one of the first stream."""
    found: dict[str, tuple[Stream, int]] = {}
    for stream in registry.device_streams(device):
        for column, sensor in enumerate(stream.sensors):
            found.setdefault(sensor.quantity.name, (stream, column))
    return found


def own_channel(registry: Registry, meter: Meter, field: str) -> Channel | None:
    """Where a field of a meter with readings of its own is stored."""
    stream = registry.find(meter.tenant, meter.site, meter.device_key, LAYOUT.name)
    column = COLUMN.get(field)
    return None if stream is None or column is None or column >= len(stream.sensors) else Channel(stream, column, 1.0)


def sourced_channel(registry: Registry, meter: Meter, field: str) -> Channel | None:
    """Where a field of a meter that reads another device is stored."""
    source = meter.source
    wanted = None if source is None else next((each for each in source.fields if each.field == field), None)
    device = None if source is None or wanted is None else device_at(registry, meter.tenant, source.site, source.device)
    if device is None or wanted is None:
        return None
    place = quantities(registry, device).get(wanted.quantity)
    return None if place is None else Channel(*place, wanted.factor)
