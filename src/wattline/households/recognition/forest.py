"""Trees as flat arrays: decided for one row of features in all trees at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

LEAF = 255
"""In the place of a feature's number: the node is a leaf. So a forest has at most 255 features."""


@dataclass(frozen=True, slots=True)
class Forest:
    """Nodes of all trees one after another, each tree in depth-first order: the left child follows its parent.

    `roots` holds the first node of each tree. Of each node: `feature` (LEAF for a leaf), `threshold` (go left where the feature
    is not greater), `right` (its right child; itself for a leaf), `leaf` (its row in `shares`). `shares` is (leaves, classes):
    how the training rows of the leaf divide among the classes.
    """

    roots: NDArray[np.int64]
    feature: NDArray[np.uint8]
    threshold: NDArray[np.float32]
    right: NDArray[np.int32]
    leaf: NDArray[np.int32]
    shares: NDArray[np.float32]

    @classmethod
    def unpack(
        cls,
        sizes: NDArray[np.uint16],
        feature: NDArray[np.uint8],
        skip: NDArray[np.uint16],
        splits: NDArray[np.float32],
        shares: NDArray[np.float32],
        features: int,
    ) -> Forest:
        """From the arrays of a file: nodes of each tree, thresholds of the splits alone, right children as distances.

        Raises ValueError where they are not a forest over `features` features: a walk from a root ends in a leaf of its tree.
        """
        nodes = len(feature)
        ends = np.cumsum(sizes, dtype=np.int64)
        is_leaf = feature == LEAF
        if not len(sizes) or ends[-1] != nodes or len(skip) != nodes or np.any(sizes == 0):
            raise ValueError("its trees do not fill its nodes")
        if np.count_nonzero(is_leaf) != len(shares) or np.count_nonzero(~is_leaf) != len(splits):
            raise ValueError("its leaves do not match their shares")
        if np.any(feature[~is_leaf] >= features) or not np.all(np.isfinite(splits)):
            raise ValueError("it asks for features that there are not")
        number = np.arange(nodes, dtype=np.int64)
        right = number + np.where(is_leaf, 0, skip)
        end = np.repeat(ends, sizes)
        if np.any(~is_leaf & ((skip < 2) | (right >= end))):
            raise ValueError("a branch leaves its tree")
        threshold = np.zeros(nodes, np.float32)
        threshold[~is_leaf] = splits
        leaf = np.where(is_leaf, np.cumsum(is_leaf) - 1, 0)
        return cls(ends - sizes, feature, threshold, right.astype(np.int32), leaf.astype(np.int32), shares)

    def share(self, row: NDArray[np.float32]) -> NDArray[np.float64]:
        """How the trees vote on one row: (classes,), summing to 1."""
        at = self.roots
        while True:
            feature = self.feature[at]
            inner = feature != LEAF
            if not inner.any():
                mean: NDArray[np.float64] = self.shares[self.leaf[at]].mean(axis=0, dtype=np.float64)
                return mean
            value = row[np.where(inner, feature, 0)]
            at = np.where(inner & (value <= self.threshold[at]), at + 1, self.right[at])
