"""Where a history comes from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from wattline.forecasting.model import Floats
from wattline.metering.model import Meter

Members = Sequence[tuple[Meter, int]]
"""Meters and how often each counts in the sum; -1 is taken away."""


class History(Protocol):
    """Tells the power that was."""

    async def power(self, members: Members, start: int, end: int, width: int) -> Floats:
        """The mean power (kW, import positive) of each interval of `width` us that begins in [start, end), summed over members.

        `start` is aligned to the width. NaN where it is not known, for one member or for all.
        """
        ...
