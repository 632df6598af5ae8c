"""Reading the ends of short intervals of sensors: what was written is seen, whatever its age, from what is still kept."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from wattline.ingest.rollup import Rollup
from wattline.ingest.writer import Writer
from wattline.model.clock import DAY, HOUR, Clock
from wattline.registry.stream import Stream
from wattline.telemetry.edges import WIDTH, Days, EdgeReader, Edges, Extents, Piece, Singles
from wattline.telemetry.engine import Engine
from wattline.telemetry.reader import Buckets, TelemetryReader, sources

__all__ = ["WIDTH", "Days", "EdgeSeries", "Edges", "Extents", "Singles", "Told"]


class Told(NamedTuple):
    """What is told of sensors: their `days`, of which those before `closed` are all there, and what came `later` than these.

    Whatever was written before is in the versions of the days, or in `later`.
    """

    closed: int
    days: Days
    later: Extents


class EdgeSeries:
    """Ranges are half-open in us, on whole days; `retention` is in us by table name. `Unavailable` where the store is away."""

    def __init__(self, writer: Writer, rollup: Rollup, engine: Engine, clock: Clock, retention: Mapping[str, int]) -> None:
        self._writer = writer
        self._rollup = rollup
        self._reader = EdgeReader(engine)
        self._buckets = TelemetryReader(engine)
        self._clock = clock
        self._retention = retention

    async def prepare(self, streams: Sequence[Stream], sensors: Sequence[int], start: int, end: int) -> None:
        """Make sure that what was written until now is seen by the reads that follow."""
        if self._writer.waits(stream.id for stream in streams):
            await self._writer.flush()
        chosen = set(sensors)
        if self._rollup.touches(chosen, start, end):
            await self._rollup.settle(chosen, start, end)

    async def edges(self, sensors: Sequence[int], start: int, end: int, *, lone: bool = False) -> Edges:
        """The ends of the intervals of five minutes in [start, end); of an hour where nothing finer is kept.

        With `lone`, of sensors that report no more often, the same is read sooner.
        """
        pieces = list(self._pieces(start, end))
        return await self._reader.edges(pieces, sensors, lone=lone and all(table != "tier_1h" for table, *_ in pieces))

    async def told(self, sensors: Sequence[int], first: int, last: int, end: int) -> Told:
        """What is told of all readings of the sensors before `end`; days before `first`, and from `last` on, as one each."""
        watermark = self._writer.watermark
        closed, fine = watermark // DAY, watermark // WIDTH * WIDTH
        pieces = [("tier_5m", closed * DAY, fine), ("readings", fine, end)]
        later = self._reader.extents([piece for piece in pieces if piece[1] < piece[2]], sensors)
        return Told(closed, *await asyncio.gather(self._reader.days(sensors, first, last), later))

    async def singles(self, sensors: Sequence[int], buckets: Sequence[int], start: int, end: int) -> Singles:
        """The readings, as far as they are kept, in these buckets of `WIDTH` us."""
        return await self._reader.singles(sensors, buckets, start, end)

    async def rows(self, stream: Stream, sensors: Sequence[int], start: int, end: int) -> int:
        """In how many rows of a stream, about, any of these sensors has a reading: former values of replaced ones count too."""
        if self._writer.waits([stream.id]):
            await self._writer.flush()
        return await self._reader.rows(sensors, start, end)

    async def days(self, sensors: Sequence[int], start: int, end: int) -> Buckets:
        """What each day (UTC) in [start, end) holds."""
        return await self._buckets.buckets(sensors, start, end, DAY, self._writer.watermark)

    def _pieces(self, start: int, end: int) -> Iterator[Piece]:
        fine = min(max(self._kept_since("tier_5m"), start), end)
        if start < fine:
            yield "tier_1h", start, fine
        yield from sources(fine, end, WIDTH, self._writer.watermark)

    def _kept_since(self, table: str) -> int:
        """From when on a table is complete, on a whole hour; nothing that no tier has yet is older."""
        span = self._retention.get(table)
        kept = 0 if span is None else -(-(self._clock.micros() - span) // HOUR) * HOUR
        return min(kept, self._writer.watermark // HOUR * HOUR)
