"""What is usual in a household: its base load, by how much a peak must exceed it, and how fine its register is. Pure."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from wattline.households.peaks.model import WINDOW
from wattline.model.clock import DAY, MINUTE

STEP = 5 * MINUTE
"""us of a step of the reference: long enough that coarse registers tell a power in it."""
SPAN = DAY
"""us before a window that say what is usual in it, together with the window itself but for its last step: how that ends is not
known when the window closes."""
FEWEST = 6
"""Steps that must be known: with less than half an hour nobody can tell what is usual, and nothing is a peak."""
LEAST_W, MOST_W = 200.0, 1000.0
"""A peak is at least so far above the base load, however quiet the home; so far is enough, however restless it is."""
SIGMAS = 5.0
_SIGMA = 1.4826
"""Median absolute deviations to a standard deviation, where the deviations are normal."""
FINEST_KWH = 2e-5
"""Differences of increments below this are no step of a register: 5 W in 15 s."""


def usual(watts: NDArray[np.float64], windows: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The base load of each window and the margin above it, in W: one row a meter, NaN where too little is known.

    `watts` has the steps of `SPAN` before the first window and those of all windows, NaN where unknown.
    """
    per_window, before = WINDOW // STEP, SPAN // STEP
    span = before + per_window - 1
    view = np.lib.stride_tricks.sliding_window_view(watts, span, axis=1)[:, ::per_window][:, :windows]
    known = np.count_nonzero(~np.isnan(view), axis=2)
    base = _median(view, known)
    spread = _median(np.abs(view - base[:, :, None]), known)
    margin = np.clip(SIGMAS * _SIGMA * spread, LEAST_W, MOST_W)
    enough = known >= FEWEST
    return np.where(enough, base, np.nan), np.where(enough, margin, np.nan)


def _median(values: NDArray[np.float64], known: NDArray[np.int64]) -> NDArray[np.float64]:
    """The median of the known values along the last axis; NaN where none is."""
    ordered = np.sort(values, axis=2)  # unknown ones come last
    low = np.maximum(known - 1, 0) // 2
    high = np.minimum(known // 2, values.shape[2] - 1)
    pair = np.take_along_axis(ordered, np.stack((low, high), axis=2), axis=2)
    found: NDArray[np.float64] = pair.mean(axis=2)
    return found


def register_steps(group: NDArray[np.int64], increments: NDArray[np.float64], groups: int) -> NDArray[np.float64]:
    """The step of the register in kWh, for each group of increments: the least difference of two of them, 0 counted as one.

    Infinite where nothing was used.
    """
    order = np.lexsort((increments, group))
    group, increments = group[order], increments[order]
    before = np.zeros(len(increments))
    same = group[1:] == group[:-1]
    before[1:][same] = np.maximum(increments[:-1][same], 0)
    differ = increments - before
    found = np.full(groups, np.inf)
    clear = differ > FINEST_KWH
    np.minimum.at(found, group[clear], differ[clear])
    return found
