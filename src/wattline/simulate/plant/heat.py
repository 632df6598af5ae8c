"""Heat exchange: what a flow carries, and what a counterflow exchanger passes on (the effectiveness-NTU method)."""

from __future__ import annotations

import math

WATER = 0.997 * 4.18
"""Volumetric heat capacity of water, in kJ/(L K): 997 kg/m3 at 4.18 kJ/(kg K), as heat meters of the contract use."""
_GLYCOL = 0.0112
"""What each per cent of ethylene glycol takes from it, near 35 degrees Celsius."""


def glycol_mix(percent: float) -> float:
    """Volumetric heat capacity of water with glycol, in kJ/(L K)."""
    return WATER - _GLYCOL * percent


def capacity_rate(flow_lpm: float, heat_capacity: float = WATER) -> float:
    """What a flow in L/min carries for each kelvin, in kW/K."""
    return flow_lpm / 60.0 * heat_capacity


def passed(conductance: float, one: float, other: float) -> float:
    """Heat that counterflow passes for each kelvin between the two inlets, in kW/K.

    `conductance` is that of the plates (UA), `one` and `other` the capacity rates of the sides, all in kW/K.
    """
    least, most = min(one, other), max(one, other)
    if least <= 0.0:
        return 0.0
    units, ratio = conductance / least, least / most
    if ratio > 0.9999:
        return least * units / (1.0 + units)
    fade = math.exp(-units * (1.0 - ratio))
    return least * (1.0 - fade) / (1.0 - ratio * fade)
