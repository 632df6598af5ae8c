"""Least squares without negative answers: the active-set method of Lawson and Hanson (1974), on normal equations."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]

TOLERANCE = 1e-9
"""Of the gradient, relative to its scale."""


def solve(matrix: Matrix, vector: Vector) -> tuple[Vector, NDArray[np.bool_]]:
    """The x >= 0 with the least x'Qx/2 - b'x, and which of its parts are free (above zero).

    `matrix` Q is symmetric and positive definite, so there is exactly one such x. Both in any consistent unit.
    """
    size = len(vector)
    x = np.zeros(size)
    free = np.zeros(size, bool)
    if not size:
        return x, free
    # Scaled to a unit diagonal: one tolerance then holds for small and for large parts alike.
    scale = 1 / np.sqrt(np.diag(matrix))
    scaled, target = matrix * scale[:, None] * scale, vector * scale
    least = TOLERANCE * max(float(np.abs(target).max()), 1e-300)
    # Each step lowers the objective and no set of free parts comes twice; the bound only guards against rounding.
    for _ in range(10 * size + 10):
        gradient = np.where(free, -np.inf, target - scaled @ x)
        enters = int(np.argmax(gradient))
        if gradient[enters] <= least:
            break
        free[enters] = True
        x = _descend(scaled, target, x, free)
    return x * scale, free


def _descend(matrix: Matrix, vector: Vector, x: Vector, free: NDArray[np.bool_]) -> Vector:
    """The best point of the free parts; where that has parts below zero, `free` loses the one that the way there brings to zero
    first, and so on."""
    while free.any():
        aim = np.zeros_like(x)
        aim[free] = np.linalg.solve(matrix[np.ix_(free, free)], vector[free])
        falling = np.flatnonzero(free & (aim <= 0))
        if not len(falling):
            return aim
        drop = x[falling] - aim[falling]
        shares = np.divide(x[falling], drop, out=np.zeros(len(falling)), where=drop > 0)
        first = int(np.argmin(shares))
        x = np.maximum(x + shares[first] * (aim - x), 0.0)
        x[falling[first]] = 0.0
        free[falling[first]] = False
    return np.zeros_like(x)
