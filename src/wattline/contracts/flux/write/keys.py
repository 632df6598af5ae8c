"""Equal keys, found for all rows of a table at once. A key with a null in it equals none."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from wattline.contracts.flux.evaluate.reference import whole

Places = NDArray[np.int64]


def groups(keys: pa.Table) -> Places:
    """A number for each row: equal keys have equal numbers."""
    rows = keys.num_rows
    if not rows:
        return np.empty(0, np.int64)
    codes = [_codes(whole(column)) for column in keys.columns]
    order = np.lexsort(codes)
    new = np.zeros(rows, np.bool_)
    for code in codes:
        sorted_code = code[order]
        new[1:] |= sorted_code[1:] != sorted_code[:-1]
    found = np.empty(rows, np.int64)
    found[order] = np.cumsum(new)
    for column in keys.columns:
        if column.null_count:
            lonely = np.flatnonzero(whole(column).is_null().to_numpy(zero_copy_only=False))
            found[lonely] = rows + lonely
    return found


def _codes(column: pa.Array) -> NDArray[Any]:
    """Integers that are equal where the values are."""
    if pa.types.is_integer(column.type) and not column.null_count:
        return np.asarray(column.to_numpy())
    return np.asarray(column.dictionary_encode().indices.fill_null(0).to_numpy())


def repeated(keys: pa.Table) -> NDArray[np.bool_]:
    """Whether an earlier row has the same key."""
    if keys.num_rows <= 1:
        return np.zeros(keys.num_rows, np.bool_)
    _, first, place = np.unique(groups(keys), return_index=True, return_inverse=True)
    return np.asarray(first[place] != np.arange(keys.num_rows))


def places(keys: pa.Table, among: pa.Table) -> Places:
    """Where each key is among others, which are all different; -1 where it is not. Both have the same columns."""
    if not among.num_rows or not keys.num_rows:
        return np.full(keys.num_rows, -1, np.int64)
    numbers = groups(pa.concat_tables([among, keys]))
    there = np.full(2 * len(numbers), -1, np.int64)
    there[numbers[: among.num_rows]] = np.arange(among.num_rows)
    return there[numbers[among.num_rows :]]


def first(mask: NDArray[np.bool_]) -> int | None:
    """The first row of which it is true."""
    return int(mask.argmax()) if mask.any() else None
