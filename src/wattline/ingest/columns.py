"""From journalled rows to columns of readings: what is fresh as it is, what is late after comparing with the store."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import isnan

import numpy as np

from wattline.model.record import Quality, Row
from wattline.telemetry.writer import NOTHING, Readings, Records

MOST_REVISIONS = 2**16 - 1
"""What the store's column holds. A device whose clock stands still gets there; of equal revisions the last one written wins."""

NO_ID = bytes(16)

SensorIds = Callable[[int], tuple[int, ...]]
Stored = dict[tuple[int, int], tuple[float, int, int]]


@dataclass(slots=True)
class _Lists:
    """Readings on their way to columns."""

    sensor: list[int] = field(default_factory=list)
    time: list[int] = field(default_factory=list)
    value: list[float] = field(default_factory=list)
    quality: list[int] = field(default_factory=list)
    revision: list[int] = field(default_factory=list)

    def add(self, sensor: int, time: int, value: float, quality: int, revision: int) -> None:
        self.sensor.append(sensor)
        self.time.append(time)
        self.value.append(value)
        self.quality.append(quality)
        self.revision.append(revision)

    def readings(self) -> Readings:
        return Readings(
            np.array(self.sensor, np.uint32),
            np.array(self.time, np.int64),
            np.array(self.value, np.float64),
            np.array(self.quality, np.uint8),
            np.array(self.revision, np.uint16),
        )


def _plain(rows: Sequence[Row], sensor_ids: SensorIds, width: int) -> Readings:
    """Columns of rows that all have `width` values; None becomes a hole that is dropped."""
    sensors = np.array([sensor_ids(row.stream) for row in rows], np.uint32).ravel()
    times = np.repeat(np.array([row.time for row in rows], np.int64), width)
    values = np.array([row.values for row in rows], np.float64).ravel()
    if all(type(row.quality) is int for row in rows):
        quality = np.repeat(np.array([row.quality for row in rows], np.uint8), width)
    else:
        quality = np.array(
            [row.quality if isinstance(row.quality, tuple) else (row.quality,) * width for row in rows], np.uint8
        ).ravel()
    readings = Readings(sensors, times, values, quality, np.zeros(len(times), np.uint16))
    holes = np.isnan(values)
    if holes.any() and any(row.mark is not None for row in rows):
        # A table may hold what is not a number: such a reading is BAD, and kept.
        holes &= quality < Quality.BAD
    return readings.pick(~holes) if holes.any() else readings


def readings_of(rows: Sequence[Row], sensor_ids: SensorIds) -> Readings:
    """Columns of the readings in `rows`, all with revision 0. Rows of different layouts may be mixed."""
    by_width: dict[int, list[Row]] = {}
    for row in rows:
        by_width.setdefault(len(row.values), []).append(row)
    parts = [_plain(some, sensor_ids, width) for width, some in by_width.items()]
    if len(parts) == 1:
        return parts[0]
    if not parts:
        return NOTHING
    return Readings(
        np.concatenate([p.sensor for p in parts]),
        np.concatenate([p.time for p in parts]),
        np.concatenate([p.value for p in parts]),
        np.concatenate([p.quality for p in parts]),
        np.concatenate([p.revision for p in parts]),
    )


def records_of(rows: Sequence[Row]) -> Records:
    """The part of each row that is not a number."""
    return Records(
        np.array([row.stream for row in rows], np.uint32),
        np.array([row.time for row in rows], np.int64),
        np.array([row.received for row in rows], np.int64),
        [row.status or "" for row in rows],
        [NO_ID if row.mark is None else row.mark.id for row in rows],
        np.array([row.received if row.mark is None else row.mark.created for row in rows], np.int64),
        np.array([0 if row.mark is None else row.mark.fate for row in rows], np.uint8),
    )


def as_stored(readings: Readings) -> Stored:
    """Look-up of (sensor, time) to (value, quality, revision)."""
    keys = zip(readings.sensor.tolist(), readings.time.tolist(), strict=True)
    return dict(
        zip(keys, zip(readings.value.tolist(), readings.quality.tolist(), readings.revision.tolist(), strict=True), strict=True)
    )


def resolve_late(rows: Sequence[Row], sensor_ids: SensorIds, stored: Stored) -> tuple[Readings, Readings, list[Row]]:
    """Compare late rows, in order of arrival, with what is stored.

    Returns the readings to write (new ones with revision 0, changed ones with the next revision), the readings they
    replace, and the rows that changed anything, hold no number at all or are a table's. `stored` is brought up to date, so
    that rows may follow one another.
    """
    written, replaced = _Lists(), _Lists()
    changed: list[Row] = []
    for row in rows:
        before = len(written.time)
        qualities = row.quality if isinstance(row.quality, tuple) else (row.quality,) * len(row.values)
        for sensor, value, quality in zip(sensor_ids(row.stream), row.values, qualities, strict=True):
            if value is None:
                continue
            known = stored.get((sensor, row.time))
            if known is None and quality == Quality.VOID:
                continue
            if known is None:
                revision = 0
            elif known[1] == quality and (known[0] == value or (isnan(value) and isnan(known[0]))):
                continue
            else:
                revision = min(known[2] + 1, MOST_REVISIONS)
                replaced.add(sensor, row.time, known[0], known[1], known[2])
            written.add(sensor, row.time, value, quality, revision)
            stored[sensor, row.time] = (value, quality, revision)
        if len(written.time) > before or row.mark is not None or all(value is None for value in row.values):
            changed.append(row)
    return written.readings(), replaced.readings(), changed
