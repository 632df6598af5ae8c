"""What was normal for each substation in the half hour that ended a minute before the scored instant.

The scored readings are not in it, so an anomaly cannot hide in its own baseline. All frequencies here are deviations from
nominal, in Hz.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from wattline.analytics.model import BASELINE_SECONDS, Flags, Floats, Indices
from wattline.analytics.presence import presence
from wattline.analytics.rows import GAUSSIAN_MAD, GAUSSIAN_MEAN, block_means, fill_forward, last_seen, sort_rows

MINIMUM_SPAN_S = 600
MINIMUM_COUNT = 20
"""Of readings spread over ten minutes. One that reports every 5 s or faster has 120 by then; a seldom reporter waits for 20."""

SAME_HZ = 1e-7
"""Readings nearer than this are one value: the difference is floating-point residue."""

BLOCK_S = 60
WALK = float(np.sqrt((BASELINE_SECONDS / 3 + BLOCK_S) / (BLOCK_S * 2 / 3)))
"""If the minute means of a random walk differ by s (rms), it strays by WALK * s from its mean over the half hour before."""


@dataclass(frozen=True, slots=True)
class Baseline:
    """One entry per substation.

    `mean_hz` and `std_hz` (sample standard deviation) are classical. `median_hz` and `mad_hz` (scaled to a standard deviation)
    resist outliers. `walk_hz` is how far the frequency can be expected to have wandered from the median by now, if it goes on
    as restlessly as from minute to minute. `change_hz` is the standard deviation of the change between successive readings,
    `interval_s` their spacing. An instrument may repeat itself between its own measurements: `changes` is how often its value
    did change, `jump_hz` the standard deviation of such a change, `resolution_hz` the smallest (NaN if it never changed).
    `warming` is true where there are too few readings to speak of normal; the other columns are then not to be trusted.
    """

    mean_hz: Floats
    std_hz: Floats
    median_hz: Floats
    mad_hz: Floats
    walk_hz: Floats
    change_hz: Floats
    interval_s: Floats
    changes: Indices
    jump_hz: Floats
    resolution_hz: Floats
    warming: Flags


def baseline_of(deviation_hz: Floats) -> Baseline:
    """Describe every row of deviations [substations x 1800], NaN where nothing was reported."""
    present = ~np.isnan(deviation_hz)
    habits = presence(present)
    known = np.where(present, deviation_hz, 0.0)
    count = np.maximum(habits.count, 1)
    mean = known.sum(axis=1) / count
    centred = np.where(present, deviation_hz - mean[:, None], 0.0)
    std = np.sqrt(np.einsum("ij,ij->i", centred, centred) / np.maximum(count - 1, 1))
    ordered = sort_rows(deviation_hz)
    median = ordered.median()
    change = _successive(deviation_hz, present)
    changes = np.count_nonzero(change, axis=1)
    travelled = GAUSSIAN_MEAN * change.sum(axis=1)
    change[change == 0.0] = np.inf
    smallest = change.min(axis=1)
    return Baseline(
        mean_hz=mean,
        std_hz=std,
        median_hz=median,
        mad_hz=GAUSSIAN_MAD * ordered.deviation(median),
        walk_hz=WALK * _minute_change(deviation_hz),
        change_hz=travelled / np.maximum(count - 1, 1),
        interval_s=np.maximum(habits.cadence_s, 1.0),
        changes=changes,
        jump_hz=travelled / np.maximum(changes, 1),
        resolution_hz=np.where(changes > 0, smallest, np.nan),
        warming=(habits.last - habits.first + 1 < MINIMUM_SPAN_S) | (habits.count < MINIMUM_COUNT),
    )


def _successive(deviation: Floats, present: Flags) -> Floats:
    """|change| between each reading and the one before it; 0 in seconds without a reading."""
    filled = deviation if bool(present.all()) else fill_forward(deviation, last_seen(present))
    change = np.abs(np.diff(filled, axis=1))
    change[~(change > SAME_HZ)] = 0.0
    return np.asarray(change)


def _minute_change(deviation: Floats) -> Floats:
    """Standard deviation of the change from one minute's mean to the next; 0 where fewer than five changes are known."""
    means, _ = block_means(deviation, BLOCK_S)
    change = np.abs(np.diff(means, axis=1))
    known = ~np.isnan(change)
    number = known.sum(axis=1)
    spread = GAUSSIAN_MEAN * np.where(known, change, 0.0).sum(axis=1) / np.maximum(number, 1)
    return np.where(number >= 5, spread, 0.0)
