"""Features of a start-up trace of PLAID: a plug load switched on, at 300 values a second (five to a cycle of 60 Hz)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from wattline.households.recognition.columns import Column, moments
from wattline.model.errors import Invalid

LEAST = 60
"""Values that a trace must have: twelve cycles."""
CYCLE = 5
_QUANTILES = (0.0, 0.02, 0.1, 0.25, 0.5, 0.75, 0.9, 0.98, 1.0)
_BANDS = 12
_START = 40
_AFTER = [0, 1, 2, 3, 4, 6, 8, 12, 16, 24, 32]
_PEAKS = [0, 1, 2, 3, 5, 8, 16, 32]
_TINY = 1e-12


def features(trace: Column) -> NDArray[np.float32]:
    """The features of one trace. Only two speak of its level; the rest are relative to it, since its unit differs by recording.

    Raises Invalid where it is too short, or not finite.
    """
    if trace.ndim != 1 or trace.size < LEAST or not np.all(np.isfinite(trace)):
        raise Invalid(f"a trace of PLAID is at least {LEAST} finite numbers", "series")
    level = float(np.quantile(np.abs(trace), 0.9)) + _TINY
    unit = trace / level
    steady = unit[-100:-10]
    cycles = unit[: unit.size // CYCLE * CYCLE].reshape(-1, CYCLE)
    return np.array(
        [
            np.log10(level),
            np.log10(np.abs(trace).mean() + 1e-9),
            *_wave(steady),
            *_spread(steady),
            *_spectrum(steady),
            *_start_up(trace, cycles),
            *_spread(unit),
            *_spread(np.diff(cycles.mean(axis=1))),
            *_echo(steady),
        ],
        np.float32,
    )


def _spread(values: Column) -> list[float]:
    change = np.diff(values)
    return [
        *np.quantile(values, _QUANTILES),
        *moments(values),
        float(np.abs(change).mean()),
        float(change.std()),
        float(change.max()),
        float(change.min()),
    ]


def _wave(steady: Column) -> list[float]:
    """One cycle of the steady state: its harmonics, their phases, and how much it differs from cycle to cycle."""
    folded = steady[-(steady.size // CYCLE * CYCLE) :].reshape(-1, CYCLE)
    wave = np.median(folded, axis=0)
    harmonics = np.fft.rfft(wave)
    size = np.abs(harmonics) / CYCLE + _TINY
    phase = np.angle(harmonics[2] * np.conj(harmonics[1]) ** 2)
    return [
        *(size / size[0]),
        float(np.cos(phase)),
        float(np.sin(phase)),
        *(np.sort(wave) / size[0]),
        float(folded.std(axis=0).mean()),
        float(folded.mean(axis=1).std()),
    ]


def _spectrum(steady: Column) -> Column:
    power = np.abs(np.fft.rfft(steady * np.hanning(steady.size))) / steady.size
    edges = np.arange(_BANDS + 1) * power.size // _BANDS
    found: Column = np.log10(np.maximum.reduceat(power, edges[:-1]) + 1e-9)
    return found


def _start_up(trace: Column, cycles: Column) -> list[float]:
    """How it comes on: inrush, overshoot, and how soon it settles, all relative to where it ends."""
    means, crests = cycles.mean(axis=1), cycles.max(axis=1)
    end = float(np.median(means[-12:])) + 1e-9
    course = means / end
    begin = int(np.argmax(course > 0.3))
    after, peaks = (np.pad(each[begin : begin + _START], (0, _START), mode="edge") for each in (course, crests / end))
    return [
        begin,
        trace.size,
        *after[_AFTER],
        *peaks[_PEAKS],
        float(course.max()),
        float(crests.max() / end),
        int(np.argmax(course)) - begin,
        int(np.argmax(crests)) - begin,
        int(np.count_nonzero(course > 1.1)),
        int(np.count_nonzero(course < 0.9)),
        float(np.mean(np.abs(course - 1) < 0.05)),
        float(course.std()),
        float(course[:3].mean()),
        float(trace[:3].mean() / (trace[-15:].mean() + _TINY)),
    ]


def _echo(steady: Column) -> Column:
    centred = steady - steady.mean()
    found = np.correlate(centred, centred, "full")[steady.size :][:12] / (np.dot(centred, centred) + _TINY)
    return np.pad(found, (0, 12 - found.size))
