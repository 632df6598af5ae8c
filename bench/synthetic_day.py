"""A household's day as its meter tells it: a base load with noise, a fridge that cycles, and devices that run for minutes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from wattline.model.clock import DAY, SECOND

COUNTER_KWH = 20_000.0


@dataclass(frozen=True)
class Device:
    """Something that draws `watts` from second `start` of the day for `seconds`."""

    start: float
    seconds: float
    watts: float


@dataclass(frozen=True)
class Day:
    """What happens in a day, in W and seconds. The fridge runs `fridge_on` of every `fridge_cycle` seconds."""

    devices: Sequence[Device] = field(default_factory=tuple)
    base: float = 150.0
    noise: float = 10.0
    fridge: float = 80.0
    fridge_on: float = 900.0
    fridge_cycle: float = 2700.0
    seconds: float = DAY / SECOND

    def watts(self, choice: np.random.Generator) -> NDArray[np.float64]:
        """The power of each second."""
        second = np.arange(round(self.seconds))
        # Noise that lasts a while, as a home's does.
        noise = np.convolve(choice.normal(0, 1, len(second) + 20), np.ones(20) / 20**0.5, "valid")[: len(second)]
        watts = self.base + self.noise * noise
        phase = choice.uniform(0, self.fridge_cycle)
        watts += self.fridge * ((second + phase) % self.fridge_cycle < self.fridge_on)
        for device in self.devices:
            watts += device.watts * np.clip(
                np.minimum(second + 1, device.start + device.seconds) - np.maximum(second, device.start), 0, 1
            )
        return watts


def readings(
    watts: NDArray[np.float64],
    start: int,
    cadence: float,
    *,
    offset: float = 0.0,
    step: float | None = 1e-4,
    single: bool = False,
    feeds_in: bool = False,
    counter: float = COUNTER_KWH,
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Times (us) and registers (kWh) of a meter read every `cadence` seconds from `offset` seconds after `start` on.

    `step` is the register's in kWh, None for none; `single`: sent as a float of 4 bytes. With `feeds_in` power below zero
    leaves the register as it is.
    """
    used = np.maximum(watts, 0) if feeds_in else watts
    register = counter + np.concatenate(([0], np.cumsum(used))) / 3.6e6
    at = np.arange(offset, len(watts), cadence)
    total = np.interp(at, np.arange(len(watts) + 1), register)
    if step is not None:
        total = np.floor(total / step + 1e-9) * step
    if single:
        total = total.astype(np.float32).astype(np.float64)
    return start + np.round(at * SECOND).astype(np.int64), total
