"""The fields of a reading of a meter: their names, units and ranges. In SI units, as the published page has them.

Power is positive where energy is taken from the grid, registers count in kWh whatever the meter's own unit is.
"""

from __future__ import annotations

from typing import NamedTuple

from wattline.model.place import Layout, Quantity, SensorKind


class Field(NamedTuple):
    """One number of a reading; `low` and `high` are still allowed."""

    name: str
    unit: str
    low: float
    high: float
    kind: SensorKind = "gauge"


POWER, ENERGY, VOLTAGE, CURRENT = 1e9, 1e12, 1e6, 1e6
FIELDS: tuple[Field, ...] = (
    Field("total_power", "W", -POWER, POWER),
    Field("power_a", "W", -POWER, POWER),
    Field("power_b", "W", -POWER, POWER),
    Field("power_c", "W", -POWER, POWER),
    Field("total_energy", "kWh", 0, ENERGY, "counter"),
    Field("energy_export", "kWh", 0, ENERGY, "counter"),
    Field("reactive_power", "var", -POWER, POWER),
    Field("apparent_power", "VA", 0, POWER),
    Field("reactive_energy", "kvarh", 0, ENERGY, "counter"),
    Field("voltage_a", "V", 0, VOLTAGE),
    Field("voltage_b", "V", 0, VOLTAGE),
    Field("voltage_c", "V", 0, VOLTAGE),
    Field("voltage_ab", "V", 0, VOLTAGE),
    Field("voltage_bc", "V", 0, VOLTAGE),
    Field("voltage_ca", "V", 0, VOLTAGE),
    Field("current_a", "A", -CURRENT, CURRENT),
    Field("current_b", "A", -CURRENT, CURRENT),
    Field("current_c", "A", -CURRENT, CURRENT),
    Field("current_n", "A", -CURRENT, CURRENT),
    Field("frequency", "Hz", 0, 100),
    Field("power_factor", "1", -1, 1),
    Field("pf_a", "1", -1, 1),
    Field("pf_b", "1", -1, 1),
    Field("pf_c", "1", -1, 1),
    Field("thd_v_a", "%", 0, 1000),
    Field("thd_v_b", "%", 0, 1000),
    Field("thd_v_c", "%", 0, 1000),
    Field("thd_i_a", "%", 0, 1000),
    Field("thd_i_b", "%", 0, 1000),
    Field("thd_i_c", "%", 0, 1000),
    Field("temperature", "Cel", -273.15, 1e6),
)
"""In the order of the columns, which is stored and must never change: a new field goes to the end."""
NAMES = tuple(field.name for field in FIELDS)
COLUMN = {name: number for number, name in enumerate(NAMES)}
"""Where a field is in the values of a row."""
WIDTH = len(FIELDS)
LAYOUT = Layout("energy", tuple(Quantity(field.name, field.unit, field.kind) for field in FIELDS))
"""The stream of a meter. What is not a number (breaker_state, quality, seq, extra) is in the row's status, as JSON."""
