"""The register in whole micro-kWh: differences of it are exact, and sums of differences are differences again."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from wattline.ingest.series import Series
from wattline.model.clock import DAY
from wattline.registry.stream import Stream

MICRO = 1_000_000
"""A kWh in the unit of exact energy: six decimals."""
LARGEST = 9e12
"""kWh that a register can show at most, as far as a difference can be told: the next step of an int64 would be too large."""


def micro_kwh(register: NDArray[np.float64]) -> NDArray[np.int64]:
    """A register in kWh, without NaN, as whole micro-kWh."""
    found: NDArray[np.int64] = np.rint(np.clip(register, -LARGEST, LARGEST) * MICRO).astype(np.int64)
    return found


def kwh(micro: int) -> Decimal:
    """Micro-kWh as kWh, exact."""
    return Decimal(micro).scaleb(-6)


class Shown(NamedTuple):
    """What a register showed at a time (us), in micro-kWh."""

    time: int
    micro: int


async def registers_before(series: Series, streams: Sequence[Stream], moment: int) -> dict[int, Shown]:
    """What `total` and `total_out` of the streams showed last before `moment`, however long ago, by sensor id."""
    sensors = [stream.sensor_id(name) for stream in streams for name in ("total", "total_out")]
    if not sensors or moment <= 0:
        return {}
    found = await series.buckets(streams, sensors, 0, moment, DAY)
    used = found.count > 0
    shown = map(Shown, found.last_time[used].tolist(), micro_kwh(found.last[used]).tolist())
    # Ordered by time, so the newest of a sensor is the one that stays.
    return dict(zip(found.group[used].tolist(), shown, strict=True))
