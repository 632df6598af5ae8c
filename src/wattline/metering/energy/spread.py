"""The steps of a register, laid on intervals of 15 minutes: what lies between two readings is spread evenly in time."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from wattline.billing.intervals import Grid, cut
from wattline.metering.energy.register import Floats, Ints, Sign, Steps

LEAST = 1e-9
"""A smaller share of an interval is a float's rounding."""


def spread(steps: Steps, grid: Grid, gap: int) -> dict[str, NDArray[Any]]:
    """The columns of `cells.Cells`. A step longer than `gap` (us) that crosses an edge is an estimate, and so is a reset."""
    if not len(steps) or not grid.size:
        return {}
    # Relative to the grid, so that floats hold every microsecond.
    times = np.concatenate([steps.begin[:1], steps.stop]) - grid.start
    shown = np.concatenate([np.zeros(1), np.cumsum(steps.energy)])
    edges = np.arange(grid.size + 1, dtype=np.int64) * grid.width
    covered = np.diff(np.clip(edges, times[0], times[-1]).astype(np.float64)) / grid.width
    found: dict[str, NDArray[Any]] = {"energy": np.diff(np.interp(edges, times, shown)), "covered": covered}

    unknown = np.flatnonzero(steps.sign >= Sign.EXCHANGED)
    if len(unknown):
        pieces = cut(steps.begin[unknown], steps.stop[unknown], grid)
        covered -= np.bincount(pieces.interval, weights=pieces.time / grid.width, minlength=grid.size)
        covered[covered < LEAST] = 0.0
        found["withheld"] = _ending(steps.stop[unknown], steps.withheld[unknown], grid)
    odd = np.flatnonzero(steps.sign > Sign.NONE)
    if len(odd):
        found["odd"] = _ending(steps.stop[odd], np.ones(len(odd)), grid)

    crossing = (steps.stop - 1 - grid.start) // grid.width > (steps.begin - grid.start) // grid.width
    loose = np.flatnonzero(((steps.stop - steps.begin > gap) & crossing) | (steps.sign == Sign.RESET))
    if len(loose):
        pieces = cut(steps.begin[loose], steps.stop[loose], grid)
        rate = steps.energy[loose] / (steps.stop[loose] - steps.begin[loose])
        found["estimated"] = np.bincount(pieces.interval, weights=rate[pieces.span] * pieces.time, minlength=grid.size)
    return found


def _ending(moment: Ints, amount: Floats, grid: Grid) -> Floats:
    """Amounts in the intervals in which steps end; one that ends on an edge belongs to the interval before."""
    interval = (moment - 1 - grid.start) // grid.width
    inside = (interval >= 0) & (interval < grid.size)
    found = np.bincount(interval[inside], weights=amount[inside], minlength=grid.size)
    return found.astype(np.float64)
