"""What the instruments of the plant show: the true state by tag, with the noise and the resolution of each instrument."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from wattline.model.clock import SECOND
from wattline.simulate.plant.chance import WIDEST, Draws, Drift
from wattline.simulate.plant.definition import POINTS
from wattline.simulate.plant.electricity import line_current
from wattline.simulate.plant.model import Plant, State

_NOISE, _LOST, _COMPUTER = 40, 41, 42
_MOTOR_FACTOR = 0.86
CAN_BE_LOST = ("CDU-02-FLOW", "CDU-01-DP", "ENV-RH", "ENV-DUST", "PDU-R01-KW", "SW-CORE-01-CPU")
"""Instruments whose line fails now and then."""
_RACK_SHARE = 42.86 / 724.0


@dataclass(frozen=True, slots=True)
class Shown:
    """One instrument at one instant; `value` is 0 where `quality` is BAD."""

    tag: str
    unit: str
    value: float
    quality: str


def true_values(state: State) -> dict[str, float]:
    """The quantity behind every tag, without the faults of its instrument."""
    loops, given, power = state.loops, state.given, state.power
    first, second = loops.units[0], loops.units[1]
    middle = sum(state.volts) / 3.0
    return {
        "CDU-01-T-SUP": first.supply,
        "CDU-01-T-RET": first.back,
        "CDU-01-FLOW": first.flow,
        "CDU-01-DP": state.unit_pressure,
        "CDU-02-T-SUP": second.supply,
        "CDU-02-T-RET": second.back,
        "CDU-02-FLOW": second.flow,
        "ML-PUMP-A-SPEED": state.speeds[0],
        "ML-PUMP-A-AMPS": line_current(state.lead_pump_kw, middle, _MOTOR_FACTOR),
        "ML-PUMP-B-SPEED": state.speeds[1],
        "ML-FLOW": loops.flow,
        "ML-T-SUP": loops.supply,
        "ML-T-RET": loops.back,
        "ML-GLYCOL-CONC": loops.glycol,
        "PHX-01-T-PRI-IN": loops.back,
        "PHX-01-T-PRI-OUT": loops.primary_out,
        "PHX-01-T-SEC-IN": loops.host_return,
        "PHX-01-T-SEC-OUT": loops.host_supply,
        "HOST-FLOW": loops.host_flow,
        "UPS-01-LOAD": power.it / 10.0,
        "UPS-01-BAT-SOC": state.battery.soc_percent,
        "UPS-01-BAT-V": state.battery.volts,
        "P-MSB-TOTAL": power.feed,
        "V-MSB-L1": state.volts[0],
        "V-MSB-L2": state.volts[1],
        "V-MSB-L3": state.volts[2],
        "I-MSB-TOTAL": line_current(power.feed, middle, given.power_factor),
        "PF-MSB": given.power_factor,
        "PDU-R01-KW": power.it * _RACK_SHARE,
        "ENV-T-AMB": given.outside,
        "ENV-RH": given.humidity,
        "ENV-DUST": given.dust,
        "SW-CORE-01-CPU": given.switch_load,
        "SW-CORE-01-TEMP": 38.0 + 0.28 * given.switch_load + given.switch_heat,
        "DOOR-MAIN": float(given.door_open),
    }


class Instruments:
    """The instruments of one plant. The same seed shows the same values at the same instants."""

    def __init__(self, seed: int, *, faults: bool = True) -> None:
        self.plant = Plant(seed, faults=faults)
        self._draws = Draws(seed)
        self._computer = Drift(self._draws, _COMPUTER, 3, 30 * SECOND)
        self._spread = np.array([point.noise for point in POINTS])

    def read(self, at: int) -> list[Shown]:
        """Every instrument at an instant (us since 1970), in the order of the definition."""
        values = true_values(self.plant.state(at))
        drawn = self._draws.generator(_NOISE, at // SECOND).standard_normal(len(POINTS))
        errors = np.clip(drawn, -WIDEST, WIDEST) * self._spread
        lost = self._lost(at)
        shown = []
        for point, error in zip(POINTS, errors, strict=True):
            value = round(values[point.tag] + float(error), point.digits)
            if point.tag == lost:
                shown.append(Shown(point.tag, point.unit, 0.0, "BAD"))
            else:
                sound = point.low <= value <= point.high and math.isfinite(value)
                shown.append(Shown(point.tag, point.unit, value, "GOOD" if sound else "UNCERTAIN"))
        return shown

    def computer(self, at: int) -> dict[str, float]:
        """How the gateway's own computer is: processor, memory and disk in %, temperature in degrees Celsius."""
        busy, held, warm = (float(value) for value in self._computer(at))
        figures = {"cpu_pct": 22.0 + 4.0 * busy, "mem_pct": 41.0 + held, "disk_pct": 37.0, "temp_c": 44.0 + 1.5 * warm}
        return {name: round(value, 1) for name, value in figures.items()}

    def _lost(self, at: int) -> str | None:
        """The instrument whose line is down."""
        found = self.plant.episodes.at(at).get("lost")
        if found is None:
            return None
        generator = self._draws.generator(_LOST, found[1].start // SECOND)
        return CAN_BE_LOST[int(generator.integers(len(CAN_BE_LOST)))]
