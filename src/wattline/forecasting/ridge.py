"""Ridge regression for each step of the day by itself, which borrows from the steps around it.

The moments of neighbouring steps are added with a Gaussian weight, each around its own mean: with a few weeks of history one
step alone has too few days to learn from, and the load an hour later depends on much the same.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from wattline.forecasting.model import Floats

PENALTY = 0.01
"""Of a feature of variance 1, in shares of its weight."""
_BANDWIDTH_H = 0.5
_TINY = 1e-9


@dataclass(frozen=True, slots=True)
class Ridge:
    """For each step: the mean of the target (steps), the means and coefficients of the features (steps, features)."""

    target: Floats
    means: Floats
    coefficients: Floats

    def predict(self, features: Floats) -> Floats:
        """Of features (rows, steps, features): the targets (rows, steps)."""
        return np.asarray(self.target + ((features - self.means) * self.coefficients).sum(axis=-1))


class Moments:
    """Sums over days, to which days are added; a fit is of all days so far."""

    def __init__(self, features: Floats) -> None:
        """`features` (days, steps, features) are the first ones to be added: sums are taken around their mean."""
        steps, count = features.shape[1:]
        self._centre = features.mean(axis=0)
        self._weight = np.zeros(steps)
        self._x = np.zeros((steps, count))
        self._xx = np.zeros((steps, count, count))
        self._y = np.zeros(steps)
        self._xy = np.zeros((steps, count))
        hours = 24 / steps * (np.arange(steps)[:, None] - np.arange(steps)[None, :])
        kernel = np.exp(-0.5 * (hours / _BANDWIDTH_H) ** 2)
        self._kernel = kernel / kernel.sum(axis=1, keepdims=True)

    def add(self, features: Floats, target: Floats) -> None:
        """Days of features (days, steps, features) and what came of them (days, steps); an unknown target does not count."""
        known = ~np.isnan(target)
        x = np.where(known[:, :, None], features - self._centre, 0.0).transpose(1, 0, 2)
        y = np.where(known, target, 0.0).T
        self._weight += known.sum(axis=0)
        self._x += x.sum(axis=1)
        self._xx += x.transpose(0, 2, 1) @ x
        self._y += y.sum(axis=1)
        self._xy += (x.transpose(0, 2, 1) @ y[:, :, None])[:, :, 0]

    def fit(self) -> Ridge:
        """The coefficients that the days so far give."""
        weight = np.maximum(self._weight, 1.0)
        x, y = self._x / weight[:, None], self._y / weight
        xx = self._xx - weight[:, None, None] * x[:, :, None] * x[:, None, :]
        xy = self._xy - weight[:, None] * x * y[:, None]
        total = max(float(self._weight.sum()), 1.0)
        scale = np.sqrt(np.maximum(np.einsum("sff->f", xx) / total, 0.0))
        # A feature that never changes tells nothing, and its rounding errors must not be blown up.
        usable = scale > _TINY * (np.abs(self._centre).max(axis=0) + np.abs(x).max(axis=0) + _TINY)
        inverse = np.where(usable, 1 / np.where(usable, scale, 1.0), 0.0)
        xx = np.tensordot(self._kernel, xx, 1) * inverse[:, None] * inverse
        xy = (self._kernel @ xy) * inverse
        days = self._kernel @ weight
        penalty = (PENALTY * days)[:, None, None] * np.eye(scale.size)
        solved = np.linalg.solve(xx + penalty, xy[:, :, None])[:, :, 0]
        return Ridge(y, x + self._centre, solved * inverse)
