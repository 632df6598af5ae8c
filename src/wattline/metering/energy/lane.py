"""A lane: one sensor, read as a register or as a power."""

from __future__ import annotations

from typing import NamedTuple

from wattline.metering.energy.register import Rule


class Lane(NamedTuple):
    """What is computed of one sensor.

    `rule` is that of a register, None for a power. `factor` turns its values into kWh (kvarh) or W (var); it is expected to
    report every `interval` us.
    """

    stream: int
    sensor: int
    factor: float
    interval: int
    rule: Rule | None
