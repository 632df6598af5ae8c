"""What the others see: the median frequency of an interconnection, second by second, and how each substation differs from it.

Frequency is one number throughout a synchronous area. A lasting difference between two substations would turn their voltages
out of phase (5 mHz for 100 s is half a turn), so a lasting difference is an instrument's fault or an island, never the grid.
"""

from __future__ import annotations

import numpy as np

from wattline.analytics.model import BASELINE_SECONDS, Floats, Indices
from wattline.analytics.rows import GAUSSIAN_MAD, block_means, fill_forward, last_seen, row_medians, sort_rows

LEAST_SUBSTATIONS = 3
"""Of two that disagree nobody can say which is wrong."""
HOLD_S = 15
"""How long a reading may stand in for a substation that reports more seldom than every second."""
COLUMNS_AT_ONCE = 256
DETREND_S = 300
"""Noise is measured within five-minute blocks, so that neither a drift nor a lasting offset raises its own limit."""
LEAST_READINGS = 20


def references(deviation_hz: Floats, group: Indices, groups: int) -> Floats:
    """The reference of every group [groups x seconds]; NaN in seconds when fewer than three substations are known."""
    found = np.full((groups, deviation_hz.shape[1]), np.nan)
    for number in range(groups):
        members = np.flatnonzero(group == number)
        if len(members) >= LEAST_SUBSTATIONS:
            found[number] = _median_by_second(deviation_hz, members)
    return found


def _median_by_second(deviation: Floats, members: Indices) -> Floats:
    width = deviation.shape[1]
    found = np.empty(width)
    for start in range(0, width, COLUMNS_AT_ONCE):
        stop = min(start + COLUMNS_AT_ONCE, width)
        before = max(start - HOLD_S, 0)
        block = deviation[members, before:stop]
        present = ~np.isnan(block)
        if not present.all():
            block = fill_forward(block, last_seen(present), HOLD_S)
        ordered = sort_rows(np.ascontiguousarray(block[:, start - before :].T))
        found[start:stop] = np.where(ordered.count >= LEAST_SUBSTATIONS, ordered.median(), np.nan)
    return found


def residual_noise(deviation_hz: Floats, reference_hz: Floats) -> Floats:
    """Robust standard deviation (Hz) of the fast part of each substation's residual over the baseline; NaN if too few."""
    residual = deviation_hz[:, :BASELINE_SECONDS] - reference_hz[:, :BASELINE_SECONDS]
    means, count = block_means(residual, DETREND_S)
    # A block's mean is drawn to its own few readings; this undoes it, and drops blocks of one.
    correction = np.where(count > 1, np.sqrt(count / np.maximum(count - 1, 1)), np.nan)
    shape = (len(residual), residual.shape[1] // DETREND_S, DETREND_S)
    fast = np.abs(residual.reshape(shape) - means[:, :, None]) * correction[:, :, None]
    ordered = sort_rows(fast.reshape(residual.shape))
    return np.where(ordered.count >= LEAST_READINGS, GAUSSIAN_MAD * ordered.median(), np.nan)


def recent_residual(deviation_hz: Floats, reference_hz: Floats) -> Floats:
    """|residual| (Hz) in each second of the last minute, against the nearest of the reference's neighbouring seconds.

    Clocks of field devices disagree by a second; on a steep ramp of the whole grid that alone must not look like a fault.
    """
    own = deviation_hz[:, BASELINE_SECONDS:]
    nearest = np.abs(own - reference_hz[:, BASELINE_SECONDS:])
    nearest = np.fmin(nearest, np.abs(own - reference_hz[:, BASELINE_SECONDS - 1 : -1]))
    following = np.abs(own[:, :-1] - reference_hz[:, BASELINE_SECONDS + 1 :])
    nearest[:, :-1] = np.fmin(nearest[:, :-1], following)
    return nearest


def median_by_group(values: Floats, group: Indices, groups: int) -> Floats:
    """For every substation the median of a figure over its group; substations whose figure is NaN do not count."""
    found = np.full(groups, np.nan)
    for number in range(groups):
        members = values[group == number]
        if len(members):
            found[number] = row_medians(members[None, :])[0]
    return np.asarray(found[group])
