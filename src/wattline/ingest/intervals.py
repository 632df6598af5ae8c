"""Intervals of rows of tables: always fresh, from the tiers where these are exact, and from single readings elsewhere."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence

import numpy as np

from wattline.ingest.finished import Finished
from wattline.ingest.rollup import Rollup
from wattline.ingest.writer import Writer
from wattline.model.clock import DAY, HOUR, MINUTE, Clock
from wattline.registry.stream import Stream
from wattline.telemetry.engine import Engine
from wattline.telemetry.intervals import RAW, Cells, Factors, Filled, IntervalReader, Piece, Samples
from wattline.telemetry.reader import sources

__all__ = ["Cells", "Factors", "Filled", "Intervals", "Samples"]

COARSEST = 5 * MINUTE
FINEST = (RAW, "tier_1m", "tier_5m")
"""Where single readings are read from: what is no longer in one table is read from the next."""


class Intervals:
    """Reads of streams and sensors of theirs. Times in us, ranges half-open and on whole intervals of `width` us.

    `retention` is in us by table name. Raises `Unavailable` where the store is away.
    """

    def __init__(self, writer: Writer, rollup: Rollup, engine: Engine, clock: Clock, retention: Mapping[str, int]) -> None:
        self._writer = writer
        self._rollup = rollup
        self._reader = IntervalReader(engine)
        self._clock = clock
        self._retention = retention
        self.finished = Finished()
        """What is kept of days in `finished_days`; the owner of this has it hear every committed row."""

    def finished_days(self) -> tuple[int, int]:
        """The whole days that the tiers hold and of which nothing is past its retention: from one midnight (UTC) to another.

        Only a row that is yet to be committed changes them. What is kept of older ones is forgotten.
        """
        since = -(-max(self._horizon(table) for table in ("records", *FINEST)) // DAY) * DAY
        self.finished.forget_before(since)
        return since, self._writer.watermark // DAY * DAY

    async def prepare(self, streams: Sequence[Stream], sensors: Sequence[int], start: int, end: int) -> None:
        """Make sure that what was written until now is seen by the reads that follow."""
        await self._fresh(streams)
        chosen = set(sensors)
        if self._rollup.touches(chosen, start, end):
            await self._rollup.settle(chosen, start, end)

    async def _fresh(self, streams: Sequence[Stream]) -> None:
        if self._writer.waits(stream.id for stream in streams):
            await self._writer.flush()

    @property
    def rows_since(self) -> int:
        """Rows that are older may be gone, and show in their tiers alone."""
        return self._horizon("records")

    async def bounds(self, streams: Sequence[Stream]) -> tuple[int, int] | None:
        """From when to when the streams may have rows, or tiers of them; None where there is nothing."""
        await self._fresh(streams)
        sensors = [sensor for stream in streams for sensor in stream.sensor_ids]
        return await self._reader.bounds([stream.id for stream in streams], sensors)

    async def filled(self, streams: Sequence[Stream], start: int, end: int, width: int) -> Filled:
        """The intervals in which the streams have rows, as far back as rows are kept."""
        return await self._reader.filled([stream.id for stream in streams], start, end, width)

    async def cells(self, sensors: Sequence[int], factors: Factors, start: int, end: int, width: int) -> list[Cells]:
        """What the intervals hold, in parts that are to be added up: rows of tiers that divide `width`, or less.

        Without factors from tiers. With factors, which round every reading, from tiers only where readings are gone.
        """
        pieces = list(self._pieces(factors, start, end, width))
        found = await self._reader.cells(pieces, sensors, factors)
        return await self._corrected(found, end)

    def _pieces(self, factors: Factors, start: int, end: int, width: int) -> Iterator[Piece]:
        exact = end if factors is None else min(max(self._horizon(RAW), start), end)
        if start < exact:
            yield from sources(start, exact, width, self._writer.watermark)
        if exact < end:
            yield RAW, exact, end

    async def _corrected(self, found: Cells, end: int) -> list[Cells]:
        """A tier leaves out every BAD reading; some are values. Sensors that have any are read again, where they still are."""
        odd = (found.odd > 0) & (found.start >= self._horizon(RAW))
        if not odd.any():
            return [found]
        # On whole rows of the coarsest tier that is read, so that no row is half replaced.
        low = int(found.start[odd].min()) // COARSEST * COARSEST
        high = min((int(found.start[odd].max()) // COARSEST + 1) * COARSEST, end)
        sensors = np.unique(found.sensor[odd])
        stale = np.isin(found.sensor, sensors) & (found.start >= low) & (found.start < high)
        again = await self._reader.cells([(RAW, low, high)], sensors.tolist(), None)
        return [found.part(~stale), again]

    async def samples(
        self, sensors: Sequence[int], factors: Factors, start: int, end: int, width: int, most: int
    ) -> AsyncIterator[Samples]:
        """Single readings, in parts of at most `most` unless one sensor has more in one interval.

        No interval of a sensor is in two parts. Where readings are gone, those at the edges of the finest tier's buckets.
        """
        upto = end
        for table in FINEST:
            since = start if table == FINEST[-1] else min(max(self._horizon(table), start), upto)
            if since < upto:
                async for part in self._split((table, since, upto), list(sensors), factors, width, most):
                    yield part
            upto = since

    async def _split(self, piece: Piece, sensors: list[int], factors: Factors, width: int, most: int) -> AsyncIterator[Samples]:
        table, start, end = piece
        shares = None if factors is None else list(factors)
        single = end - start <= width and len(sensors) == 1
        found = await self._reader.samples(piece, sensors, shares, 2**62 if single else most)
        if found is not None:
            yield found
            return
        if end - start > width:
            middle = start + max((end - start) // width // 2, 1) * width
            halves = [((table, a, b), sensors, shares) for a, b in ((start, middle), (middle, end))]
        else:
            half = len(sensors) // 2
            halves = [
                (piece, sensors[cut], None if shares is None else shares[cut]) for cut in (slice(half), slice(half, None))
            ]
        for part, some, their in halves:
            async for each in self._split(part, some, their, width, most):
                yield each

    def _horizon(self, table: str) -> int:
        """From when on a table is complete, on a whole hour; nothing that no tier has yet is older."""
        span = self._retention.get(table)
        kept = 0 if span is None else -(-(self._clock.micros() - span) // HOUR) * HOUR
        return min(kept, self._writer.watermark // HOUR * HOUR)
