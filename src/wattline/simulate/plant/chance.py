"""Chance that depends on the seed and the instant alone: the same question is always answered the same."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
T = TypeVar("T")

MOST_KEPT = 256
WIDEST = 2.5
"""Noise is cut here, in standard deviations, so that a sound plant stays inside its limits."""


class Draws:
    """Random generators addressed by number: draw `index` of stream `stream` is the same in every process."""

    def __init__(self, seed: int) -> None:
        self._seed = seed

    def generator(self, stream: int, index: int) -> np.random.Generator:
        return np.random.default_rng(np.random.SeedSequence([self._seed, stream, index % 2**63]))


class Remembered(Generic[T]):
    """A function of a whole number that keeps its newest answers."""

    def __init__(self, make: Callable[[int], T]) -> None:
        self._make = make
        self._kept: dict[int, T] = {}

    def __call__(self, index: int) -> T:
        found = self._kept.get(index)
        if found is None:
            if len(self._kept) >= MOST_KEPT:
                self._kept.pop(next(iter(self._kept)))
            found = self._kept[index] = self._make(index)
        return found


class Drift:
    """Smooth noise of several channels: about standard deviation 1, drawn anew every `span` and joined without corners."""

    def __init__(self, draws: Draws, stream: int, channels: int, span: int) -> None:
        def knot(index: int) -> Floats:
            drawn = draws.generator(stream, index).standard_normal(channels)
            return np.clip(drawn, -WIDEST, WIDEST)

        self._span = span
        self._knot = Remembered(knot)

    def __call__(self, at: int) -> Floats:
        """The channels at an instant (us)."""
        index, rest = divmod(at, self._span)
        share = smooth(rest / self._span)
        return self._knot(index) * (1.0 - share) + self._knot(index + 1) * share


def smooth(share: float) -> float:
    """From 0 to 1 without corners; outside it stays at the end."""
    share = min(max(share, 0.0), 1.0)
    return share * share * (3.0 - 2.0 * share)


def day_curve(hours: float, peak: float) -> float:
    """A cosine over the day: +1 at the hour `peak`, -1 twelve hours later."""
    return math.cos((hours - peak) / 24.0 * 2.0 * math.pi)
