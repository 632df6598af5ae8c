"""Confidences from what a forest says of rows it has not seen, and of classes it was not taught."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold

from wattline.households.recognition.calibration import (
    UNKNOWN_SHARE,
    Calibration,
    expected_calibration_error,
    log_odds,
    strangeness,
    tempered,
)
from wattline.households.recognition.training.examples import Examples

FOLDS = 10
_TEMPERATURES = np.round(np.geomspace(0.25, 3, 60), 4)
Column = NDArray[np.float64]


def out_of_fold(examples: Examples, forest: Callable[[], Any], seed: int) -> tuple[Column, Column]:
    """(votes, strangeness) of every row by a forest that saw no row of its series."""
    votes = np.zeros((len(examples.rows), int(examples.labels.max()) + 1))
    strange = np.zeros(len(examples.rows))
    folds = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=seed)
    for seen, unseen in folds.split(examples.rows, examples.labels, examples.source):
        _ask(examples, forest, seen, unseen, votes, strange)
    return votes, strange


def untaught(examples: Examples, forest: Callable[[], Any]) -> tuple[Column, Column]:
    """(votes, strangeness) of every row by a forest that was not taught its class. What was made up keeps zeros."""
    votes = np.zeros((len(examples.rows), int(examples.labels.max()) + 1))
    strange = np.zeros(len(examples.rows))
    for left_out in range(len(examples.classes)):
        other = examples.labels == left_out
        _ask(examples, forest, np.flatnonzero(~other), np.flatnonzero(other), votes, strange)
    return votes, strange


def _ask(
    examples: Examples,
    forest: Callable[[], Any],
    seen: NDArray[np.int64],
    unseen: NDArray[np.int64],
    votes: Column,
    strange: Column,
) -> None:
    fitted = forest().fit(examples.rows[seen], examples.labels[seen], examples.weights[seen])
    votes[np.ix_(unseen, fitted.classes_)] = fitted.predict_proba(examples.rows[unseen])
    real = seen[examples.labels[seen] < len(examples.classes)]
    strange[unseen] = strangeness(examples.rows[unseen], *_reach(examples.rows[real]))


def calibrated(examples: Examples, forest: Callable[[], Any], seed: int) -> tuple[Calibration, dict[str, float]]:
    """The calibration, and figures of the cross-validation: accuracy, expected calibration error, what is called unknown."""
    count = len(examples.classes)
    made_up, noise = examples.labels >= count, examples.labels == examples.labels.max()
    votes, strange = out_of_fold(examples, forest, seed)
    other_votes, other_strange = untaught(examples, forest)
    judged, weights, labels = examples.whole, examples.weights[examples.whole], examples.labels[examples.whole]
    temperature = min(map(float, _TEMPERATURES), key=lambda each: _loss(tempered(votes[judged, :count], each), labels, weights))

    def inputs(votes: Column, strange: Column, chosen: NDArray[np.bool_]) -> Column:
        odds = log_odds(tempered(votes[chosen, :count], temperature))
        return np.column_stack((odds, strange[chosen], votes[chosen, count:].sum(axis=1)))

    # Half of what is unknown is an appliance that was not taught, half is made up.
    sets = (inputs(votes, strange, judged), inputs(other_votes, other_strange, judged), inputs(votes, strange, made_up))
    shares = (1 - UNKNOWN_SHARE, UNKNOWN_SHARE / 2, UNKNOWN_SHARE / 2)
    total = sum(map(len, sets))
    importance = np.concatenate(
        [
            share * total * each / each.sum()
            for share, each in zip(shares, (weights, weights, np.ones(len(sets[2]))), strict=True)
        ]
    )
    outside = np.repeat([0, 1, 1], [len(each) for each in sets])
    fitted = LogisticRegression(C=100.0, max_iter=1000).fit(np.concatenate(sets), outside, importance)
    low, high = _reach(examples.rows[~made_up])
    offset, sure, odd, stray = (round(float(each), 6) for each in (fitted.intercept_[0], *fitted.coef_[0]))
    unknown, untaught_unknown, noise_unknown = (fitted.predict_proba(each)[:, 1] for each in sets)
    known = tempered(votes[judged, :count], temperature) * (1 - unknown[:, None])
    answer = np.where(unknown > known.max(axis=1), -1, known.argmax(axis=1))
    confidence = np.maximum(unknown, known.max(axis=1))
    return Calibration(round(temperature, 6), offset, sure, odd, stray, low, high), {
        "accuracy": round(float(np.average(answer == labels, weights=weights)), 4),
        "calibration_error": round(expected_calibration_error(confidence, answer == labels), 4),
        "called_unknown": round(float(np.average(answer < 0, weights=weights)), 4),
        "noise_called_unknown": round(float(np.mean(noise_unknown[noise[made_up]] > 0.5)), 4),
        "untaught_mean_unknown": round(float(np.average(untaught_unknown, weights=weights)), 4),
    }


def _reach(rows: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    return rows.min(axis=0), rows.max(axis=0)


def _loss(known: Column, labels: NDArray[np.int64], weights: Column) -> float:
    return float(-np.average(np.log(known[np.arange(len(labels)), labels]), weights=weights))
