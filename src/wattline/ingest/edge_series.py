"""Reading the ends of short intervals of sensors: what was written is seen, whatever its age, from what is still kept."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from wattline.ingest.rollup import Rollup
from wattline.ingest.writer import Writer
from wattline.model.clock import DAY, HOUR, Clock
from wattline.registry.stream import Stream
from wattline.telemetry.edges import WIDTH, EdgeReader, Edges, Extents, Piece, Singles
from wattline.telemetry.engine import Engine
from wattline.telemetry.reader import Buckets, TelemetryReader, sources

__all__ = ["WIDTH", "EdgeSeries", "Edges", "Extents", "Singles"]


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

    async def extents(self, sensors: Sequence[int], end: int) -> Extents:
        """From when to when the sensors have readings before `end`, on a whole day."""
        return await self._reader.extents(list(sources(0, end, DAY, self._writer.watermark)), sensors)

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
