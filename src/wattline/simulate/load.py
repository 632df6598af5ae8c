"""How much a feeder carries at an hour of the day, in multiples of its mean, and what the day does to the bus voltage."""

from __future__ import annotations

import math
from datetime import timedelta

import numpy as np
from numpy.typing import NDArray

from wattline.model.clock import DAY, HOUR, from_micros

Floats = NDArray[np.float64]

_WORKING_DAY = (
    0.72, 0.69, 0.67, 0.66, 0.68, 0.75, 0.90, 1.07, 1.20, 1.27, 1.30, 1.31,
    1.30, 1.31, 1.30, 1.27, 1.21, 1.13, 1.03, 0.96, 0.90, 0.85, 0.79, 0.75,
)  # fmt: skip
_DWELLINGS = (
    0.74, 0.67, 0.63, 0.62, 0.64, 0.73, 0.92, 1.08, 1.06, 0.98, 0.93, 0.91,
    0.91, 0.90, 0.92, 0.98, 1.12, 1.33, 1.47, 1.50, 1.42, 1.27, 1.06, 0.87,
)  # fmt: skip
_WEEKEND_WORK = 0.68
COLD_LOAD_SECONDS = 300.0
COLD_LOAD_PEAK = 0.45
"""After an interruption heaters and compressors start together: IEEE's cold load pickup, decaying over minutes."""


def solar_hour(at: int, longitude: float) -> float:
    """The hour of day (0..24) by the sun at a longitude in degrees; `at` is in microseconds since 1970."""
    return ((at % DAY) / HOUR + longitude / 15.0) % 24.0


def _is_weekend(at: int, longitude: float) -> bool:
    return (from_micros(at) + timedelta(hours=longitude / 15.0)).weekday() >= 5


def _between(curve: tuple[float, ...], hour: float) -> float:
    whole = int(hour) % 24
    share = hour - math.floor(hour)
    return curve[whole] * (1.0 - share) + curve[(whole + 1) % 24] * share


def demand(at: int, longitude: Floats, residential: Floats) -> Floats:
    """Load of each feeder as a multiple of its mean, from the hour at its place and its mix of dwellings and work."""
    factors = np.empty(len(longitude))
    for place in np.unique(longitude):
        hour = solar_hour(at, float(place))
        work = _between(_WORKING_DAY, hour) * (_WEEKEND_WORK if _is_weekend(at, float(place)) else 1.0)
        here = longitude == place
        factors[here] = work + residential[here] * (_between(_DWELLINGS, hour) - work)
    return factors


class Wander:
    """First-order noise about zero for many series at once: standing deviation 1, memory in seconds."""

    def __init__(self, generator: np.random.Generator, size: int, memory_seconds: float) -> None:
        self._generator = generator
        self._memory = memory_seconds
        self.value: Floats = generator.standard_normal(size)

    def advance(self, seconds: float) -> Floats:
        """The noise of every series after this many more seconds."""
        decay = math.exp(-seconds / self._memory)
        fresh = self._generator.standard_normal(len(self.value))
        self.value = self.value * decay + math.sqrt(1.0 - decay * decay) * fresh
        return self.value
