"""What the newest row of each stream is, found in the store at start."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from wattline.model.clock import HOUR, MINUTE
from wattline.model.record import Row
from wattline.registry.stream import Stream
from wattline.telemetry.reader import TelemetryReader

WINDOWS = (10 * MINUTE, 2 * HOUR)
"""How far back from the newest reading of all is looked first: a fleet at work is found there, and little has to be read."""
MOST_STREAMS = 2_500
"""Streams looked for in one read: a server takes no more than 128 KiB of sensors' numbers."""


@dataclass(slots=True)
class _Found:
    """The newest reading of each sensor (time, value, quality), and the newest record of each stream (receipt, status)."""

    readings: dict[int, tuple[int, float, int]] = field(default_factory=dict)
    records: dict[int, tuple[int, str]] = field(default_factory=dict)


async def newest_rows(reader: TelemetryReader, streams: Sequence[Stream], since: int) -> dict[int, Row]:
    """The newest row since `since` of every stream that has one, by stream id."""
    top = await reader.newest_time()
    if top is None or top <= since:
        return {}
    rows: dict[int, Row] = {}
    for some in (streams[first : first + MOST_STREAMS] for first in range(0, len(streams), MOST_STREAMS)):
        found = await _search(reader, some, since, top)
        rows.update((stream.id, row) for stream in some if (row := _row(stream, found)) is not None)
    return rows


async def _search(reader: TelemetryReader, streams: Sequence[Stream], since: int, top: int) -> _Found:
    """What [since, top) has of these streams, the newest spans first."""
    found = _Found()
    missing = {sensor for stream in streams for sensor in stream.sensor_ids}
    end = top
    for start in (*(max(since, top - window) for window in WINDOWS), since):
        if start < end and missing:
            await _look(reader, start, end, sorted(missing), [stream.id for stream in streams], found)
            missing -= found.readings.keys()
            end = start
    return found


async def _look(
    reader: TelemetryReader, start: int, end: int, sensors: Sequence[int], streams: Sequence[int], found: _Found
) -> None:
    """Add what [start, end) has of sensors and streams that were not found in later spans."""
    newest = await reader.newest(sensors, streams, start, end)
    readings = zip(newest.time.tolist(), newest.value.tolist(), newest.quality.tolist(), strict=True)
    found.readings.update(zip(newest.sensor.tolist(), readings, strict=True))
    for stream, record in zip(newest.stream.tolist(), zip(newest.received.tolist(), newest.status, strict=True), strict=True):
        found.records.setdefault(stream, record)


def _row(stream: Stream, found: _Found) -> Row | None:
    """The newest row of a stream, put together from the newest readings of its sensors."""
    known = [found.readings.get(sensor) for sensor in stream.sensor_ids]
    newest = max((reading[0] for reading in known if reading is not None), default=None)
    if newest is None:
        return None
    received, status = found.records.get(stream.id, (newest, ""))
    at_newest = [reading if reading is not None and reading[0] == newest else None for reading in known]
    return Row(
        stream=stream.id,
        time=newest,
        received=received,
        values=tuple(None if reading is None else reading[1] for reading in at_newest),
        quality=tuple(0 if reading is None else reading[2] for reading in at_newest),
        status=status or None,
    )
