"""What is stored of meters at given times, found in few reads however many readings are asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TypeVar

from wattline.ingest.pipeline import Pipeline
from wattline.metering.fields import WIDTH
from wattline.metering.readings.merge import Held
from wattline.metering.readings.model import Place
from wattline.metering.readings.notes import note_of
from wattline.registry.stream import Stream
from wattline.telemetry.held import HeldReader

T = TypeVar("T")
MOST_TIMES, MOST_STREAMS = 1_000, 200
"""Asked for in one read: a server takes no more than 128 KiB of numbers."""


class LookUp:
    """Reads of whole readings. Raises `Unavailable` where the store is away."""

    def __init__(self, pipeline: Pipeline) -> None:
        self._writer = pipeline.writer
        self._reader = HeldReader(pipeline.engine)

    async def held(self, places: Mapping[Place, Stream]) -> dict[Place, Held]:
        """What is at these places, without those that hold nothing."""
        if not places:
            return {}
        if self._writer.waits(stream.id for stream in places.values()):
            await self._writer.flush()
        streams = {stream.id: stream for stream in places.values()}
        times = sorted({time for _, time in places})
        found: dict[Place, Held] = {}
        for some in _parts(list(streams.values()), MOST_STREAMS):
            for moments in _parts(times, MOST_TIMES):
                found |= await self._read(some, moments)
        return {place: held for place, held in found.items() if place in places}

    async def _read(self, streams: Sequence[Stream], times: Sequence[int]) -> dict[Place, Held]:
        columns = {sensor: (stream.id, at) for stream in streams for at, sensor in enumerate(stream.sensor_ids[:WIDTH])}
        cells = await self._reader.cells(list(columns), times)
        values: dict[Place, list[float | None]] = {}
        quality: dict[Place, list[int]] = {}
        parts = (each.tolist() for each in (cells.sensor, cells.time, cells.value, cells.quality))
        for sensor, time, value, judged in zip(*parts, strict=True):
            stream, column = columns[sensor]
            place = stream, time
            if place not in values:
                values[place], quality[place] = [None] * WIDTH, [0] * WIDTH
            values[place][column], quality[place][column] = value, judged
        if not values:
            return {}
        records = await self._reader.statuses([stream.id for stream in streams], times)
        rows = zip(records.stream, records.time, records.created, records.status, strict=True)
        beside = {(stream, time): (created, status) for stream, time, created, status in rows}
        found = {}
        for place, each in values.items():
            created, status = beside.get(place, (place[1], ""))
            found[place] = Held(tuple(each), tuple(quality[place]), note_of(status), created)
        return found


def _parts(whole: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    return (whole[begin : begin + size] for begin in range(0, len(whole), size))
