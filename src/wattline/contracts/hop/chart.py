"""A substation's chart: every reading while they are few, else buckets that keep the extremes."""

from __future__ import annotations

from collections.abc import Sequence
from math import isnan

import numpy as np
from numpy.typing import NDArray

from wattline.contracts.hop.rows import BucketRow, SeriesRow, SourceRow
from wattline.contracts.hop.times import spell_all
from wattline.ingest.series import Chart, RowSet
from wattline.model.clock import SECOND
from wattline.registry.stream import Stream

SPANS = (5, 15, 30, 60, 360, 1440, 10080)
"""The published choices of `minutes`."""
POINTS = 2_000
COLUMNS = ["voltage_kv", "power_mw", "frequency_hz"]
SOURCE_COLUMNS = [*COLUMNS, "current_a"]


def bucket_of(minutes: int) -> int:
    """The width of a bucket, in microseconds: the whole seconds that leave at most 2,000 of them in a span."""
    return -(-minutes * 60 // POINTS) * SECOND


def plain(values: NDArray[np.float64]) -> list[float | None]:
    """A column as JSON holds it: null where nothing was sent."""
    listed: list[float] = values.tolist()
    return [None if isnan(value) else value for value in listed] if np.isnan(values).any() else [*listed]


def readings(rows: RowSet, which: slice) -> list[SeriesRow]:
    """Readings as they were sent."""
    times = spell_all(rows.time[which].tolist())
    columns = (plain(rows.columns[name][which]) for name in COLUMNS)
    return [SeriesRow(*each) for each in zip(times, *columns, strict=True)]


class Sources:
    """Makes rows that say which feeder and device each reading is of."""

    def __init__(self, streams: Sequence[Stream]) -> None:
        self._names = {
            stream.id: (stream.device.attributes.get("feeder_id"), stream.device.attributes.get("device_id"))
            for stream in streams
        }

    def __call__(self, rows: RowSet, which: slice) -> list[SourceRow]:
        times = spell_all(rows.time[which].tolist())
        names = [self._names[stream] for stream in rows.stream[which].tolist()]
        columns = [plain(rows.columns[name][which]) for name in SOURCE_COLUMNS]
        return [SourceRow(time, *values, *name) for time, name, *values in zip(times, names, *columns, strict=True)]


def buckets(chart: Chart) -> list[BucketRow]:
    """Buckets with their means and extremes."""
    times = spell_all(chart.time.tolist())
    means = [plain(chart.mean[name]) for name in COLUMNS]
    extremes = [plain(table[name]) for name in COLUMNS for table in (chart.min, chart.max)]
    return [BucketRow(*each) for each in zip(times, *means, *extremes, strict=True)]
