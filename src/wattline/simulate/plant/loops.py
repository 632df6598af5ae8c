"""The three water loops: coolant to the racks, the primary loop, and the host's water, with the dry cooler beside it.

Every instant is solved as a steady state: the heat that a loop takes up leaves it in the same instant. What moves slowly
(loads, pump speeds, valves, the weather) is given.
"""

from __future__ import annotations

from dataclasses import dataclass

from wattline.simulate.plant.heat import capacity_rate, glycol_mix, passed

UNITS = 4
"""Coolant distribution units; two of them report."""
LIQUID_SHARE = 0.56
"""How much of the computers' heat goes to liquid, the rest to air: 8 of 14 racks are cooled by liquid."""
PIPE_LOSS = 0.015
"""Lost from the coolant on its way to the primary loop."""
EXCHANGER_LOSS = 0.01
"""Lost from the plate exchanger's shell."""
SUPPLY_SETPOINT = 28.3
"""What the dry cooler trims the primary loop to, in degrees Celsius."""
_UNIT_PLATES = 46.0
_HOST_PLATES = 54.0
_DRY_COOLER = 80.0
"""Conductances in kW/K."""


@dataclass(frozen=True, slots=True)
class Unit:
    """One coolant distribution unit: its heat in kW, its flow in L/min, its temperatures in degrees Celsius."""

    heat: float
    flow: float
    supply: float
    back: float


@dataclass(frozen=True, slots=True)
class Loops:
    """All loops at an instant: temperatures in degrees Celsius, flows in L/min, heats in kW.

    `opening` is the share of the primary flow that goes through the exchanger.
    `primary_heat` is what the primary loop takes up, `exported` what reaches the host, `rejected` what the dry cooler gives
    to the air, `exchanger_loss` what the exchanger loses: the last three add up to the first.
    """

    units: tuple[Unit, ...]
    flow: float
    glycol: float
    supply: float
    back: float
    primary_out: float
    opening: float
    host_flow: float
    host_return: float
    host_supply: float
    primary_heat: float
    exported: float
    exchanger_loss: float
    rejected: float


def solve(
    *,
    liquid_heat: float,
    shares: tuple[float, ...],
    unit_flows: tuple[float, ...],
    flow: float,
    pump_heat: float,
    glycol: float,
    opening: float,
    host_flow: float,
    host_return: float,
    outside: float,
) -> Loops:
    """The steady state of given heats (kW), flows (L/min), valve opening (0 to 1) and temperatures (degrees Celsius).

    `shares` says which part of the liquid's heat each unit carries; they add up to 1.
    """
    rate = capacity_rate(flow, glycol_mix(glycol))
    host_rate = capacity_rate(host_flow)
    heat = liquid_heat * (1.0 - PIPE_LOSS) + pump_heat
    per_kelvin = passed(_HOST_PLATES, rate * opening, host_rate)
    supply, rejected = _cooled(heat, rate, per_kelvin, host_return, outside)
    back = supply + heat / rate
    given = heat - rejected
    exported = given * (1.0 - EXCHANGER_LOSS)
    through = rate * opening
    return Loops(
        units=tuple(
            _unit(liquid_heat * share, unit_flow, rate / UNITS, supply)
            for share, unit_flow in zip(shares, unit_flows, strict=True)
        ),
        flow=flow,
        glycol=glycol,
        supply=supply,
        back=back,
        primary_out=back - given / through,
        opening=opening,
        host_flow=host_flow,
        host_return=host_return,
        host_supply=host_return + exported / host_rate,
        primary_heat=heat,
        exported=exported,
        exchanger_loss=given - exported,
        rejected=rejected,
    )


def _cooled(heat: float, rate: float, per_kelvin: float, host_return: float, outside: float) -> tuple[float, float]:
    """The temperature at which the primary loop goes back to the racks, and the heat that the dry cooler takes.

    The cooler holds its setpoint unless the host takes more than there is, or the air outside is too warm for it.
    """

    def left(at: float) -> float:
        return heat - per_kelvin * (at + heat / rate - host_return)

    if left(SUPPLY_SETPOINT) < 0.0:
        return host_return + heat / per_kelvin - heat / rate, 0.0
    warm = (outside + left(0.0) / _DRY_COOLER) / (1.0 + per_kelvin / _DRY_COOLER)
    supply = max(SUPPLY_SETPOINT, warm)
    return supply, left(supply)


def _unit(heat: float, flow: float, primary_rate: float, primary_supply: float) -> Unit:
    rate = capacity_rate(flow)
    back = primary_supply + heat / passed(_UNIT_PLATES, rate, primary_rate)
    return Unit(heat, flow, back - heat / rate, back)
