"""Which model, or how much of each: by the errors of the backtest."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from wattline.forecasting.model import Floats
from wattline.forecasting.scores import mean_of_known

_SHARPNESS = 2
"""The weight of a model in the blend falls with this power of its mean squared error."""
_LEAST_SHARE = 0.02
_TINY = 1e-12


def choose(paths: Mapping[str, Floats], actual: Floats) -> dict[str, float]:
    """The shares of the models, which add up to 1: the single best one, or the blend of all where that is better.

    `paths` (folds, steps) are judged by their mean absolute error; where nothing can be judged the first has all.
    """
    squares = {name: mean_of_known((path - actual) ** 2) for name, path in paths.items()}
    judged = {name: square for name, square in squares.items() if np.isfinite(square)}
    if not judged:
        return {next(iter(paths)): 1.0}
    best = min(judged.values())
    raw = {name: ((best + _TINY) / (square + _TINY)) ** _SHARPNESS for name, square in judged.items()}
    total = sum(raw.values())
    blend = _trimmed({name: weight / total for name, weight in raw.items()})
    choices = [blend, *({name: 1.0} for name in judged)]
    return min(choices, key=lambda shares: mean_of_known(np.abs(mix(paths, shares) - actual)))


def mix(paths: Mapping[str, Floats], shares: Mapping[str, float]) -> Floats:
    """The paths in these shares."""
    return np.asarray(sum(share * paths[name] for name, share in shares.items()))


def _trimmed(shares: dict[str, float]) -> dict[str, float]:
    kept = {name: share for name, share in shares.items() if share >= _LEAST_SHARE}
    total = sum(kept.values())
    return {name: share / total for name, share in kept.items()}
