"""What the batteries and meters of a site read at any instant.

Every day is alike: load, sun and battery follow the minute of the day, so that the energy since any instant is that of whole
days and of one part of a day, and no state has to be kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from wattline.model.clock import DAY, MINUTE, to_micros
from wattline.simulate.microgrid.definition import MeterPlan, SitePlan

EPOCH = to_micros(datetime(2026, 1, 1, tzinfo=UTC))
"""When every counter was 0."""
MINUTES = 1440
LINE_VOLTS = 415.0
POWER_FACTOR = 0.96
EFFICIENCY = 0.94
"""Of the battery, in and out together: all of it is lost on the way in."""
FLOOR = 0.15
"""The share of its capacity that a battery keeps."""

Floats = NDArray[np.float64]
SHARES = (0.36, 0.33, 0.31)
"""Of the power, by phase."""


@dataclass(frozen=True, slots=True)
class Day:
    """A power (kW, taken from the grid where positive) by minute, and the energy to the begin of each minute, both ways."""

    power: Floats
    imported: Floats
    exported: Floats

    @classmethod
    def of(cls, power: Floats) -> Day:
        """The counters are the integral of the power, held over each minute."""
        taken, given = np.maximum(power, 0) / 60, np.maximum(-power, 0) / 60
        return cls(power, np.concatenate([[0.0], np.cumsum(taken)]), np.concatenate([[0.0], np.cumsum(given)]))

    def at(self, time: int) -> tuple[float, float, float]:
        """Power now, and the energy taken and given since the epoch (kWh)."""
        days, within = divmod(time - EPOCH, DAY)
        minute, part = divmod(within, MINUTE)
        share = part / MINUTE
        imported, exported = (
            days * float(counter[-1]) + float(counter[minute]) + share * float(counter[minute + 1] - counter[minute])
            for counter in (self.imported, self.exported)
        )
        return float(self.power[minute]), imported, exported


class Microgrid:
    """One site."""

    def __init__(self, plan: SitePlan) -> None:
        hour = np.arange(MINUTES) / 60
        busy = np.exp(-(((hour - 12.5) / 4.5) ** 4)) + 0.55 * np.exp(-(((hour - 18.5) / 1.8) ** 2))
        load = plan.load_kw * (0.35 + 0.6 * busy + 0.03 * np.sin(2 * np.pi * hour * 5))
        solar = plan.solar_kw * np.maximum(0, np.sin(np.pi * (hour - 6) / 12)) ** 1.5
        charging, giving = _battery(plan, hour)
        self.plan = plan
        self._target = giving - charging
        self._stored = _stored(plan, charging, giving)
        self._days = {
            "grid": Day.of(load - solar + charging - giving),
            "battery": Day.of(charging - giving),
            "solar": Day.of(-solar),
        }

    def battery(self, time: int) -> Mapping[str, float | int]:
        """A reading of the battery: what it holds (kWh) and what was asked of it (kW, positive where it gives)."""
        minute, part = divmod((time - EPOCH) % DAY, MINUTE)
        share = part / MINUTE
        held = float(self._stored[minute] + share * (self._stored[minute + 1] - self._stored[minute]))
        target = float(self._target[minute])
        return {
            "soe": round(held, 3),
            "target_power": round(target, 2),
            "available_inverter_blocks": 4,
            "command_source": 1 if target > 0 else 3 if target < 0 else 0,
        }

    def meter(self, meter: MeterPlan, time: int) -> Mapping[str, float]:
        """A reading of a meter: power (kW), currents (A), voltage (V), frequency (Hz) and counters (kWh)."""
        power, imported, exported = self._days[meter.measures].at(time)
        second = time / 1e6
        volts = LINE_VOLTS + 1.5 * np.sin(second / 97) - 0.01 * power
        apparent = abs(power) / POWER_FACTOR
        amps = apparent * 1000 / (np.sqrt(3) * volts)
        found = {
            "frequency": 50 + 0.02 * np.sin(second / 31) + 0.01 * np.sin(second / 7),
            "voltage_line_average": volts,
            "current_phase_average": amps,
            "power_total_active": power,
            "power_total_reactive": np.copysign(np.sqrt(apparent**2 - power**2), power),
            "power_total_apparent": apparent,
            "power_factor_total": POWER_FACTOR,
            "energy_imported_active": imported,
            "energy_exported_active": exported,
        }
        for phase, share in zip("abc", SHARES, strict=True):
            found |= {
                f"current_phase_{phase}": 3 * share * amps,
                f"power_phase_{phase}_active": share * power,
                f"energy_imported_phase_{phase}_active": share * imported,
                f"energy_exported_phase_{phase}_active": share * exported,
            }
        return {name: round(float(value), 4) for name, value in found.items()}


def _battery(plan: SitePlan, hour: Floats) -> tuple[Floats, Floats]:
    """What the battery takes and gives (kW): it charges in the night and gives in the evening, as much as it can hold."""
    evening = np.where((hour >= 16.5) & (hour < 20.5), np.sin(np.pi * (hour - 16.5) / 4), 0.0)
    night = np.where((hour >= 1) & (hour < 6), np.sin(np.pi * (hour - 1) / 5), 0.0)
    room = (1 - FLOOR) * plan.battery_kwh * 0.9
    giving = evening * min(plan.battery_kw, room / (evening.sum() / 60))
    charging = night * (giving.sum() / night.sum() / EFFICIENCY)
    return charging, giving


def _stored(plan: SitePlan, charging: Floats, giving: Floats) -> Floats:
    """What the battery holds at the begin of each minute (kWh); a day ends as it began."""
    moved = np.concatenate([[0.0], np.cumsum(charging * EFFICIENCY - giving) / 60])
    held: Floats = moved - moved.min() + FLOOR * plan.battery_kwh
    return held
