"""The peaks that one recorded appliance would make in a home, as the home's meter reads them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from wattline.households.recognition.electrical import RECORD_S

LEAST_W = 25.0
"""Below this a home has no peak, so an appliance that never exceeds it makes none."""
_GAP = 18
_MOST = 8
_READINGS = 3
_AROUND = 2
_CADENCE_S = (15.0, 21.0)
_COUNTER_STEPS_J = (0.0, 36.0, 360.0)
"""The last digit of a counter: none, 0.01 Wh, 0.1 Wh. The latter is 24 W at 15 s."""
Samples = tuple[NDArray[np.int64], NDArray[np.float64]]
"""Times in us and powers in W."""


def metered(power: NDArray[np.float64], random: np.random.Generator) -> Samples:
    """A recording (W, every 10 s) as a meter sends it: means of intervals of 15 to 21 s, perhaps by a counter with steps."""
    total = power.size * RECORD_S
    cadence = random.uniform(*_CADENCE_S)
    times = np.arange(random.uniform(0, min(cadence, total / 8)), total, cadence)
    if times.size < 4:
        times = np.linspace(0, total, 4)
    energy = np.interp(times, np.arange(power.size + 1) * RECORD_S, np.concatenate(([0.0], np.cumsum(power) * RECORD_S)))
    if step := float(random.choice(_COUNTER_STEPS_J)):
        energy = np.floor(energy / step + random.random()) * step
    return (times[1:] * 1e6).astype(np.int64), np.diff(energy) / np.diff(times)


def metered_peaks(active_w: NDArray[np.float64], random: np.random.Generator) -> list[Samples]:
    """Cut what stands out of a recording, with a little around it or nothing, above what the appliance draws otherwise.

    Each peak is read a few times; of many peaks only some are taken. An appliance that is on all the time gives parts of it.
    """
    limit = max(LEAST_W, 0.3 * float(np.quantile(active_w, 0.995)))
    on = np.flatnonzero(active_w > limit)
    if on.size < 3:
        return []
    off = active_w[active_w <= limit]
    base = float(np.median(off)) if off.size else 0.0
    breaks = np.flatnonzero(np.diff(on) > _GAP)
    spans = list(zip(on[np.r_[0, breaks + 1]], on[np.r_[breaks, on.size - 1]] + 1, strict=True))
    if len(spans) > _MOST:
        spans = [spans[place] for place in sorted(random.permutation(len(spans))[:_MOST])]
    if len(spans) == 1 and spans[0][1] - spans[0][0] > 120:
        begin, end = spans[0]
        for length in (60, 120, 200):
            start = int(random.integers(begin, max(end - length, begin) + 1))
            spans.append((start, min(start + length, end)))
    found = []
    for begin, end in spans:
        for before, after in random.integers(0, _AROUND + 1, (_READINGS, 2)):
            found.append(metered(np.maximum(active_w[max(begin - before, 0) : end + after] - base, 0), random))
    return found
