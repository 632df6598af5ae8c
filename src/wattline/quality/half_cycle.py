"""Urms(1/2) of IEC 61000-4-30 from samples: the RMS voltage of one cycle, renewed each half cycle."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from wattline.quality.harmonics import between

Values = NDArray[np.float64]
LEAST_SAMPLES = 64
"""Samples that a cycle must have."""


def half_cycle_rms(samples: Values, rate: float, frequency: float) -> tuple[Values, Values]:
    """The ends of the windows (seconds after the first sample) and the RMS of each channel in them.

    `samples` is samples x channels at `rate` a second; `frequency` (Hz) is the measured one: a window that is not one whole
    cycle would show a ripple that is not there. Its bounds may lie between samples.
    """
    length = (len(samples) - 1) / rate
    cycle = 1 / frequency
    count = int(np.floor((length - cycle) / (cycle / 2) + 1e-9)) + 1
    if count <= 0:
        return np.zeros(0), np.zeros((0, samples.shape[1]))
    ends = np.asarray(cycle + np.arange(count) * (cycle / 2), np.float64)
    area = _Area(samples)
    energy = np.subtract(area.upto(ends * rate), area.upto((ends - cycle) * rate))
    return ends, np.asarray(np.sqrt(np.maximum(energy, 0) / (cycle * rate)), np.float64)


class _Area:
    """The integral of the square of samples, by the trapezoidal rule, which over whole cycles is exact but for the ends."""

    def __init__(self, samples: Values) -> None:
        self._squares = samples * samples
        steps = (self._squares[:-1] + self._squares[1:]) / 2
        self._running = np.concatenate([np.zeros((1, samples.shape[1])), np.cumsum(steps, axis=0)])

    def upto(self, places: Values) -> Values:
        """The integral from the first sample to each place, in squares times samples."""
        squares = self._squares
        whole = np.clip(np.floor(places + 1e-9).astype(np.int64), 0, len(squares) - 1)
        part = np.maximum(places - whole, 0.0)[:, None]
        left, right = squares[whole], squares[np.minimum(whole + 1, len(squares) - 1)]
        # Where a voltage breaks off, a polynomial swings: a square lies between its neighbours, or it would be an invention.
        there = np.clip(between(squares, places), np.minimum(left, right), np.maximum(left, right))
        return np.asarray(self._running[whole] + part * (left + there) / 2)
