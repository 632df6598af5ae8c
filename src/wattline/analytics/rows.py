"""Order statistics and gap arithmetic of every row of a matrix at once, NaN meaning "nothing was reported".

NumPy's own nanmedian runs Python code per row. Sorting puts NaN last, so one sort and a count per row give the
median, and the median absolute deviation follows from the same sorted rows by bisection, without a second sort.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, is_dataclass
from typing import Any, TypeVar, cast

import numpy as np

from wattline.analytics.model import Flags, Floats, Indices

GAUSSIAN_MAD = 1.4826
"""Turns a median absolute deviation into the standard deviation of a normal distribution."""
GAUSSIAN_MEAN = 1.2533
"""Turns a mean absolute deviation into the standard deviation of a normal distribution."""


Columns = TypeVar("Columns")


@dataclass(frozen=True, slots=True)
class SortedRows:
    """Rows in ascending order with the missing values at the end, and how many are present in each."""

    values: Floats
    count: Indices

    def median(self) -> Floats:
        """The median of each row; NaN for a row without values."""
        at = np.arange(len(self.values))
        last = np.maximum(self.count - 1, 0)
        low = self.values[at, last // 2]
        return np.asarray((low + self.values[at, (last + 1) // 2]) / 2)

    def deviation(self, centre: Floats) -> Floats:
        """The median of |value - centre| of each row; NaN for a row without values."""
        last = np.maximum(self.count - 1, 0)
        low = self._nearest(centre, last // 2 + 1)
        return np.asarray((low + self._nearest(centre, (last + 1) // 2 + 1)) / 2)

    def _nearest(self, centre: Floats, rank: Indices) -> Floats:
        """The rank-th smallest |value - centre|.

        The `rank` values nearest to the centre are neighbours in a sorted row. Sliding such a block to the right, its left
        edge comes nearer and its right edge goes away, so the best block is where the two distances cross.
        """
        at = np.arange(len(self.values))
        low = np.zeros(len(self.values), dtype=np.int64)
        high = np.maximum(self.count - rank, 0)
        while bool((low < high).any()):
            middle = (low + high) // 2
            right = self.values[at, middle + rank - 1] - centre
            beyond = right >= centre - self.values[at, middle]
            high = np.where(beyond, middle, high)
            low = np.where(beyond, low, np.minimum(middle + 1, high))
        best = self._reach(at, low, rank, centre)
        before = self._reach(at, np.maximum(low - 1, 0), rank, centre)
        return np.minimum(best, before)

    def _reach(self, at: Indices, start: Indices, rank: Indices, centre: Floats) -> Floats:
        left = np.abs(self.values[at, start] - centre)
        return np.asarray(np.maximum(left, np.abs(self.values[at, start + rank - 1] - centre)))


def sort_rows(values: Floats) -> SortedRows:
    """Sort every row; the argument is left as it is."""
    return SortedRows(np.sort(values, axis=1), np.count_nonzero(~np.isnan(values), axis=1))


def row_medians(values: Floats) -> Floats:
    """The median of each row, NaN for a row without values."""
    return sort_rows(values).median()


def last_seen(present: Flags) -> Indices:
    """For every cell the column of the newest present value at or before it, -1 where there is none yet."""
    columns = np.arange(present.shape[1], dtype=np.int32)
    seen = np.maximum.accumulate(np.where(present, columns, np.int32(-1)), axis=1)
    return np.asarray(seen)


def fill_forward(values: Floats, seen: Indices, horizon: int | None = None) -> Floats:
    """Repeat the newest value into the seconds after it, for at most `horizon` seconds."""
    filled = np.take_along_axis(values, np.maximum(seen, 0), axis=1)
    if horizon is not None:
        columns = np.arange(values.shape[1], dtype=np.int32)
        filled[columns - seen > horizon] = np.nan
    filled[seen < 0] = np.nan
    return np.asarray(filled)


def block_means(values: Floats, length: int) -> tuple[Floats, Indices]:
    """Mean and number of the values in each block of `length` columns; the mean of an empty block is NaN."""
    blocks = values.reshape(len(values), values.shape[1] // length, length)
    present = ~np.isnan(blocks)
    count = present.sum(axis=2)
    total = np.where(present, blocks, 0.0).sum(axis=2)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan), count


def stack_rows(parts: Sequence[Columns]) -> Columns:
    """Join records of per-row arrays, one record per block of rows, into one record of all rows."""
    kind = type(parts[0])
    joined: list[Any] = []
    for field in fields(cast(Any, kind)):
        pieces = [getattr(part, field.name) for part in parts]
        joined.append(stack_rows(pieces) if is_dataclass(pieces[0]) else np.concatenate(pieces))
    return kind(*joined)
