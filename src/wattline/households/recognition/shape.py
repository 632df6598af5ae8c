"""A peak on an even grid, and what can be measured of it whatever the cadence of the meter was."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wattline.households.recognition.columns import Column, lagged, runs, signed_log, standardised
from wattline.model.errors import Invalid

STEP_S = 30.0
"""The grid. Meters send every 15 to 21 s, so each bucket has seen at least one reading."""
LEAST_SAMPLES = 3
LONGEST_S = 2 * 86_400.0
"""No peak of a home lasts two days; a caller that sends more has not sent a peak."""
_HOUR_MIN = 60.0
"""As long as the recordings are that the trees were grown on."""
_ON = 0.5
_BUSY = 0.06
"""Parts of the greatest power: from the first on it counts as on, from the second on as at work (a pump, a drum)."""
_STEADY = 0.06
_STEADY_W = 15.0
"""What a step of the grid may change by and be called steady; a counter of 0.1 Wh alone makes 12 W."""
_RISEN = 0.9
_SHORTEST_MIN = 0.05
_EDGE = 0.25
_QUANTILES = (0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95)
_SHARES = (0.1, 0.25, 0.5, 0.75, 0.9)


@dataclass(frozen=True, slots=True)
class Shape:
    """What a peak looks like.

    `watts` are means over 30 s, above the base. `level_w` is the power while it is on, `minutes` how long it is at work,
    `fullness` the mean power of that time over the level, `steadiness` the share of its steps that hardly change.
    """

    watts: Column
    level_w: float
    minutes: float
    fullness: float
    steadiness: float

    def features(self) -> NDArray[np.float32]:
        """For the trees: level on a logarithmic scale, and the shape relative to it. Nothing lasts longer than an hour."""
        watts, level = self.watts, self.level_w + 1e-6
        relative = watts / level
        change = np.diff(watts)
        hours = watts.size * STEP_S / 3600
        switching: list[float] = []
        for share in _SHARES:
            rises, lengths = runs(relative > share)
            lasting = np.minimum(lengths * STEP_S / 60, _HOUR_MIN) if lengths.size else np.zeros(1)
            switching += [float(np.mean(relative > share)), rises / hours, float(lasting.mean()), float(lasting.max())]
        return np.array(
            [
                float(signed_log(self.level_w, 1.0)),
                float(signed_log(float(watts.max()), 1.0)),
                float(signed_log(float(watts.mean()), 1.0)),
                float(signed_log(float(np.abs(change).max()), 1.0)),
                float(signed_log(float(np.median(np.abs(change))), 0.1)),
                float(np.log(min(self.minutes, _HOUR_MIN))),
                self.fullness,
                self.steadiness,
                *np.quantile(relative, _QUANTILES),
                float(relative.std()),
                float(np.abs(change).mean() / level),
                float(change.max() / level),
                float(change.min() / level),
                *switching,
                *lagged(standardised(watts, 0.1), (1, 2, 4, 8)),
            ],
            np.float32,
        )


def measured(times_us: NDArray[np.int64], watts: NDArray[np.float64], base_w: float | None = None) -> Shape | None:
    """The shape of a peak; None where nothing in it is above zero.

    Samples are powers at instants (microseconds), joined by straight lines. `base_w` is what the home takes besides; with None
    it is what the ends of the data show where both are low, and otherwise 0.
    Raises Invalid for fewer than 3 samples, times that do not ascend, more than two days, or values that are not finite.
    """
    _check(times_us, watts)
    seconds = (times_us - times_us[0]) / 1e6
    if base_w is None:
        base_w = _edges(watts)
    elif not np.isfinite(base_w):
        raise Invalid("the base load is not a number", "base_w")
    grid = _means(seconds, watts - base_w)
    top = float(np.quantile(grid, 0.95)) if grid.size > 20 else float(grid.max())
    on = grid > _ON * top
    if top <= 0 or not on.any():
        return None
    level = float(np.median(grid[on]))
    busy = grid > _BUSY * top
    first, last = int(np.argmax(busy)), grid.size - int(np.argmax(busy[::-1]))
    begin, end = _partial(grid[first:last]), _partial(grid[first:last][::-1])
    active = grid[first + begin : last - end]
    change = np.abs(np.diff(active))
    steadiness = float(np.mean(change < max(_STEADY * level, _STEADY_W))) if change.size else 1.0
    # A grid knows a time only to a step; the area of the first and last steps knows how much of them was on.
    edges = float(grid[first : first + begin].sum() + grid[last - end : last].sum()) / level
    minutes = max((active.size + edges) * float(seconds[-1]) / grid.size / 60, _SHORTEST_MIN)
    return Shape(grid, level, minutes, float(np.clip(active.mean() / level, 0, 2)), steadiness)


def _partial(course: Column) -> int:
    """How many of the first steps only rise: what comes on within a step is smeared over two. At least one step remains."""
    for number in range(min(2, (course.size - 1) // 2)):
        if course[number] >= _RISEN * course[number + 1]:
            return number
    return min(2, (course.size - 1) // 2)


def _check(times_us: NDArray[np.int64], watts: NDArray[np.float64]) -> None:
    if times_us.ndim != 1 or watts.shape != times_us.shape:
        raise Invalid("each sample is one time and one power", "data")
    if times_us.size < LEAST_SAMPLES:
        raise Invalid(f"a peak has at least {LEAST_SAMPLES} samples", "data")
    if not np.all(np.isfinite(watts)) or np.abs(watts).max() > 1e9:
        raise Invalid("a power is not a number of watts", "power")
    if not np.all(times_us[1:] > times_us[:-1]):
        raise Invalid("the times of a peak ascend", "timestamp")
    if float(times_us[-1]) - float(times_us[0]) > LONGEST_S * 1e6:
        raise Invalid("a peak lasts at most two days", "timestamp")


def _edges(watts: NDArray[np.float64]) -> float:
    first, last = float(watts[0]), float(watts[-1])
    low, high = min(first, last), max(first, last)
    top = float(np.quantile(watts, 0.75 if watts.size > 8 else 1.0))
    return max(low, 0.0) if high < 2 * _EDGE * top and low >= 0 else 0.0


def _means(seconds: Column, watts: Column) -> Column:
    """Means over steps of the grid, by the area under the straight lines; the grid is stretched to fit the whole."""
    area = np.concatenate(([0.0], np.cumsum(np.diff(seconds) * (watts[1:] + watts[:-1]) / 2)))
    steps = max(round(float(seconds[-1]) / STEP_S), 2)
    edges = np.linspace(0.0, seconds[-1], steps + 1)
    place = np.clip(np.searchsorted(seconds, edges, side="right") - 1, 0, seconds.size - 2)
    into = edges - seconds[place]
    slope = (watts[place + 1] - watts[place]) / (seconds[place + 1] - seconds[place])
    upto = area[place] + into * (watts[place] + slope * into / 2)
    found: Column = np.diff(upto) / np.diff(edges)
    return found
