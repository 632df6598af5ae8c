"""How good the shipped model is on the test splits, which nothing of it was chosen by."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from wattline.households.recognition.calibration import expected_calibration_error
from wattline.households.recognition.classes import ACSF1, CATEGORY, NAMES, UNKNOWN, Dataset
from wattline.households.recognition.datasets import Series, load
from wattline.households.recognition.electrical import signature
from wattline.households.recognition.metered import metered_peaks
from wattline.households.recognition.model import Recogniser

PEAKS = "peaks of acsf1"
"""The peaks that the appliances of ACSF1's test split would make in a home, in watts."""
_SEED = 7
_ALIKE = {"freezer": "fridge"}
"""ACSF1 has fridges and freezers as one class."""
Tell = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Quality:
    """Of the first guess over all `series` of a split.

    `accuracy` is the share that is right ("unknown" counts as wrong), overall and within `classes`; `calibration_error` how far
    the confidence is from that (expected calibration error); `unknown` the share called so.
    """

    dataset: str
    series: int
    accuracy: float
    calibration_error: float
    unknown: float
    classes: dict[str, float]


def evaluate(recogniser: Recogniser, root: Path | None = None, tell: Tell = lambda *_: None) -> list[Quality]:
    """Classify every series of the test splits, and the peaks they would make; `tell(name, done, of)` hears of each.

    `root` is the folder of data sets, that of sktime unless given. Raises NotFound where there is none.
    """
    held = {dataset: load(dataset, "test", root) for dataset in NAMES}
    return [*(_traces(recogniser, dataset, held[dataset], tell) for dataset in NAMES), _peaks(recogniser, held["acsf1"], tell)]


def _traces(recogniser: Recogniser, dataset: Dataset, held: Series, tell: Tell) -> Quality:
    guesses = []
    for done, series in enumerate(held.values, 1):
        guesses.append(recogniser.classify_trace(dataset, series)[0])
        tell(dataset, done, len(held.values))
    confidence = np.array([guess.confidence for guess in guesses])
    return _quality(dataset, NAMES[dataset], held.labels, [guess.name for guess in guesses], confidence)


def _peaks(recogniser: Recogniser, held: Series, tell: Tell) -> Quality:
    random = np.random.default_rng(_SEED)
    wanted = [CATEGORY[ACSF1[label]] for label in held.labels]
    names = sorted(set(wanted))
    labels, guessed, confidence = [], [], []
    for done, series in enumerate(held.values, 1):
        for times, watts in metered_peaks(signature(series).active_w, random):
            first = recogniser.classify(times, watts, 0.0)[0]
            labels.append(names.index(wanted[done - 1]))
            guessed.append(_ALIKE.get(first.name, first.name))
            confidence.append(first.confidence)
        tell(PEAKS, done, len(held.values))
    return _quality(PEAKS, names, np.array(labels), guessed, np.array(confidence))


def _quality(
    dataset: str, names: Sequence[str], labels: NDArray[np.int64], guessed: list[str], confidence: NDArray[np.float64]
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
