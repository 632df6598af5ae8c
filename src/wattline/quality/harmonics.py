"""Harmonics of sampled voltages by IEC 61000-4-7: windows of 10 cycles at 50 Hz or 12 at 60 Hz, grouped lines of 5 Hz."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]
HIGHEST = 40
"""The highest harmonic that counts."""
CYCLES = {50: 10, 60: 12}
NEIGHBOURS = (-2, -1, 0, 1, 2, 3)
"""Samples around a place from which the value there is taken."""


def cycles_of(nominal: float) -> int:
    """How many cycles a window has: about 200 ms."""
    return CYCLES.get(round(nominal), max(1, round(nominal * 0.2)))


def windows(samples: Values, rate: float, frequency: float, cycles: int) -> Values:
    """Whole windows of `cycles` cycles: windows x points x channels, resampled so that a cycle has a whole number of points.

    So the lines of the spectrum fall on the harmonics at any frequency of the grid, as a phase-locked sampling would have it.
    """
    span = cycles * rate / frequency
    count = int((len(samples) - 1) / span + 1e-9)
    points = cycles * round(rate / frequency)
    places = np.asarray(np.arange(count * points) * (span / points), np.float64).reshape(count, points)
    return between(samples, places)


def between(samples: Values, places: Values) -> Values:
    """Samples at places between them, by the polynomial through the six nearest (Lagrange); exact at the samples."""
    last = len(samples) - 1
    whole = np.clip(np.floor(places + 1e-9).astype(np.int64), 0, last)
    part = np.maximum(places - whole, 0.0)
    found = np.zeros((*places.shape, samples.shape[1]))
    for mine in NEIGHBOURS:
        weight = np.ones_like(part)
        for other in NEIGHBOURS:
            if other != mine:
                weight *= (part - other) / (mine - other)
        found += weight[..., None] * samples[np.clip(whole + mine, 0, last)]
    return found


def groups(blocks: Values, cycles: int, highest: int = HIGHEST) -> Values:
    """The RMS of each harmonic group, 1 to `highest`: windows x harmonics x channels.

    A group is its line, all lines between it and its neighbours, and the halves of those in the middle (IEC 61000-4-7, 5.6).
    """
    points = blocks.shape[1]
    power = 2 * np.abs(np.fft.rfft(blocks, axis=1) / points) ** 2
    half = cycles // 2
    highest = min(highest, (power.shape[1] - 1 - half) // cycles)
    centre = np.arange(1, highest + 1) * cycles
    total = power[:, centre - half] / 2 + power[:, centre + half] / 2
    for step in range(-half + 1, half):
        total = total + power[:, centre + step]
    return np.asarray(np.sqrt(total))


def fundamentals(blocks: Values, cycles: int) -> NDArray[np.complex128]:
    """The phasor of the fundamental of each window and channel (RMS, V)."""
    spectrum = np.fft.rfft(blocks, axis=1)[:, cycles]
    return np.asarray(np.sqrt(2) * spectrum / blocks.shape[1])


def thd(grouped: Values) -> Values:
    """Total harmonic distortion in percent: the second axis has the harmonics, the fundamental first. NaN without it."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(100 * np.sqrt((grouped[:, 1:] ** 2).sum(axis=1)) / grouped[:, 0])


def aggregate(values: Values, count: int) -> Values:
    """Root mean squares of `count` successive values each (IEC 61000-4-30: 15 make 3 s), the last ones left over dropped."""
    whole = len(values) // count
    return np.asarray(np.sqrt((values[: whole * count].reshape(whole, count, *values.shape[1:]) ** 2).mean(axis=1)))
