"""`zscore-linear-2.5`: the plain z-score of the published page, for those who compare with it.

The score is |z| / 2.5, at most 1, so 1.75 sigmas are an anomaly. On a healthy grid a substation
has more than a hundred of those a day.
"""

from __future__ import annotations

import numpy as np

from wattline.analytics.baseline import Baseline
from wattline.analytics.model import Floats

SATURATION = 2.5
"""The z at which the score is 1."""
LEAST_STD_HZ = 1e-4
"""The smallest deviation that the page can print; a steadier baseline counts as this steady, so z stays finite."""


def z_of(baseline: Baseline, latest_deviation_hz: Floats) -> Floats:
    """Sigmas between the newest reading and the baseline's mean; 0 where there is no baseline yet or no reading."""
    z = (latest_deviation_hz - baseline.mean_hz) / np.maximum(baseline.std_hz, LEAST_STD_HZ)
    return np.where(baseline.warming | ~np.isfinite(z), 0.0, z)


def score_of(z: Floats) -> Floats:
    """The anomaly score of a z: min(1, |z| / 2.5). 1.75 gives 0.7 exactly."""
    return np.asarray(np.minimum(1.0, np.abs(z) / SATURATION))
