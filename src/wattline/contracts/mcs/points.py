"""Points of a chart as the page shows them, made from columns."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from wattline.contracts.mcs.times import spell_all
from wattline.ingest.series import RawReadings, Summaries


class Point(msgspec.Struct, gc=False):
    """One point; `documents.TelemetryPoint` says what its fields mean."""

    bucket: str
    val_avg: float | None
    val_min: float | None
    val_max: float | None
    val_last: float | None
    sample_count: int
    quality_ratio: float | None


EMPTY: Sequence[Point] = ()
EVERYTHING = slice(None)


def of_buckets(found: Summaries, which: slice = EVERYTHING) -> list[Point]:
    """Buckets. One whose readings were all BAD has no values: what came with them is no measurement."""
    count, good = found.count[which], found.good[which]
    samples = count + found.bad[which]
    low, high = found.low[which], found.high[which]
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        # A mean lies between the extremes, which rounding of a long sum does not know.
        mean = np.clip(found.total[which] / count, low, high)
        ratio = good / samples
    columns = (_known(each, count) for each in (mean, low, high, found.last[which]))
    times = spell_all(found.time[which])
    return [Point(*each) for each in zip(times, *columns, samples.tolist(), ratio.tolist(), strict=True)]


def _known(values: NDArray[np.float64], count: NDArray[np.uint64]) -> list[float | None]:
    listed: list[float | None] = values.tolist()
    for place in np.flatnonzero(count == 0).tolist():
        listed[place] = None
    return listed


def of_readings(found: RawReadings, which: slice = EVERYTHING) -> list[Point]:
    """Readings as sent: a point each."""
    times = spell_all(found.time[which])
    values: list[float] = found.value[which].tolist()
    ratios = (found.quality[which] == 0).astype(np.float64).tolist()
    return [Point(time, value, value, value, value, 1, ratio) for time, value, ratio in zip(times, values, ratios, strict=True)]
