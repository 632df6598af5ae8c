"""A peak. Pure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wattline.model.clock import MINUTE

WINDOW = 30 * MINUTE
"""us that are looked at together: half hours of UTC."""


@dataclass(frozen=True, slots=True)
class Peak:
    """A span of high use of one household's meter: [start, end) in us.

    `power_w` is the mean above the base load `base_w` while it ran: pauses of less than two minutes lie in the span and do not
    count. `energy_kwh` is what was used above the base load in the whole span.
    """

    tenant: str
    id: str
    user: str
    mac: str
    start: int
    end: int
    power_w: float
    base_w: float
    energy_kwh: float


Profile = tuple[Peak, NDArray[np.int64], NDArray[np.float64]]
"""A peak with its samples: the end of each in us, and its watts above the base load."""
