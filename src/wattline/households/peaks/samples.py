"""Readings of many meters as samples of power, as fine as their registers allow. Pure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wattline.households.peaks.model import WINDOW
from wattline.households.peaks.reference import register_steps
from wattline.model.clock import HOUR, MINUTE, SECOND

LONGEST = 5 * MINUTE
"""us between two readings; what happened in a longer time is not known."""
WATTS = 1_000 * HOUR
"""kWh / us to W."""
COARSE = ((0.42e-3, 30 * SECOND), (1.05e-3, MINUTE))
"""From this step of a register (kWh) on, one reading in so many us: so that a step is not taken for a power."""


@dataclass(frozen=True, slots=True)
class Samples:
    """Mean power between readings, ordered by meter, then time: sample `i` is [begin, end) of meter number `meter`.

    `usual_w` is the base load of its window, `enough_w` the power that it must exceed to belong to a peak (NaN: none does),
    `step` the register's in kWh.
    """

    meter: NDArray[np.int64]
    begin: NDArray[np.int64]
    end: NDArray[np.int64]
    watts: NDArray[np.float64]
    usual_w: NDArray[np.float64]
    enough_w: NDArray[np.float64]
    step: NDArray[np.float64]

    def follows(self) -> NDArray[np.bool_]:
        """Whether each sample begins where the one before it ends."""
        found = np.zeros(len(self.begin), bool)
        found[1:] = (self.begin[1:] == self.end[:-1]) & (self.meter[1:] == self.meter[:-1])
        return found


def sampled(
    meter: NDArray[np.int64],
    time: NDArray[np.int64],
    total: NDArray[np.float64],
    first: int,
    base: NDArray[np.float64],
    margin: NDArray[np.float64],
) -> Samples:
    """Samples of readings that are ordered by meter, then time.

    `base` and `margin` (W) have a row a meter and a column a window, the first of which begins at `first` (us); all readings
    lie in these windows. What a window's readings say depends on no other window.
    """
    windows = base.shape[1]
    cell = meter * windows + (time - first) // WINDOW
    within = cell[1:] == cell[:-1]
    step = register_steps(cell[1:][within], np.diff(total)[within], base.size)
    width = np.ones(base.size, np.int64)
    for coarse, every in COARSE:
        width[step >= coarse] = every
    kept = np.ones(len(time), bool)
    slot = time // width[cell]
    kept[:-1] = (slot[1:] != slot[:-1]) | ~within
    meter, time, total, cell = meter[kept], time[kept], total[kept], cell[kept]
    took = np.diff(time)
    good = (meter[1:] == meter[:-1]) & (took > 0) & (took <= LONGEST)
    took, cell = took[good], cell[1:][good]
    fine = np.where(np.isinf(step), 0, step)[cell]
    usual = base.ravel()[cell]
    enough = usual + margin.ravel()[cell] + fine * WATTS / took
    watts = np.diff(total)[good] * WATTS / took
    return Samples(meter[1:][good], time[:-1][good], time[1:][good], watts, usual, enough, fine)
