"""A peak. Pure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Peak:
    """A span of high use of one household's meter: [start, end) in us.

    `power_w` is the mean above the base load `base_w`, `energy_kwh` what was used above it.
    """

    tenant: str
    id: str
    user: str
    mac: str
    start: int
    end: int
    power_w: float
    base_w: float
    energy_kwh: float
