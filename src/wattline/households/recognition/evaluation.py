"""How good the shipped model is on the test splits, which nothing of it was chosen by."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from wattline.households.recognition.calibration import expected_calibration_error
from wattline.households.recognition.classes import NAMES, UNKNOWN, Dataset
from wattline.households.recognition.datasets import load
from wattline.households.recognition.model import Recogniser


@dataclass(frozen=True, slots=True)
class Quality:
    """Of the first guess over all `series` of a split.

    `accuracy` is the share that is right ("unknown" counts as wrong), overall and within `classes`; `calibration_error` how far
    the confidence is from that (expected calibration error); `unknown` the share called so.
    """

    dataset: Dataset
    series: int
    accuracy: float
    calibration_error: float
    unknown: float
    classes: dict[str, float]


def evaluate(
    recogniser: Recogniser, root: Path | None = None, tell: Callable[[Dataset, int, int], None] = lambda *_: None
) -> list[Quality]:
    """Classify every series of the test splits; `tell(data set, done, of)` hears of each.

    `root` is the folder of data sets, that of sktime unless given. Raises NotFound where there is none.
    """
    found = []
    for dataset, names in NAMES.items():
        held = load(dataset, "test", root)
        guessed, confidence = [], []
        for done, series in enumerate(held.values, 1):
            first = recogniser.classify_trace(dataset, series)[0]
            guessed.append(first.name)
            confidence.append(first.confidence)
            tell(dataset, done, len(held.values))
        found.append(_quality(dataset, names, held.labels, guessed, np.array(confidence)))
    return found


def _quality(
    dataset: Dataset, names: tuple[str, ...], labels: NDArray[np.int64], guessed: list[str], confidence: NDArray[np.float64]
) -> Quality:
    right = np.array([names[label] == guess for label, guess in zip(labels, guessed, strict=True)])
    return Quality(
        dataset,
        len(labels),
        float(right.mean()),
        expected_calibration_error(confidence, right),
        guessed.count(UNKNOWN) / len(guessed),
        {name: float(right[labels == number].mean()) for number, name in enumerate(names) if np.any(labels == number)},
    )
