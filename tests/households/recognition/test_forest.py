"""Trees as flat arrays vote as the trees they came from; arrays that are no forest are refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wattline.households.recognition.forest import LEAF, Forest

# Two extremely randomised trees of scikit-learn 1.9.1, grown to a depth of 3 on rows of three features, packed.
SIZES = np.array([9, 13], np.uint16)
FEATURE = np.array([2, 2, 255, 255, 2, 1, 255, 255, 255, 0, 1, 0, 255, 255, 255, 1, 0, 255, 255, 2, 255, 255], np.uint8)
SKIP = np.array([4, 2, 0, 0, 4, 2, 0, 0, 0, 6, 4, 2, 0, 0, 0, 4, 2, 0, 0, 2, 0, 0], np.uint16)
SPLITS = np.array(
    [-0.608908, -0.858353, 0.587686, -0.248431, -0.093819, -0.436469, -0.821202, -0.078069, 0.586948, -0.701375], np.float32
)
SHARES = np.array(
    [
        *([0, 1, 0], [0, 0, 1], [0.4, 0.4, 0.2], [1 / 3, 1 / 3, 1 / 3], [1, 0, 0]),
        *([1, 0, 0], [0, 0, 1], [0, 1, 0], [0.5, 0.5, 0], [0, 1, 0], [0, 0, 1], [1 / 3, 0, 2 / 3]),
    ],
    np.float32,
)
EXPECTED = [
    ((0.0, 0.0, 0.0), (0.333333, 0.166667, 0.5)),
    ((1.0, -1.0, 0.5), (0.2, 0.7, 0.1)),
    ((-2.0, 2.0, -0.25), (0.166667, 0.666667, 0.166667)),
    ((0.3, -0.6, 1.1), (0.75, 0.25, 0.0)),
]
"""Rows, and what scikit-learn's `predict_proba` gives for them."""


def forest(**changed: Any) -> Forest:
    arrays = {"sizes": SIZES, "feature": FEATURE, "skip": SKIP, "splits": SPLITS, "shares": SHARES} | changed
    return Forest.unpack(**arrays, features=3)


@pytest.mark.parametrize(("row", "votes"), EXPECTED)
def test_it_votes_as_scikit_learn_does(row: tuple[float, ...], votes: tuple[float, ...]) -> None:
    assert forest().share(np.array(row, np.float32)) == pytest.approx(votes, abs=2e-6)


def walked(row: np.ndarray) -> np.ndarray:
    """The same, node by node, as the packing is described."""
    total, begin = np.zeros(3), 0
    for size in SIZES:
        at = begin
        while FEATURE[at] != LEAF:
            split = SPLITS[np.count_nonzero(FEATURE[:at] != LEAF)]
            at += 1 if row[FEATURE[at]] <= split else int(SKIP[at])
        total += SHARES[np.count_nonzero(FEATURE[:at] == LEAF)]
        begin += int(size)
    return total / len(SIZES)


@given(st.lists(st.one_of(st.sampled_from(SPLITS.tolist()), st.floats(-3, 3, width=32)), min_size=3, max_size=3))
def test_all_trees_at_once_walk_as_one_after_the_other(row: list[float]) -> None:
    values = np.array(row, np.float32)
    assert forest().share(values) == pytest.approx(walked(values), abs=1e-6)


def changed(values: np.ndarray, place: int, to: float) -> np.ndarray:
    copy = values.copy()
    copy[place] = to
    return copy


@pytest.mark.parametrize(
    "wrong",
    [
        {"sizes": np.array([9, 12], np.uint16)},
        {"sizes": np.array([], np.uint16)},
        {"sizes": np.array([0, 9, 13], np.uint16)},
        {"skip": SKIP[:-1]},
        {"shares": SHARES[1:]},
        {"splits": SPLITS[1:]},
        {"splits": changed(SPLITS, 3, np.nan)},
        {"feature": changed(FEATURE, 0, 3)},
        {"skip": changed(SKIP, 0, 0)},
        {"skip": changed(SKIP, 0, 1)},
        {"skip": changed(SKIP, 4, 5)},
        {"skip": changed(SKIP, 19, 60_000)},
    ],
    ids=lambda wrong: next(iter(wrong)),
)
def test_arrays_that_are_no_forest_are_refused(wrong: dict[str, np.ndarray]) -> None:
    with pytest.raises(ValueError, match=r"^(its|a branch|they|it)"):
        forest(**wrong)
