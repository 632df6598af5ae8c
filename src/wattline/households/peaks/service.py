"""Finding, keeping and telling peaks."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from wattline.households.meters.service import Meters
from wattline.households.peaks.model import Peak
from wattline.ingest.series import Series
from wattline.model.clock import Clock
from wattline.state.database import Database

Profile = tuple[Peak, NDArray[np.int64], NDArray[np.float64]]
"""A peak with its samples: times in us and watts above the base load."""
Suggest = Callable[[Sequence[Profile]], Awaitable[None]]


class Peaks:
    """Windows of half an hour, each looked at once and in order; `suggest` is told of every new or grown peak."""

    def __init__(self, database: Database, meters: Meters, series: Series, clock: Clock, suggest: Suggest) -> None:
        raise NotImplementedError

    async def process(self, tenant: str, mac: str) -> list[Peak]:
        """Look at every closed window of the meter's household that was not looked at, and give the peaks found or grown.

        Again is without effect. Raises `NotFound` for a meter that is unknown or assigned to nobody.
        """
        raise NotImplementedError

    async def process_all(self, slot: int) -> None:
        """The same for every assigned meter, with the windows that closed before `slot` (us)."""
        raise NotImplementedError

    async def found(self, tenant: str, user: str, start: int, end: int) -> list[Peak]:
        """The peaks of a household that touch [start, end), oldest first."""
        raise NotImplementedError

    async def peak(self, tenant: str, user: str, peak_id: str) -> Peak:
        """Raises `NotFound`, also for another household's."""
        raise NotImplementedError

    async def remove(self, tenant: str, user: str, peak_id: str) -> None:
        """Forget a peak and its appliances. Raises `NotFound`."""
        raise NotImplementedError
