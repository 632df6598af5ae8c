"""The battery of the UPS: what each sag of the feed takes out of it, and how it comes back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from wattline.model.clock import HOUR
from wattline.simulate.plant.episodes import Episode, Episodes

CAPACITY_KWH = 170.0
CHARGE_KW = 60.0
CHARGE_EFFICIENCY = 0.95
FULL_PERCENT = 98.1
"""Floating: a battery that is kept at its last per cent ages."""
TRANSFER_VOLTS = 28.0
"""The UPS takes its load onto the battery while the feed is so much under its nominal voltage."""
_LONGEST = 2 * HOUR
"""A sag is made good within this time."""


def sag_volts(episode: Episode) -> float:
    """How far a sag takes the feed down at its deepest."""
    return 31.0 + 25.0 * episode.severity


@dataclass(frozen=True, slots=True)
class Battery:
    """Its state at an instant: charge in % of its capacity, whether it carries the load, what charging takes (kW)."""

    soc_percent: float
    discharging: bool
    charge_kw: float

    @property
    def volts(self) -> float:
        """Terminal voltage: the cells' own, less what the load takes from it."""
        return 480.0 + 0.62 * self.soc_percent - (22.0 if self.discharging else 0.0)


def battery(episodes: Episodes, load_kw: Callable[[int], float], at: int) -> Battery:
    """The battery at an instant (us); `load_kw` is what the UPS takes from it at any instant."""
    missing, charging, discharging = 0.0, 0.0, False
    for sag in (e for e in episodes.between(at - _LONGEST, at) if e.fault == "sag"):
        edge = round(sag.ramp * TRANSFER_VOLTS / sag_volts(sag))
        begin, end = sag.start + edge, sag.end - edge
        if at <= begin:
            continue
        taken = load_kw(begin) * (min(at, end) - begin) / HOUR
        if at < end:
            discharging = True
        else:
            returned = CHARGE_KW * CHARGE_EFFICIENCY * (at - end) / HOUR
            charging += CHARGE_KW if returned < taken else 0.0
            taken = max(taken - returned, 0.0)
        missing += taken
    return Battery(FULL_PERCENT - 100.0 * missing / CAPACITY_KWH, discharging, 0.0 if discharging else charging)
