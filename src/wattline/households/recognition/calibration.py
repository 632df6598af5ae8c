"""From the votes of trees to confidences: temperature, and how sure it is that the thing is of a learned class at all."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FLOOR = 1e-3
"""The least share of a class before the logarithm: no forest of a few hundred trees knows that a class is impossible."""
UNKNOWN_SHARE = 0.1
"""How much of what comes is taken to be of no class that was learned."""
MARGIN = 0.05
"""How far a feature may lie outside what was seen in training, as a part of that range, before it counts as strange."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """`temperature` flattens votes that are too sure; the rest is a logistic regression of "of no learned class".

    Its inputs are the log odds of the best class (weight `sure`), the share of features outside [`low`, `high`] (weight
    `strange`) and the votes for what was made up: noise, and switching at random (weight `noise`).
    """

    temperature: float
    offset: float
    sure: float
    strange: float
    noise: float
    low: NDArray[np.float32]
    high: NDArray[np.float32]

    def confidences(self, row: NDArray[np.float32], votes: NDArray[np.float64], classes: int) -> NDArray[np.float64]:
        """(classes + 1,): the confidence of each class, and of "unknown" at the end; they sum to 1.

        `votes` of the trees are one for each class, then one or more for what was made up.
        """
        known = tempered(votes[:classes], self.temperature)
        odd = strangeness(row, self.low, self.high)
        score = self.offset + self.sure * log_odds(known) + self.strange * odd + self.noise * float(votes[classes:].sum())
        unknown = float(1 / (1 + np.exp(-np.clip(score, -30, 30))))
        return np.append(known * (1 - unknown), unknown)


def tempered(votes: NDArray[np.float64], temperature: float) -> NDArray[np.float64]:
    """Votes (..., classes) as probabilities that sum to 1: sharper below a temperature of 1, flatter above it."""
    scores = np.log(votes + FLOOR) / temperature
    raised = np.exp(scores - scores.max(axis=-1, keepdims=True))
    found: NDArray[np.float64] = raised / raised.sum(axis=-1, keepdims=True)
    return found


def log_odds(known: NDArray[np.float64]) -> NDArray[np.float64]:
    """Of the best class of (..., classes), within +-6."""
    best = known.max(axis=-1)
    found: NDArray[np.float64] = np.clip(np.log(best + 1e-9) - np.log(1 - best + 1e-9), -6, 6)
    return found


def strangeness(row: NDArray[np.float32], low: NDArray[np.float32], high: NDArray[np.float32]) -> NDArray[np.float64]:
    """The share of features (last axis) that lie outside what was seen in training."""
    room = MARGIN * (high - low) + 1e-6
    found: NDArray[np.float64] = np.mean((row < low - room) | (row > high + room), axis=-1)
    return found


def expected_calibration_error(confidence: NDArray[np.float64], right: NDArray[np.bool_], bins: int = 10) -> float:
    """How far, on average, the confidence of the first guess is from how often it is right: 0 is perfect.

    Guo et al. 2017: equal-width bins of confidence, each weighted by its share of the guesses.
    """
    place = np.minimum((confidence * bins).astype(np.int64), bins - 1)
    gap = np.bincount(place, confidence - right, minlength=bins)
    return float(np.abs(gap).sum() / len(confidence))
