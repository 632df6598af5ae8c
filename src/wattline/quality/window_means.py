"""Means over the last minutes, of several quantities at once, in pieces of any size."""

from __future__ import annotations

import msgspec
import numpy as np
from numpy.typing import NDArray

PARTS = 10
"""A window is renewed in tenths: it holds the samples of the tenth that has begun and of the nine before."""


class WindowState(msgspec.Struct):
    """What is remembered: for each tenth that a window can still hold its number, sums and counts by quantity."""

    width: int = 0
    parts: list[int] = []
    sums: list[list[float]] = []
    counts: list[list[int]] = []


def means(
    state: WindowState, times: NDArray[np.int64], values: NDArray[np.float64], window: int, fewest: int
) -> NDArray[np.float64]:
    """The mean of each column over the window that ends with each sample, NaN where that holds fewer than `fewest` values.

    `times` (us) ascend; `values` is samples x quantities, NaN where one has no value; `window` in us. `state` is moved on.
    """
    tenth = max(1, window // PARTS)
    quantities = values.shape[1]
    if state.width != tenth or (state.sums and len(state.sums[0]) != quantities):
        state.width, state.parts, state.sums, state.counts = tenth, [], [], []
    held = len(state.parts)
    known = ~np.isnan(values)
    part = np.concatenate([np.array(state.parts, np.int64), times // tenth])
    sums = np.concatenate([np.array(state.sums).reshape(held, quantities), np.where(known, values, 0.0)])
    counts = np.concatenate([np.array(state.counts, np.int64).reshape(held, quantities), known.astype(np.int64)])
    first = np.searchsorted(part, part[held:] - (PARTS - 1))
    place = np.arange(held, len(part))
    total = _span_sums(sums, first, place)
    number = _span_sums(counts, first, place)
    _remember(state, part, sums, counts)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(number >= max(fewest, 1), total / number, np.nan)


def _span_sums(values: NDArray[np.float64], first: NDArray[np.int64], last: NDArray[np.int64]) -> NDArray[np.float64]:
    running = np.concatenate([np.zeros((1, values.shape[1])), np.cumsum(values, axis=0)])
    return np.asarray(running[last + 1] - running[first])


def _remember(state: WindowState, part: NDArray[np.int64], sums: NDArray[np.float64], counts: NDArray[np.int64]) -> None:
    kept = np.searchsorted(part, part[-1] - (PARTS - 1))
    numbers, start = np.unique(part[kept:], return_index=True)
    state.parts = numbers.tolist()
    state.sums = np.add.reduceat(sums[kept:], start, axis=0).tolist()
    state.counts = np.add.reduceat(counts[kept:], start, axis=0).tolist()
