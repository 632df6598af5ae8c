"""The frequency of sampled voltages, by how fast the phase of the fundamental turns."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

ROUNDS = 3
WEAK = 0.2
"""A cycle in which a channel has less than this share of its median amplitude tells nothing of the phase."""


def measured_frequency(samples: NDArray[np.float64], rate: float, nominal: float) -> float:
    """The frequency (Hz) of samples x channels at `rate` a second; the nominal one where no two cycles tell.

    The median over all channels and pairs of successive cycles, so that the phase jump of a dip does not count.
    """
    found = nominal
    for _ in range(ROUNDS):
        found = float(np.clip(_once(samples, rate, found), 0.85 * nominal, 1.15 * nominal))
    return found


def _once(samples: NDArray[np.float64], rate: float, frequency: float) -> float:
    width = round(rate / frequency)
    cycles = len(samples) // width
    if cycles < 2:
        return frequency
    turned = samples[: cycles * width] * np.exp(-2j * np.pi * frequency / rate * np.arange(cycles * width))[:, None]
    phasors = turned.reshape(cycles, width, -1).sum(axis=1)
    size = np.abs(phasors)
    strong = size > WEAK * np.median(size)
    told = strong[1:] & strong[:-1]
    if not told.any():
        return frequency
    turns = np.angle(phasors[1:] * np.conj(phasors[:-1])) / (2 * np.pi)
    return frequency + float(np.median(turns[told])) * rate / width
