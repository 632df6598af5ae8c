"""The newest readings of many sensors, as columns."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from wattline.topology.plan import Floats, Ints


@dataclass(frozen=True, eq=False)
class Found:
    """One entry a sensor, by its id: the time (us) and the value, NaN where that is BAD."""

    sensor: Ints
    time: Ints
    value: Floats

    def places(self, sensors: Ints) -> Ints:
        """Where each of these is, -1 where it is not."""
        if not len(self.sensor):
            return np.full(sensors.shape, -1, np.int64)
        place = np.minimum(np.searchsorted(self.sensor, sensors), len(self.sensor) - 1)
        return np.where(self.sensor[place] == sensors, place, -1)

    def __or__(self, other: Found) -> Found:
        """Both; where both have a sensor, as it is here."""
        sensor, first = np.unique(np.concatenate([self.sensor, other.sensor]), return_index=True)
        return Found(sensor, np.concatenate([self.time, other.time])[first], np.concatenate([self.value, other.value])[first])


NOTHING = Found(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0))
