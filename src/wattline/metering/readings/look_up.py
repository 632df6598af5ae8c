"""What is stored of meters at given times, found in few reads however many readings are asked for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from wattline.ingest.pipeline import Pipeline
from wattline.metering.fields import WIDTH
from wattline.metering.readings.merge import Held, held_row
from wattline.metering.readings.model import Place
from wattline.metering.readings.notes import note_of
from wattline.model.clock import DAY
from wattline.registry.stream import Stream
from wattline.telemetry.held import HeldReader

T = TypeVar("T")
MOST_TIMES, MOST_STREAMS = 1_000, 200
"""Asked for in one read: a server takes no more than 128 KiB of numbers."""
MOST_SPAN = DAY
"""Several streams are read at once where their times lie within so many us: all days between are searched for all of them."""
SPARE_PAIRS = 2_000
"""A read gives what each of its streams has at each of its times; so many of these pairs may not have been asked for."""


class LookUp:
    """Reads of whole readings. Raises `Unavailable` where the store is away."""

    def __init__(self, pipeline: Pipeline) -> None:
        self._writer = pipeline.writer
        self._reader = HeldReader(pipeline.engine)

    async def held(self, places: Mapping[Place, Stream]) -> dict[Place, Held]:
        """What is at these places, without those that hold nothing. A row of a meter is whole, so the newest one tells all."""
        if not places:
            return {}
        streams = {stream.id: stream for stream in places.values()}
        # Before the store is asked: what reaches it meanwhile is found twice rather than not at all.
        waiting = {
            place: row for row in await self._writer.waiting(streams.keys()) if (place := (row.stream, row.time)) in places
        }
        known = {place: held_row(row) for place, row in waiting.items()}
        return await self._stored({place: stream for place, stream in places.items() if place not in known}, streams) | known

    async def _stored(self, places: Mapping[Place, Stream], streams: Mapping[int, Stream]) -> dict[Place, Held]:
        found: dict[Place, Held] = {}
        for near in _clusters(places):
            times = sorted(near.times)
            for moments in _parts(times, MOST_TIMES):
                found |= await self._read([streams[number] for number in near.streams], moments)
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


@dataclass(slots=True)
class _Cluster:
    """Streams that are read at once, each at every one of the times; `places` were asked for. In us."""

    streams: list[int]
    times: set[int]
    low: int
    high: int
    places: int

    def joined(self, other: _Cluster) -> _Cluster | None:
        """Both at once, where that is no waste. The other does not begin earlier."""
        found = _Cluster(
            self.streams + other.streams,
            self.times | other.times,
            self.low,
            max(self.high, other.high),
            self.places + other.places,
        )
        spare = len(found.streams) * len(found.times) - found.places
        close = found.high - found.low <= MOST_SPAN
        return found if close and spare <= SPARE_PAIRS and len(found.streams) <= MOST_STREAMS else None


def _clusters(places: Iterable[Place]) -> list[_Cluster]:
    """Every place is in one of them."""
    of_streams: dict[int, set[int]] = {}
    for stream, time in places:
        of_streams.setdefault(stream, set()).add(time)
    each = [_Cluster([stream], times, min(times), max(times), len(times)) for stream, times in of_streams.items()]
    clusters: list[_Cluster] = []
    for one in sorted(each, key=lambda cluster: cluster.low):
        joined = clusters[-1].joined(one) if clusters else None
        if joined is None:
            clusters.append(one)
        else:
            clusters[-1] = joined
    return clusters


def _parts(whole: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    return (whole[begin : begin + size] for begin in range(0, len(whole), size))
