"""Very many sensors in one query: told as runs of ids, of which a stream's sensors mostly are one.

A list of a hundred thousand ids takes the store ten times as long to read as the readings that are asked for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

GAP = 32
"""Ids that may lie between two sensors of one run: what is read of them is thrown away."""
MOST = 10_000
"""Runs of one query: a server takes parameters of a megabyte."""
IN_RUNS = """sensor IN (SELECT arrayJoin(arrayFlatten(arrayMap((low, high) -> range(low, high),
                         {lows:Array(UInt32)}, {highs:Array(UInt32)}))))"""


@dataclass(frozen=True, slots=True)
class Runs:
    """Sensors in ascending order, and runs [low, high) that hold all of them and no more than a few others."""

    sensors: NDArray[np.int64]
    lows: NDArray[np.int64]
    highs: NDArray[np.int64]

    @property
    def bounds(self) -> list[dict[str, Any]]:
        """The parameters of IN_RUNS, of as many queries as it takes; one at the least."""
        return [
            {"lows": self.lows[at : at + MOST].tolist(), "highs": self.highs[at : at + MOST].tolist()}
            for at in range(0, max(len(self.lows), 1), MOST)
        ]

    def has(self, found: NDArray[np.uint32]) -> NDArray[np.bool_]:
        """Which of the sensors that were found were asked for."""
        place = np.minimum(np.searchsorted(self.sensors, found), len(self.sensors) - 1)
        return np.asarray(self.sensors[place] == found) if len(self.sensors) else np.zeros(len(found), bool)


def runs_of(sensors: ArrayLike) -> Runs:
    """The runs of sensors in any order."""
    ordered = np.sort(np.asarray(sensors, np.int64))
    if not len(ordered):
        return Runs(ordered, ordered, ordered)
    breaks = np.flatnonzero(np.diff(ordered) > GAP)
    return Runs(ordered, ordered[np.append(0, breaks + 1)], ordered[np.append(breaks, -1)] + 1)
