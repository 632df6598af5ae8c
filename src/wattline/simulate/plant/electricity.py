"""Where the electricity goes: the block's balance from the computers to the main switchboard."""

from __future__ import annotations

import math
from dataclasses import dataclass

UPS_IDLE_KW = 4.0
UPS_SHARE = 0.035
TRANSFORMER_SHARE = 0.012
AIR_SHARE = 0.105
"""Electricity that cooling by air takes, of the heat that it carries."""
FAN_SHARE = 0.025
"""The same of the dry cooler's fans."""
NOMINAL_VOLTS = 481.0


@dataclass(frozen=True, slots=True)
class Power:
    """The balance at an instant, in kW. `feed` is what the switchboard draws from the utility."""

    it: float
    ups_loss: float
    pumps: float
    air: float
    fans: float
    house: float
    charge: float
    transformer_loss: float
    on_battery: bool

    @property
    def feed(self) -> float:
        """What the switchboard draws: everything, but not what the battery carries meanwhile."""
        carried = 0.0 if self.on_battery else self.it + self.ups_loss
        return carried + self.pumps + self.air + self.fans + self.house + self.charge + self.transformer_loss


def ups_loss(it_kw: float) -> float:
    """What the UPS turns into heat."""
    return UPS_IDLE_KW + UPS_SHARE * it_kw


def balance(
    *, it: float, pumps: float, air_heat: float, rejected: float, house: float, charge: float, on_battery: bool
) -> Power:
    """The balance of given loads and heats, all in kW. The transformer's loss is a share of what passes it."""
    loss, air, fans = ups_loss(it), AIR_SHARE * air_heat, FAN_SHARE * rejected
    carried = 0.0 if on_battery else it + loss
    below = carried + pumps + air + fans + house + charge
    transformer = below * TRANSFORMER_SHARE / (1.0 - TRANSFORMER_SHARE)
    return Power(it, loss, pumps, air, fans, house, charge, transformer, on_battery)


def line_current(power_kw: float, line_volts: float, power_factor: float) -> float:
    """The current of a balanced three-phase load, in A."""
    return power_kw * 1000.0 / (math.sqrt(3.0) * line_volts * power_factor)
