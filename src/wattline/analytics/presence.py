"""When a substation reported: its cadence, and how long it has been silent."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from wattline.analytics.model import Flags, Floats, Indices

UNKNOWN_CADENCE_S = 60.0
"""What is assumed of a substation with fewer than five readings in the window."""
LONGEST_PATIENCE = 3.0
"""A substation is late when it misses about three of its own reporting intervals."""


@dataclass(frozen=True, slots=True)
class Presence:
    """Per substation: seconds with a reading, the first and last of them (column, -1 for none), mean seconds between them."""

    count: Indices
    first: Indices
    last: Indices
    cadence_s: Floats


def presence(present: Flags) -> Presence:
    """Read the reporting habits of every substation off its row."""
    count = np.count_nonzero(present, axis=1)
    width = present.shape[1]
    some = count > 0
    first = np.where(some, present.argmax(axis=1), -1)
    last = np.where(some, width - 1 - present[:, ::-1].argmax(axis=1), -1)
    cadence = np.where(count >= 5, (last - first) / np.maximum(count - 1, 1), UNKNOWN_CADENCE_S)
    return Presence(count, first, last, cadence)


def stale_limit(cadence_s: Floats, limit_s: float) -> Floats:
    """Seconds of silence that are an anomaly: `limit_s`, or three intervals of a substation that reports more seldom."""
    return np.asarray(np.maximum(limit_s, LONGEST_PATIENCE * cadence_s))
