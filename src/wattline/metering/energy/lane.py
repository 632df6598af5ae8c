"""A lane: one sensor, or several that are added up, read as a register or as a power."""

from __future__ import annotations

from typing import NamedTuple

from wattline.metering.energy.register import Rule


class Lane(NamedTuple):
    """What is computed of sensors of one stream, in these columns of its rows; of the phases of a meter it is their sum.

    `rule` is that of a register, which is one sensor, None for a power. `factor` turns values into kWh (kvarh) or W (var); a
    reading is expected every `interval` us. Of a power that `returns`, only what flowed the other way is asked: where none ever
    did, its readings are not read one by one.
    """

    stream: int
    sensors: tuple[int, ...]
    columns: tuple[int, ...]
    factor: float
    interval: int
    rule: Rule | None
    returns: bool = False

    @property
    def sensor(self) -> int:
        """The first, or the only one."""
        return self.sensors[0]
