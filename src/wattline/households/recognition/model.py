"""The recogniser: guesses what causes a peak."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wattline.households.recognition import electrical, profiles, start_ups
from wattline.households.recognition.calibration import UNKNOWN_SHARE
from wattline.households.recognition.classes import CATEGORY, UNKNOWN, Dataset
from wattline.households.recognition.model_file import SHIPPED, Part, read
from wattline.households.recognition.physics import CATEGORIES, Physics
from wattline.households.recognition.shape import Shape, measured
from wattline.model.errors import Invalid

_LEAST = 1e-12
_NOISE = 0.4
"""From this share of votes for noise on, the peak is the more unknown; at twice as much, wholly."""
_LEAST_LIKELY = 0.02
"""How likely each learned category stays among the learned, whatever is physically usual: ranges are rough."""


@dataclass(frozen=True, slots=True)
class Guess:
    """What it may be. `category` is one of the product's categories, None for "unknown"; `confidence` is 0..1."""

    name: str
    category: str | None
    confidence: float


class Recogniser:
    """Reads its file at the first use, once, whatever thread asks; after that it is read-only."""

    def __init__(self, path: Path = SHIPPED) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._held: tuple[dict[str, Part], dict[str, Any]] | None = None
        self._physics = Physics()

    def classify(self, times_us: NDArray[np.int64], watts: NDArray[np.float64], base_w: float | None = None) -> list[Guess]:
        """What may cause a peak, most likely first; the confidences of all, "unknown" among them, sum to 1.

        `times_us` ascend (microseconds), `watts` are powers at those times. `base_w` is what the home takes besides: 0 where
        it was taken off already, None to take it from the ends of the data where they are low.
        Raises Invalid for data that is not a peak: fewer than 3 samples, unordered times, values that are not finite.
        """
        shape = measured(np.asarray(times_us), np.asarray(watts, np.float64), base_w)
        if shape is None:
            return _ranked([UNKNOWN, *CATEGORIES], np.eye(1, len(CATEGORIES) + 1)[0])
        return _ranked([*CATEGORIES, UNKNOWN], self._joined(shape))

    def classify_trace(self, dataset: Dataset, series: NDArray[np.float64]) -> list[Guess]:
        """What made a series of a public data set, most likely first. Raises Invalid where it is no series of that set."""
        part = self._parts()[dataset]
        row = trace_features(dataset, np.asarray(series, np.float64))
        return _ranked([*part.classes, UNKNOWN], part.confidences(row))

    def about(self) -> dict[str, Any]:
        """How the model was made: version, data and their digests, tools, figures of the cross-validation."""
        self._parts()
        assert self._held is not None
        return self._held[1]

    def _parts(self) -> dict[str, Part]:
        if self._held is None:
            with self._lock:
                if self._held is None:
                    self._held = read(self._path)
        return self._held[0]

    def _joined(self, shape: Shape) -> NDArray[np.float64]:
        part = self._parts()["peak"]
        seen, votes = part.judged(shape.features())
        found = joined(self._physics.posterior(shape), part.classes, seen)
        # What most trees take for noise is nothing of a home, also where its mean power is usual.
        noise = min(max((votes - _NOISE) / _NOISE, 0.0), 1.0)
        found *= 1 - noise
        found[-1] += noise
        return found


def joined(likely: NDArray[np.float64], classes: Sequence[str], seen: NDArray[np.float64]) -> NDArray[np.float64]:
    """What is physically likely (categories + 1,), corrected by what trees say (classes + 1,) of the categories they learned.

    How sure the trees are that they know it is evidence for these categories together, measured against what is usual; which
    of them it is, both say. The others keep their proportions among one another.
    """
    learned = np.array([CATEGORIES.index(name) for name in classes])
    within, strange = float(likely[learned].sum()), float(seen[-1])
    known, other = within * (1 - strange) / (1 - UNKNOWN_SHARE), (1 - within) * strange / UNKNOWN_SHARE
    mass = known / (known + other)
    found = np.where(np.isin(np.arange(likely.size), learned), 0.0, likely)
    if (rest := float(found.sum())) > 0:
        found *= (1 - mass) / rest
    else:
        found[-1] = 1 - mass
    each = seen[:-1] * (likely[learned] / max(within, _LEAST) + _LEAST_LIKELY)
    found[learned] = mass * each / each.sum()
    return found


def trace_features(dataset: Dataset, series: NDArray[np.float64]) -> NDArray[np.float32]:
    """The row of features of a series of a public data set. Raises Invalid where it is no series of that set."""
    if dataset == "plaid":
        return start_ups.features(series)
    if dataset == "acsf1":
        return profiles.features(electrical.signature(series))
    raise Invalid("the data set is plaid or acsf1", "dataset")


def _ranked(names: Sequence[str], confidences: NDArray[np.float64]) -> list[Guess]:
    order = np.argsort(-confidences, kind="stable")
    return [
        Guess(
            names[place],
            CATEGORY.get(names[place], names[place]) if names[place] != UNKNOWN else None,
            float(confidences[place]),
        )
        for place in order
    ]
