"""Power on an even grid, from the register `total`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wattline.ingest.series import Series
from wattline.model.clock import MINUTE
from wattline.registry.stream import Stream


@dataclass(frozen=True, slots=True)
class Grid:
    """Mean power in W of each step of `width` us from `start`: one row a stream; NaN where it is not known."""

    start: int
    width: int
    watts: NDArray[np.float64]


async def power(series: Series, streams: Sequence[Stream], start: int, end: int, width: int = MINUTE) -> Grid:
    """The mean power of the streams in every step of [start, end); both are multiples of `width`, a multiple of a minute.

    Energy is exact: the steps of a span sum up to the difference of the register at its edges. A step in a gap of more than
    five minutes between two readings is NaN.
    """
    raise NotImplementedError
