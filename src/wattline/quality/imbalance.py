"""Voltage imbalance of three phases in percent, by three methods that differ: the method is always named with the figure.

`vuf` is the negative-sequence over the positive-sequence voltage (IEC 61000-4-30); `lvur` the greatest deviation of a line
voltage from the mean of the three (NEMA MG 1); `pvur` the same of phase voltages (IEEE 141).
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from wattline.quality.marks import every

ImbalanceMethod = Literal["vuf", "lvur", "pvur"]
Values = NDArray[np.float64]


def lines_of(phases: Values) -> Values:
    """The line voltages ab, bc, ca (V) of phase voltages a, b, c taken to be 120 degrees apart; the last axis has three."""
    a, b, c = phases[..., 0], phases[..., 1], phases[..., 2]
    return np.stack([np.sqrt(x * x + y * y + x * y) for x, y in ((a, b), (b, c), (c, a))], axis=-1)


def deviation(voltages: Values) -> Values:
    """The greatest deviation from the mean of three, in percent of that mean: LVUR of lines, PVUR of phases. NaN at zero."""
    mean = voltages.mean(axis=-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(100 * np.abs(voltages - mean[..., None]).max(axis=-1) / mean)


def vuf_of_lines(lines: Values) -> Values:
    """The voltage unbalance factor in percent from the magnitudes of three line voltages, which close to a triangle.

    Phase voltages must not be given: they close to no triangle, and the figure would be about twice too high. NaN where the
    three can be no triangle.
    """
    squares = lines * lines
    with np.errstate(invalid="ignore", divide="ignore"):
        beta = (squares * squares).sum(axis=-1) / squares.sum(axis=-1) ** 2
        # Of a triangle beta is between 1/3 and 1/2; at 1/3 a float may fall just short of it.
        root = np.sqrt(np.maximum(3 - 6 * beta, 0))
        factor = 100 * np.sqrt(np.maximum(1 - root, 0) / (1 + root))
        return np.asarray(np.where(beta <= 0.5 + 1e-12, factor, np.nan))


def vuf_of_phasors(phasors: NDArray[np.complex128]) -> Values:
    """The voltage unbalance factor in percent from three phase or line phasors (the last axis), by symmetrical components."""
    turn = np.exp(2j * np.pi / 3)
    a, b, c = phasors[..., 0], phasors[..., 1], phasors[..., 2]
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(100 * np.abs(a + turn**2 * b + turn * c) / np.abs(a + turn * b + turn**2 * c))


def imbalance(method: ImbalanceMethod, phases: Values, lines: Values) -> tuple[Values, NDArray[np.bool_]]:
    """The imbalance in percent of each row of measured phase and line voltages (n x 3, V), and whether angles were assumed.

    NaN where the method lacks what it needs: `pvur` phase voltages, the others line voltages, for which phase voltages at 120
    degrees stand in. From those alone `vuf` is that of the phasors: the negative sequence exists between the phases too.
    """
    if method == "pvur":
        return deviation(phases), np.zeros(len(phases), bool)
    measured = every(~np.isnan(lines))
    used = np.where(measured[:, None], lines, lines_of(phases))
    found = deviation(used) if method == "lvur" else vuf_of_lines(used)
    return found, ~measured & ~np.isnan(found)
