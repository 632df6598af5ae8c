"""What is known of one channel of a meter in each interval of 15 minutes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wattline.billing.intervals import Grid
from wattline.metering.energy.register import Floats
from wattline.model.clock import DAY, MINUTE

INTERVAL = 15 * MINUTE
A_DAY = DAY // INTERVAL
"""Intervals of a day of UTC."""
COLUMNS = {
    "energy": np.float64,
    "back": np.float64,
    "estimated": np.float64,
    "withheld": np.float64,
    "covered": np.float32,
    "count": np.uint16,
    "odd": np.uint16,
}
MOST_COUNTED = 2**16 - 1


def over(start: int, end: int) -> Grid:
    """The intervals of 15 minutes that begin in [start, end), both on an edge."""
    return Grid(start, end, end, INTERVAL)


@dataclass(frozen=True, slots=True)
class Cells:
    """One entry an interval, `size` of them; a column that is None is 0 everywhere.

    `energy` in kWh (kvarh), of which `estimated` is: exact in sum, its profile is not known. `back` is what flowed the other
    way, which power tells and a register does not. `covered` is the share of the interval whose energy is known: where nothing
    is, the energy is 0. `withheld` (kWh) is what a register added that is too much to be true, where the step ends. `count`
    counts readings up to `MOST_COUNTED`, `odd` the steps with a `register.Sign`.
    """

    size: int
    energy: Floats | None = None
    back: Floats | None = None
    estimated: Floats | None = None
    withheld: Floats | None = None
    covered: NDArray[np.float32] | None = None
    count: NDArray[np.uint16] | None = None
    odd: NDArray[np.uint16] | None = None

    @classmethod
    def of(cls, size: int, columns: dict[str, NDArray[Any]]) -> Cells:
        """These columns, without those that say nothing."""
        kept: dict[str, Any] = {
            name: column.astype(COLUMNS[name], copy=False) for name, column in columns.items() if column.any()
        }
        return cls(size, **kept)

    @property
    def nbytes(self) -> int:
        return sum(column.nbytes for column in self.columns().values() if column is not None)

    def columns(self) -> dict[str, NDArray[Any] | None]:
        """The columns by name."""
        return {name: getattr(self, name) for name in COLUMNS}

    def between(self, first: int, last: int) -> Cells:
        """The intervals [first, last): views, not copies."""
        views: dict[str, Any] = {name: None if each is None else each[first:last] for name, each in self.columns().items()}
        return Cells(last - first, **views)

    def moved(self, first: int, size: int) -> Cells:
        """As many intervals as asked for, from number `first` on: views, or copies where some of them lie beyond the ends.

        `covered` is None where nothing is, so that it does not matter how much else is kept.
        """
        if first >= 0 and first + size <= self.size:
            found = self.between(first, first + size)
            return found if found.covered is None or found.covered.any() else replace(found, covered=None)
        low, high = max(first, 0), min(first + size, self.size)
        columns: dict[str, Any] = {}
        for name, each in self.columns().items():
            # Only the part that is there is looked at: it may be a day of a year.
            if each is not None and each[low:high].any():
                columns[name] = np.zeros(size, each.dtype)
                columns[name][low - first : high - first] = each[low:high]
        return Cells(size, **columns)

    def full(self, name: str) -> NDArray[Any]:
        """A column, also where it says nothing."""
        found: NDArray[Any] | None = getattr(self, name)
        return np.zeros(self.size, COLUMNS[name]) if found is None else found
