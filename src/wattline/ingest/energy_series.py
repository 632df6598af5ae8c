"""Reading meters for energy accounts: what was written is seen, whatever its age, from the finest data that is still kept."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from wattline.ingest.rollup import Rollup
from wattline.ingest.writer import Writer
from wattline.model.clock import DAY, HOUR, Clock
from wattline.registry.point import Point
from wattline.telemetry.energy import HOURS, MINUTES, RAW, EnergyReader, Samples, Shapes, Source, joined, joined_samples
from wattline.telemetry.engine import Engine
from wattline.telemetry.reader import Buckets, TelemetryReader


class EnergySeries:
    """Ranges are half-open in us; `Unavailable` where the store is away. `retention` is in us by table name.

    Single readings are read while they are kept, and rows of the minute or the hour tier where they are gone.
    """

    def __init__(self, writer: Writer, rollup: Rollup, engine: Engine, clock: Clock, retention: Mapping[str, int]) -> None:
        self._writer = writer
        self._rollup = rollup
        self._reader = EnergyReader(engine)
        self._buckets = TelemetryReader(engine)
        self._clock = clock
        self._retention = retention

    async def shapes(
        self, points: Sequence[Point], holds: Sequence[int], start: int, end: int, width: int, *, registers: bool
    ) -> Shapes:
        """The readings of the points in [start, end), condensed to `telemetry.energy.Shapes`; `start` lies on a whole hour."""
        sensors = [point.id for point in points]
        await self._fresh(points)
        parts = []
        for source, a, b in self._pieces(start, end):
            if source.grain:
                await self._settle(sensors, a, b)
            longest = [max(hold, source.grain) for hold in holds]
            parts.append(await self._reader.shapes(source, sensors, longest, a, b, width, registers=registers))
        return joined(parts)

    async def samples(self, points: Sequence[Point], start: int, end: int, *, registers: bool) -> Samples:
        """The samples of the points in [start, end), one by one. `start` lies on a whole hour."""
        sensors = [point.id for point in points]
        await self._fresh(points)
        parts = []
        for source, a, b in self._pieces(start, end):
            if source.grain:
                await self._settle(sensors, a, b)
            parts.append(await self._reader.samples(source, sensors, a, b, registers=registers))
        return joined_samples(parts)

    async def newest_before(self, points: Sequence[Point], moment: int) -> dict[int, tuple[int, float]]:
        """The newest usable reading of each point before `moment`, however old: time and value by sensor id."""
        found = await self._days(points, 0, moment)
        # Ordered by time, so the newest of a sensor is the one that stays.
        return {
            sensor: (time, value)
            for sensor, time, value, count in zip(
                found.group.tolist(), found.last_time.tolist(), found.last.tolist(), found.count.tolist(), strict=True
            )
            if count
        }

    async def oldest_since(self, points: Sequence[Point], moment: int) -> dict[int, tuple[int, float]]:
        """The oldest usable reading of each point from `moment` to now: time and value by sensor id."""
        found = await self._days(points, moment, self._clock.micros() + 1)
        oldest: dict[int, tuple[int, float]] = {}
        for sensor, time, value, count in zip(
            found.group.tolist(), found.first_time.tolist(), found.first.tolist(), found.count.tolist(), strict=True
        ):
            if count:
                oldest.setdefault(sensor, (time, value))
        return oldest

    async def _days(self, points: Sequence[Point], start: int, end: int) -> Buckets:
        sensors = [point.id for point in points]
        await self._fresh(points)
        await self._settle(sensors, start, end)
        return await self._buckets.buckets(sensors, start, end, DAY, self._writer.watermark)

    async def _fresh(self, points: Sequence[Point]) -> None:
        if self._writer.waits(point.stream.id for point in points):
            await self._writer.flush()

    async def _settle(self, sensors: Sequence[int], start: int, end: int) -> None:
        chosen = set(sensors)
        if self._rollup.touches(chosen, start, end):
            await self._rollup.settle(chosen, start, end)

    def _pieces(self, start: int, end: int) -> Iterator[tuple[Source, int, int]]:
        """Cut a range by what is still kept: the horizons lie on whole hours, so that no tier's row is cut."""
        closed = self._writer.watermark // HOUR * HOUR
        raw = min(self._kept_since(RAW), closed)
        minutes = min(self._kept_since(MINUTES), raw)
        for source, a, b in ((HOURS, start, minutes), (MINUTES, minutes, raw), (RAW, raw, end)):
            low, high = max(a, start), min(b, end)
            if low < high:
                yield source, low, high

    def _kept_since(self, source: Source) -> int:
        """From when on a table is complete."""
        span = self._retention.get(source.table)
        return 0 if span is None else -(-(self._clock.micros() - span) // HOUR) * HOUR
