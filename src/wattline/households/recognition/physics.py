"""What is known of appliances before any data: the power they draw, how long, and how steadily.

The appliances of ACSF1 are few of those in a home, and no package ships peaks of homes with their appliances. So each category
has ranges, in which about nine of ten uses lie: of European households at 230 V.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wattline.households.recognition.shape import STEP_S, Shape

_NINETY = 2 * 1.645
"""Standard deviations from the 5th to the 95th percentile of a normal distribution."""
Range = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Use:
    """One way of using an appliance. `weight`: its part of all peaks of a home, relative to the others.

    `level_w`, `minutes`, `fullness` and `steadiness` are ranges of what `Shape` measures.
    """

    category: str
    weight: float
    level_w: Range
    minutes: Range
    fullness: Range = (0.9, 1.05)
    steadiness: Range = (0.85, 1.1)


USES = (
    Use("stovetop", 5, (900, 3500), (5, 45), (0.45, 1.0), (0.4, 1.0)),
    Use("oven", 4, (1800, 3500), (15, 90), (0.3, 0.95), (0.4, 1.0)),
    Use("fridge", 5, (45, 180), (5, 45), (0.9, 1.15)),
    Use("freezer", 3, (60, 220), (10, 60), (0.9, 1.15)),
    Use("microwave", 4, (900, 1700), (0.7, 8), (0.7, 1.05), (0.6, 1.1)),
    Use("microwave", 1, (350, 1000), (1, 20), (0.6, 1.1), (0.2, 1.0)),
    Use("kettle", 8, (1600, 2600), (1.2, 5.5)),
    Use("toaster", 3, (650, 1300), (1.5, 4.5)),
    Use("coffeeMachine", 4, (700, 1500), (0.6, 8), (0.6, 1.05), (0.5, 1.1)),
    Use("coffeeMachine", 1, (150, 900), (0.4, 2), (0.6, 1.1), (0.2, 1.1)),
    Use("airFryer", 2, (1200, 1900), (10, 30), (0.5, 1.0), (0.5, 1.0)),
    Use("blender", 0.5, (250, 1200), (0.4, 3), (0.7, 1.1), (0.4, 1.1)),
    Use("dishwasher", 4, (1700, 2400), (40, 150), (0.2, 0.6), (0.75, 1.0)),
    Use("dishwasher", 2, (1700, 2400), (8, 22)),
    Use("washingMachine", 4, (1700, 2400), (30, 120), (0.15, 0.6), (0.6, 1.0)),
    Use("washingMachine", 2, (1700, 2400), (6, 25)),
    Use("dryer", 2, (1900, 3000), (40, 120), (0.7, 1.0), (0.7, 1.0)),
    Use("dryer", 2, (500, 950), (50, 180), (0.85, 1.1), (0.8, 1.05)),
    Use("vacuumCleaner", 3, (500, 1600), (5, 30), (0.85, 1.05), (0.65, 1.05)),
    Use("iron", 1.5, (1400, 2600), (8, 50), (0.15, 0.7), (0.2, 0.8)),
    Use("hairDryer", 3, (900, 2200), (2, 12), (0.75, 1.05), (0.6, 1.1)),
    Use("bodyCare", 0.3, (25, 150), (2, 15), (0.8, 1.1), (0.7, 1.1)),
    Use("heaterFan", 2, (900, 2200), (15, 180), (0.6, 1.05), (0.7, 1.05)),
    Use("electricHeater", 2, (600, 2600), (30, 480), (0.5, 1.05), (0.75, 1.05)),
    Use("airConditioning", 2, (500, 1800), (20, 480), (0.7, 1.1), (0.7, 1.0)),
    Use("heatPump", 2, (900, 4500), (20, 480), (0.8, 1.15), (0.75, 1.05)),
    Use("tvsAndMonitors", 3, (40, 250), (30, 300), (0.85, 1.1), (0.65, 1.0)),
    Use("entertainmentAndComputers", 3, (40, 400), (20, 400), (0.75, 1.15), (0.3, 1.0)),
    Use("lighting", 2, (25, 300), (20, 400), (0.9, 1.1), (0.85, 1.05)),
    Use("eCar", 3, (3200, 11500), (60, 600), (0.9, 1.05), (0.85, 1.05)),
    Use("eCar", 1, (1800, 3000), (150, 700)),
    Use("eMobility", 0.7, (60, 350), (60, 360), (0.75, 1.05)),
)

CATEGORIES = tuple(dict.fromkeys(use.category for use in USES))
"""The categories that a peak can be of. "others" is no answer: what is none of these is unknown."""

_LEAST_SPREAD = 0.12
"""Of fullness and steadiness: a meter that sends every 15 to 21 s knows neither better."""
_TRUST = 0.25
"""The power to which a density is raised: the four measures depend on one another and the ranges are rough, so the product of
four densities would be far too sure of itself. Of 0.2 to 1, lower values gave unseen peaks of ACSF1's training split the better
confidences; below this one, a car that charges for hours would be hardly told from the unknown."""
_STEADY_STEPS = 8
"""Of fewer steps of the grid the steadiness says less, in proportion."""
_UNKNOWN_WEIGHT = 8.0
_UNKNOWN_DENSITY = 1 / math.log(30_000 / 1) / math.log(1440 / 0.25)
"""Anything from 1 W to 30 kW, from 15 s to a day, of any fullness (up to 1) and steadiness (up to 1), equally often."""


class Physics:
    """The categories' ranges as densities, ready to be asked."""

    def __init__(self) -> None:
        ends = np.array([(use.level_w, use.minutes, use.fullness, use.steadiness) for use in USES])
        ends[:, :2] = np.log(ends[:, :2])
        weight = np.array([use.weight for use in USES])
        total = weight.sum() + _UNKNOWN_WEIGHT
        self._middle = ends.mean(axis=2)
        self._spread = (ends[:, :, 1] - ends[:, :, 0]) / _NINETY
        self._spread[:, 2:] = np.maximum(self._spread[:, 2:], _LEAST_SPREAD)
        self._width = np.log(self._spread * math.sqrt(2 * math.pi))
        self._share = np.log(weight / total)
        self._place = np.array([CATEGORIES.index(use.category) for use in USES])
        self._unknown = _UNKNOWN_DENSITY**_TRUST * _UNKNOWN_WEIGHT / total

    def posterior(self, shape: Shape) -> NDArray[np.float64]:
        """(categories + 1,): how likely each of `CATEGORIES` is, and at the end that it is none of them; they sum to 1."""
        seen = np.array([math.log(max(shape.level_w, 0.1)), math.log(shape.minutes), shape.fullness, shape.steadiness])
        away = (seen - self._middle) / self._spread
        sure = np.array([1, 1, 1, min((shape.minutes * 60 / STEP_S) / _STEADY_STEPS, 1.0)]) * _TRUST
        logs = self._share - ((0.5 * np.square(away) + self._width) * sure).sum(axis=1)
        found = np.append(np.bincount(self._place, np.exp(logs), minlength=len(CATEGORIES)), self._unknown)
        total: NDArray[np.float64] = found / found.sum()
        return total
