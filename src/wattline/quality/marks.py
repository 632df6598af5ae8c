"""Where in a trace a condition holds: found once for a trace, looked up from any place."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]


def some(mask: Mask) -> Mask:
    """Which rows of a table hold for any column."""
    return np.asarray(mask.any(axis=1), bool)


def every(mask: Mask) -> Mask:
    """Which rows of a table hold for all columns."""
    return np.asarray(mask.all(axis=1), bool)


class Marks:
    """The places of a mask, in order. `NOWHERE` (the length of the mask) where there is none."""

    __slots__ = ("_places", "length")

    def __init__(self, mask: Mask) -> None:
        self.length = len(mask)
        self._places = np.flatnonzero(mask)

    def first(self, place: int) -> int:
        """The first place at or after this one, the length of the mask if there is none."""
        at = int(np.searchsorted(self._places, place))
        return int(self._places[at]) if at < len(self._places) else self.length
