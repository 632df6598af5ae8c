"""The dips of the depot's supply, as its power-quality recorder sends them: half-cycle RMS voltages around each."""

from __future__ import annotations

import numpy as np

from wattline.model.clock import MINUTE, SECOND
from wattline.simulate.depot.definition import NOMINAL_FREQUENCY, NOMINAL_VOLTAGE
from wattline.simulate.words import iso_utc

EVERY = 10 * MINUTE
VALUES = 200
"""Half cycles of a record: two seconds."""
CHANNELS = ("a", "b", "c")


def record(meter_id: int, time: int) -> dict[str, object]:
    """The record of the dip at `time` (us): one phase falls for a tenth to half a second, the others by a third as much."""
    chance = np.random.default_rng([time // SECOND, meter_id])
    begin, length = int(chance.integers(40, 60)), int(chance.integers(10, 50))
    residual, worst = float(chance.uniform(0.45, 0.85)), int(chance.integers(0, 3))
    volts = NOMINAL_VOLTAGE * (1 + 0.002 * chance.standard_normal((VALUES, len(CHANNELS))))
    fall = np.full(len(CHANNELS), 1 - (1 - residual) / 3)
    fall[worst] = residual
    volts[begin : begin + length] *= fall
    return {
        "meter_id": meter_id,
        "start": iso_utc(time),
        "step_s": 0.5 / NOMINAL_FREQUENCY,
        "channels": {name: column.round(2).tolist() for name, column in zip(CHANNELS, volts.T, strict=True)},
    }
