"""How good a forecast was.

MASE as of Hyndman and Koehler 2006 (used by the M4 competition), pinball loss as of GEFCom2014.
"""

from __future__ import annotations

import numpy as np

from wattline.forecasting.model import Floats


def mean_of_known(values: Floats) -> float:
    """The mean of what is not NaN; NaN where nothing is."""
    known = ~np.isnan(values)
    return float(values[known].mean()) if known.any() else float("nan")


def seasonal_scale(history: Floats, season: int) -> float:
    """Mean absolute difference of values that are `season` steps apart; NaN where no two are known."""
    return mean_of_known(np.abs(history[season:] - history[:-season])) if history.size > season else float("nan")


def mase(errors: Floats, history: Floats, season: int) -> float | None:
    """Mean absolute error in units of the error of repeating the season within the history; None where that is 0 or unknown."""
    scale = seasonal_scale(history, season)
    return mean_of_known(np.abs(errors)) / scale if scale > 0 else None


def pinball(actual: Floats, quantile: Floats, tau: float) -> Floats:
    """The loss of each value of a quantile forecast: tau for every unit too low, 1 - tau for every unit too high."""
    short = actual - quantile
    return np.where(short >= 0, tau * short, (tau - 1) * short)


def coverage(actual: Floats, low: Floats, high: Floats) -> float:
    """The percentage of known values that lie within their interval, its ends included."""
    known = ~(np.isnan(actual) | np.isnan(low) | np.isnan(high))
    inside = (actual >= low) & (actual <= high)
    return 100 * float(inside[known].mean()) if known.any() else float("nan")


def root_mean_square(errors: Floats) -> float:
    """In the unit of the errors."""
    return float(np.sqrt(mean_of_known(errors**2)))


def skill(error: float, reference: float) -> float | None:
    """The share of the reference's error that is gone; None where that has none."""
    return 1 - error / reference if reference > 0 else None
