"""A capture of samples: what is measured in it, for the same state machines that follow half-cycle series."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from wattline.model.clock import SECOND
from wattline.quality import harmonics
from wattline.quality.disturbance import LINES, PHASES
from wattline.quality.frequency import measured_frequency
from wattline.quality.half_cycle import half_cycle_rms
from wattline.quality.imbalance import deviation, vuf_of_phasors
from wattline.quality.lane import Steady

Values = NDArray[np.float64]
Times = NDArray[np.int64]


class Capture(NamedTuple):
    """What a capture holds: Urms(1/2) by the time of the middle of its window, and by the end of each window of 10 or 12 cycles
    what changes slowly. `harmonics` is windows x orders x channels, in V."""

    frequency: float
    times: Times
    volts: Values
    windows: Times
    steady: Steady
    harmonics: Values


def measured(samples: Values, start: int, rate: float, nominal: float, names: tuple[str, ...], method: str) -> Capture:
    """Measure samples x channels that begin at `start` (us), `rate` a second; `names` are those of the channels.

    The imbalance is by phasors, so no angle is assumed; NaN unless there are three channels, or where the method is of phase
    voltages and these are line voltages.
    """
    frequency = measured_frequency(samples, rate, nominal)
    ends, volts = half_cycle_rms(samples, rate, frequency)
    times = start + np.round((ends - 0.5 / frequency) * SECOND).astype(np.int64)
    cycles = harmonics.cycles_of(nominal)
    blocks = harmonics.windows(samples, rate, frequency, cycles)
    grouped = harmonics.groups(blocks, cycles)
    window_ends = start + np.round(np.arange(1, len(blocks) + 1) * cycles / frequency * SECOND).astype(np.int64)
    distortion = np.full((len(blocks), 3), np.nan)
    for place, name in enumerate(names):
        column = PHASES.index(name) if name in PHASES else LINES.index(name)
        distortion[:, column] = harmonics.thd(grouped[:, :, place])
    steady = Steady(
        distortion,
        _imbalance(harmonics.fundamentals(blocks, cycles), names, method),
        np.full(len(blocks), frequency),
        np.zeros(len(blocks), bool),
    )
    return Capture(frequency, times, volts, window_ends, steady, grouped)


def _imbalance(phasors: NDArray[np.complex128], names: tuple[str, ...], method: str) -> Values:
    if len(names) != 3:
        return np.full(len(phasors), np.nan)
    if method == "vuf":
        return vuf_of_phasors(phasors)
    are_phases = names == PHASES
    if method == "pvur":
        return deviation(np.abs(phasors)) if are_phases else np.full(len(phasors), np.nan)
    lines = phasors - np.roll(phasors, -1, axis=1) if are_phases else phasors
    return deviation(np.abs(lines))
