"""Ten thousand small JSON objects at once, column by column: no object of Python is made for any of them.

An object for each would not only take twice as long: it is what makes the garbage collector walk all that the process holds.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray


def numbers(column: NDArray[np.float64]) -> list[bytes]:
    """Each number as JSON; what is not finite is null."""
    return msgspec.json.encode(column.tolist())[1:-1].split(b",") if len(column) else []


def words(codes: NDArray[np.int64], told: Sequence[bytes]) -> list[bytes]:
    """Of each code what it stands for."""
    return [told[code] for code in codes.tolist()]


def woven(count: int, *parts: bytes | Sequence[bytes]) -> bytes:
    """All parts of the first row, all of the second, and so on; a part is the same in every row, or a column."""
    width = len(parts)
    flat = [b""] * (count * width)
    for place, part in enumerate(parts):
        flat[place::width] = [part] * count if isinstance(part, bytes) else part
    return b"".join(flat)
