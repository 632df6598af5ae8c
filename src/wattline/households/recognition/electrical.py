"""The watts of an ACS-F1 recording, which the data set gives only standardised."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wattline.model.errors import Invalid

MAINS_V = 230.0
"""The nominal voltage where the recordings were made (Switzerland)."""
RECORD_S = 10.0
"""Seconds between records."""
CHANNELS = 4
_ROUNDS = 60


@dataclass(frozen=True, slots=True)
class Signature:
    """One recording: active power (W), reactive power (var), voltage (V) and current (A), one value every 10 s."""

    active_w: NDArray[np.float64]
    reactive_var: NDArray[np.float64]
    voltage_v: NDArray[np.float64]
    current_a: NDArray[np.float64]


def signature(series: NDArray[np.float64]) -> Signature:
    """Undo the standardisation of a series of ACSF1.

    A series is records of (reactive power, active power, voltage, current), all four put through one shift and one scale. Two
    facts of physics give both back: the voltage is near 230 V, and apparent power is voltage times current, so the current that
    belongs to the powers fixes where zero is. A zero that is off by 1 would be off by 230 VA, so it is found to a fraction of
    a watt.

    Raises Invalid where the series cannot be such a recording.
    """
    if series.ndim != 1 or series.size % CHANNELS or series.size < 60 * CHANNELS:
        raise Invalid("a series of ACSF1 is at least 60 records of four numbers", "series")
    if not np.all(np.isfinite(series)):
        raise Invalid("a series of ACSF1 has no missing values", "series")
    raw = series.reshape(-1, CHANNELS)
    zero, voltage = float(raw[:, [1, 3]].min()), float(raw[:, 2].mean())
    for _ in range(_ROUNDS):
        if voltage - zero < 1e-6:
            raise Invalid("the third of every four numbers is not a voltage", "series")
        scale = MAINS_V / (voltage - zero)
        reactive, active, volts, amps = ((raw - zero) * scale).T
        if volts.min() < 0.5 * MAINS_V:
            raise Invalid("the third of every four numbers is not a voltage", "series")
        error = float(np.median(np.hypot(active, reactive) / volts - amps))
        if abs(error) < 1e-7:
            break
        zero -= error / scale
    return Signature(active, reactive, volts, amps)
