"""What was normal for each substation in the half hour that ended a minute before the scored instant.

The scored readings are not in it, so an anomaly cannot hide in its own baseline. All frequencies here are deviations from
nominal, in Hz.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from wattline.analytics.model import BASELINE_SECONDS, Flags, Floats
from wattline.analytics.presence import presence
from wattline.analytics.rows import GAUSSIAN_MAD, GAUSSIAN_MEAN, block_means, fill_forward, last_seen, sort_rows

MINIMUM_SPAN_S = 600
MINIMUM_COUNT = 120
SELDOM_COUNT = 20
"""The least number of readings of a substation that reports too seldom for 120 in ten minutes."""

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
    `interval_s` their spacing, `resolution_hz` the smallest change seen (NaN if it never changed). `warming` is true where
    there are too few readings to speak of normal; the other columns are then not to be trusted.
    """

    mean_hz: Floats
    std_hz: Floats
    median_hz: Floats
    mad_hz: Floats
    walk_hz: Floats
    change_hz: Floats
    interval_s: Floats
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
    change, resolution = _changes(deviation_hz, present, count)
    enough = np.clip(MINIMUM_SPAN_S / np.maximum(habits.cadence_s, 1e-3), SELDOM_COUNT, MINIMUM_COUNT)
    return Baseline(
        mean_hz=mean,
        std_hz=std,
        median_hz=median,
        mad_hz=GAUSSIAN_MAD * ordered.deviation(median),
        walk_hz=WALK * _minute_change(deviation_hz),
        change_hz=change,
        interval_s=np.maximum(habits.cadence_s, 1.0),
        resolution_hz=resolution,
        warming=(habits.last - habits.first + 1 < MINIMUM_SPAN_S) | (habits.count < enough),
    )


def _changes(deviation: Floats, present: Flags, count: np.ndarray) -> tuple[Floats, Floats]:
    filled = deviation if bool(present.all()) else fill_forward(deviation, last_seen(present))
    change = np.abs(np.diff(filled, axis=1))
    change[np.isnan(change)] = 0.0
    spread = GAUSSIAN_MEAN * change.sum(axis=1) / np.maximum(count - 1, 1)
    change[change <= SAME_HZ] = np.inf
    smallest = change.min(axis=1)
    return spread, np.where(np.isinf(smallest), np.nan, smallest)


def _minute_change(deviation: Floats) -> Floats:
    """Standard deviation of the change from one minute's mean to the next; 0 where fewer than five changes are known."""
    means, _ = block_means(deviation, BLOCK_S)
    change = np.abs(np.diff(means, axis=1))
    known = ~np.isnan(change)
    number = known.sum(axis=1)
    spread = GAUSSIAN_MEAN * np.where(known, change, 0.0).sum(axis=1) / np.maximum(number, 1)
    return np.where(number >= 5, spread, 0.0)
