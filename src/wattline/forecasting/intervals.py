"""Quantiles from the errors that were made before, at the same horizon and time of day; conformal, so to speak.

With n forecasts behind it, the quantile tau of the next error is between the order statistics around tau (n + 1): what was seen
n times may next time be outside of all. Errors of the steps around count too, as many as make the range smooth.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from wattline.forecasting.model import Floats
from wattline.forecasting.scores import coverage, mean_of_known, pinball

_AROUND_H = 1.0
_PARTS = 7
"""Folds are left out in so many parts, each of days that follow each other and err alike."""
_INSPECTED = 24
"""Steps of the horizon, evenly spread, at which the coverage is measured: all would take long for a week of quarter hours."""


def quantile_errors(errors: Floats, levels: Sequence[float], step_s: int) -> Floats:
    """Quantiles of the errors (folds, steps) of each step, never crossing: shape (levels, steps). NaN where none is known."""
    pooled = _pooled(errors, step_s)
    return _quantiles(pooled, np.isfinite(errors).sum(axis=0), levels)


def measure(actual: Floats, path: Floats, levels: Sequence[float], step_s: int) -> tuple[float | None, float | None]:
    """The coverage of the 80 % interval in percent and the mean pinball loss at these levels.

    Of each fold, with the quantiles that the errors of folds far from it give. None where there are no others.
    """
    errors = actual - path
    folds, steps = errors.shape
    if folds < 2:
        return None, None
    chosen = np.unique(np.linspace(0, steps - 1, min(steps, _INSPECTED)).round().astype(np.int64))
    pooled = _pooled(errors, step_s)[:, chosen]
    known = np.isfinite(errors[:, chosen])
    wanted = (0.1, 0.9, *levels)
    bounds = np.empty((len(wanted), folds, chosen.size))
    for some in np.array_split(np.arange(folds), min(folds, _PARTS)):
        bounds[:, some] = _quantiles(np.delete(pooled, some, 0), np.delete(known, some, 0).sum(axis=0), wanted)[:, None]
    bounds += path[:, chosen]
    seen = actual[:, chosen]
    losses = [mean_of_known(pinball(seen, bound, tau)) for tau, bound in zip(levels, bounds[2:], strict=True)]
    covered, loss = coverage(seen, bounds[0], bounds[1]), float(np.mean(losses))
    return (None, None) if np.isnan(covered) else (covered, loss)


def _pooled(errors: Floats, step_s: int) -> Floats:
    """The errors of each step and those around it: shape (folds, steps, around)."""
    around = int(_AROUND_H * 3600 // step_s)
    padded = np.pad(errors, ((0, 0), (around, around)), constant_values=np.nan)
    return np.lib.stride_tricks.sliding_window_view(padded, 2 * around + 1, axis=1)


def _quantiles(pooled: Floats, folds: np.ndarray, levels: Sequence[float]) -> Floats:
    """Quantiles of pooled errors (folds, steps, around), of which so many folds of each step are known."""
    ordered = np.sort(pooled.transpose(1, 0, 2).reshape(pooled.shape[1], -1), axis=1)
    known = np.isfinite(ordered).sum(axis=1)
    widened = (folds + 1) / np.maximum(folds - 1, 1e-9)
    at = np.arange(len(ordered))
    found = np.full((len(levels), len(ordered)), np.nan)
    for number, level in enumerate(levels):
        rank = np.clip(0.5 + (level - 0.5) * widened, 0, 1) * np.maximum(known - 1, 0)
        low = np.floor(rank).astype(np.int64)
        high = np.minimum(low + 1, np.maximum(known - 1, 0))
        found[number] = ordered[at, low] + (rank - low) * (ordered[at, high] - ordered[at, low])
    return found
