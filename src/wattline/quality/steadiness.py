"""What all values of a moving window have in common: their mean, the highest and the lowest, in columns."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]


def trailing_means(values: Values, count: int) -> Values:
    """The mean of each column over every `count` rows: row n is of the rows n to n + count - 1."""
    running = np.concatenate([np.zeros((1, values.shape[1])), np.cumsum(values - values[0], axis=0)])
    return np.asarray((running[count:] - running[:-count]) / count + values[0])


def extremes(values: Values, count: int) -> tuple[Values, Values]:
    """The highest and the lowest of each column over every `count` rows, as `trailing_means` has them."""
    return _extreme(np.maximum, values, count), _extreme(np.minimum, values, count)


def _extreme(of: np.ufunc, values: Values, count: int) -> Values:
    """By windows that are twice as long each time; the last two overlap."""
    width = 1
    while 2 * width <= count:
        values = of(values[:-width], values[width:])
        width *= 2
    rest = count - width
    return np.asarray(of(values[: len(values) - rest], values[rest:]))


def spread_of(values: Values) -> float:
    """The most that values of one column are apart."""
    return float(np.ptp(values, axis=0).max())
