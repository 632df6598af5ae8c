"""The pieces that features are made of."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Column = NDArray[np.float64]


def signed_log(values: Column | float, unit: float) -> Column:
    """Logarithm of magnitudes over `unit`, with the sign kept and zero at zero: watts over four decades, and negative vars."""
    found: Column = np.asarray(np.sign(values) * np.log10(1 + np.abs(values) / unit), np.float64)
    return found


def runs(on: NDArray[np.bool_]) -> tuple[int, NDArray[np.int64]]:
    """How often it goes on within the column, and the lengths of the stretches on."""
    ends = np.flatnonzero(np.diff(np.concatenate(([0], on.astype(np.int8), [0]))))
    begins = ends[0::2]
    return int(np.count_nonzero(begins > 0)), ends[1::2] - begins


def standardised(values: Column, least: float) -> Column:
    """Mean 0 and deviation 1; `least` is added to the deviation, so that a constant stays flat."""
    found: Column = (values - values.mean()) / (values.std() + least)
    return found


def correlation(one: Column, other: Column, least: float) -> float:
    """Pearson's; 0 where either varies by less than `least`."""
    if one.std() <= least or other.std() <= least:
        return 0.0
    return float(np.mean(standardised(one, 0.0) * standardised(other, 0.0)))


def lagged(unit: Column, lags: tuple[int, ...]) -> list[float]:
    """Autocorrelation of a standardised column; 0 for a lag that is longer than half of it."""
    return [float(np.mean(unit[lag:] * unit[:-lag])) if 2 * lag <= len(unit) else 0.0 for lag in lags]


def moments(values: Column) -> list[float]:
    """Mean, deviation, skewness, kurtosis."""
    spread = values.std()
    unit = standardised(values, 1e-12)
    return [float(values.mean()), float(spread), float(np.mean(unit**3)), float(np.mean(unit**4))]
