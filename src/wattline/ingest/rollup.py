"""Keeping the tiers true: closed minutes as time goes on, late hours again, old partitions away."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from operator import itemgetter

from wattline.ingest.writer import Writer
from wattline.model.clock import HOUR, MINUTE, SECOND, Clock
from wattline.telemetry.tiers import TIERS
from wattline.telemetry.writer import TelemetryWriter

GRACE = 5 * SECOND
"""How long after its end a minute is computed: what comes later still is late, and costs a recompute of its hour."""
MOST_HOURS = 4_000
"""Late hours recomputed in one go: whoever waits for the store has its turn in between. A server takes no more than 128 KiB of
sensors' numbers."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Span:
    """Sensors whose buckets in [start, end) must be recomputed."""

    sensors: tuple[int, ...]
    start: int
    end: int


def spans(pairs: Iterable[tuple[int, int]], unit: int) -> list[Span]:
    """Group (sensor, instant) into spans of whole `unit`s.

    Neighbours become one span where that recomputes at most as much again as is asked for: a statement costs far more than a
    bucket that is computed to no effect.
    """
    by_unit: dict[int, set[int]] = {}
    for sensor, instant in pairs:
        by_unit.setdefault(instant // unit * unit, set()).add(sensor)
    found: list[Span] = []
    asked = 0
    for start in sorted(by_unit):
        sensors = by_unit[start]
        if found and found[-1].end == start:
            together = sensors.union(found[-1].sensors)
            if len(together) * (start + unit - found[-1].start) <= 2 * unit * (asked + len(sensors)):
                asked += len(sensors)
                found[-1] = Span(tuple(sorted(together)), found[-1].start, start + unit)
                continue
        asked = len(sensors)
        found.append(Span(tuple(sorted(sensors)), start, start + unit))
    return found


class Rollup:
    """Recomputes buckets while it holds the writer's lane, so that no row slips in between."""

    def __init__(self, writer: Writer, store: TelemetryWriter, clock: Clock, retention: Mapping[str, int]) -> None:
        self._writer = writer
        self._store = store
        self._clock = clock
        self._retention = retention

    async def advance(self) -> None:
        """Compute every minute that has closed since the last call, and the wider buckets that closed with it."""
        await self._writer.flush()
        upto = (self._clock.micros() - GRACE) // MINUTE * MINUTE
        async with self._writer.lane:
            since = self._writer.watermark
            if upto <= since:
                return
            version = await self._writer.next_version()
            for tier in TIERS:
                start, end = since // tier.width * tier.width, upto // tier.width * tier.width
                if start < end:
                    await self._store.recompute(tier, start, end, version)
            await self._writer.advance(upto)

    async def settle(self, sensors: set[int] | None = None, start: int = 0, end: int = 2**62) -> None:
        """Recompute the late hours of these sensors (None: of all) that touch [start, end), the oldest first."""
        async with self._writer.lane:
            pairs = sorted(self._writer.late_hours.touching(sensors, start, end), key=itemgetter(1))
        for first in range(0, len(pairs), MOST_HOURS):
            async with self._writer.lane:
                # An hour that somebody else has settled meanwhile is late no more, unless it is again.
                late = self._writer.late_hours
                due = [pair for pair in pairs[first : first + MOST_HOURS] if pair in late]
                if due:
                    await self._settle(due)

    async def _settle(self, pairs: list[tuple[int, int]]) -> None:
        version = await self._writer.next_version()
        for tier in TIERS:
            closed = self._writer.watermark // tier.width * tier.width
            for span in spans(pairs, max(HOUR, tier.width)):
                end = min(span.end, closed)
                if span.start < end:
                    await self._store.recompute(tier, span.start, end, version, list(span.sensors))
        await self._writer.settle(pairs)

    def touches(self, sensors: set[int], start: int, end: int) -> bool:
        """Whether a late hour could make a bucket of these sensors in [start, end) stale."""
        return bool(self._writer.late_hours.touching(sensors, start, end))

    async def retain(self) -> None:
        """Drop the partitions of every table that are wholly older than its retention (us, by table).

        Before, the tiers get what they still lack: nothing else has it once it is gone.
        """
        await self.advance()
        await self.settle()
        now = self._clock.micros()
        async with self._writer.lane:
            for table, span in self._retention.items():
                gone = await self._store.drop_before(table, now - span)
                if gone:
                    log.info("dropped partitions past their retention", extra={"table": table, "partitions": gone})
