"""The frequency of one synchronous grid: one number for every substation, plus what each instrument adds."""

from __future__ import annotations

import math

import numpy as np

DEVIATION_HZ = 0.020
"""Standing deviation of a large interconnection about its nominal frequency."""
MEMORY_SECONDS = 300.0
"""How long a deviation lasts before regulation has brought it to 1/e."""


class SystemFrequency:
    """An Ornstein-Uhlenbeck process about the nominal frequency, sampled exactly at any spacing.

    The standing distribution is normal with `deviation_hz`; a deviation decays with `memory_seconds`.
    """

    def __init__(
        self,
        generator: np.random.Generator,
        nominal_hz: float = 60.0,
        deviation_hz: float = DEVIATION_HZ,
        memory_seconds: float = MEMORY_SECONDS,
    ) -> None:
        self._generator = generator
        self._nominal = nominal_hz
        self._deviation = deviation_hz
        self._memory = memory_seconds
        self._offset = deviation_hz * generator.standard_normal()

    def advance(self, seconds: float) -> float:
        """The system's frequency in Hz after this many more seconds (0 leaves it where it is)."""
        decay = math.exp(-seconds / self._memory)
        spread = self._deviation * math.sqrt(1.0 - decay * decay)
        self._offset = self._offset * decay + spread * self._generator.standard_normal()
        return self._nominal + self._offset
