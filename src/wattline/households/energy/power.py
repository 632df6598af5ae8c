"""Power between the readings of one meter, as they came."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wattline.households.energy.grid import LONGEST_GAP, WATTS
from wattline.households.energy.register import micro_kwh
from wattline.ingest.series import Series
from wattline.registry.stream import Stream


@dataclass(frozen=True, slots=True)
class Power:
    """The mean power in W from the reading before to each time (us)."""

    time: NDArray[np.int64]
    watts: NDArray[np.float64]


async def mean_power(series: Series, stream: Stream, start: int, end: int) -> Power:
    """The power of every reading in (start, end]: of the span from start to end where there is a reading at both.

    A reading that follows more than five minutes after the one before tells no power, nor does the first one ever.
    """
    found = await series.usable([stream], start - LONGEST_GAP, end + 1, ["total"])
    took = np.diff(found.time)
    watts = np.diff(micro_kwh(found.value)) * (WATTS / 1e6) / np.maximum(took, 1)
    told = (found.time[1:] > start) & (took > 0) & (took <= LONGEST_GAP)
    return Power(found.time[1:][told], watts[told])
