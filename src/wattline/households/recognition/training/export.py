"""From scikit-learn's trees to the flat arrays of the model file, and the proof that both say the same."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from wattline.households.recognition.forest import LEAF, Forest
from wattline.model.errors import Invalid

Arrays = dict[str, NDArray[Any]]
TOLERANCE = 1e-6


def packed(fitted: Any) -> Arrays:
    """The arrays of a fitted forest (`ExtraTreesClassifier` or `RandomForestClassifier`)."""
    sizes, feature, skip, splits, shares = [], [], [], [], []
    for estimator in fitted.estimators_:
        tree = estimator.tree_
        is_leaf = tree.children_left < 0
        number = np.arange(tree.node_count)
        if np.any(tree.children_left[~is_leaf] != number[~is_leaf] + 1) or tree.node_count > np.iinfo(np.uint16).max:
            raise Invalid("the trees are not in depth-first order, or too large for the file")
        sizes.append(tree.node_count)
        feature.append(np.where(is_leaf, LEAF, tree.feature).astype(np.uint8))
        skip.append(np.where(is_leaf, 0, tree.children_right - number).astype(np.uint16))
        splits.append(_at_most(tree.threshold[~is_leaf]))
        votes = tree.value[is_leaf][:, 0, :]
        shares.append((votes / votes.sum(axis=1, keepdims=True)).astype(np.float32))
    return {
        "sizes": np.array(sizes, np.uint16),
        "feature": np.concatenate(feature),
        "skip": np.concatenate(skip),
        "splits": np.concatenate(splits),
        "shares": np.concatenate(shares),
    }


def _at_most(threshold: NDArray[np.float64]) -> NDArray[np.float32]:
    """The greatest single-precision number not above each: a single-precision feature then falls on the same side."""
    near = threshold.astype(np.float32)
    return np.where(near > threshold, np.nextafter(near, np.float32(-np.inf)), near).astype(np.float32)


def proved(fitted: Any, arrays: Arrays, rows: NDArray[np.float32]) -> Forest:
    """The forest of the arrays. Raises Invalid unless it votes as scikit-learn does on every row."""
    forest = Forest.unpack(**arrays, features=rows.shape[1])
    ours = np.array([forest.share(row) for row in rows])
    worst = float(np.abs(ours - fitted.predict_proba(rows)).max())
    if not worst <= TOLERANCE:
        raise Invalid(f"the exported trees differ from scikit-learn's by {worst:.2g}")
    return forest
