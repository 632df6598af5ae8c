"""The way of a measurement to a durable row: one at a time for each meter, so that each is held against what is durable."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from math import isfinite

from wattline.households.meters import history, late, newer
from wattline.households.meters.gauge import Gauge
from wattline.households.meters.history import WIDTH, line_of
from wattline.households.meters.model import VALUE, Measurement, Meter, Refused
from wattline.households.meters.refusals import Refusals
from wattline.ingest.pipeline import Pipeline
from wattline.model.clock import MINUTE, Clock
from wattline.model.errors import WattlineError
from wattline.model.record import NEVER, Quality, Row
from wattline.registry.stream import Stream

NOT_POSITIVE = "Value is equal to or less than zero"
NOT_FINITE = "Value is not a finite number"
OUT_OF_RANGE = "Timestamp out of range"
LOOKED_BACK = 500
"""Rows among which the last one with a register of what was fed in is looked for."""
AGED = 30 * MINUTE
"""us after which a row counts as late even where it is the newest that we know: another process may have taken newer ones."""
Late = Callable[[Meter, Stream, int], Awaitable[None]]
"""Told of a meter, whose rows, and the time of the oldest one (us)."""


class Intake:
    """The gauges of every meter and household that sent something since the start. `ahead` and `kept` in us."""

    def __init__(self, pipeline: Pipeline, clock: Clock, *, ahead: int, kept: int) -> None:
        self._pipeline = pipeline
        self._clock = clock
        self._ahead = ahead
        self._kept = kept
        self._gauges: dict[int, Gauge] = {}
        self._finishing: set[asyncio.Task[None]] = set()
        self.refusals = Refusals()
        self.on_late: Late | None = None
        """Awaited before rows are stored that may be older than others; what it raises, `take` raises, and stores none."""

    async def take(self, meter: Meter, stream: Stream, sent: Measurement) -> None:
        """Make a measurement durable. Raises `Refused` with the reason, and `Unavailable` and `StorageFull` as ingest does."""
        now = self._clock.micros()
        time = now if sent.time is None else sent.time
        gauge = self._gauges.get(stream.id) or self._gauges.setdefault(stream.id, Gauge(stream))
        try:
            if not now - self._kept <= time <= now + self._ahead:
                raise Refused(OUT_OF_RANGE)
            await gauge.turn.acquire()
            handed = False
            try:
                if gauge.row is not stream.latest or gauge.row is None:
                    await self._find(gauge)
                row = gauge.usual(sent, time, now, meter.limit)
                rows = [row] if row is not None else await self._unusual(gauge, sent, time, now, meter.limit)
                if rows:
                    if self.on_late is not None and (row is None or now - time > AGED):
                        await self.on_late(meter, stream, min(each.time for each in rows))
                    try:
                        await self._pipeline.ingest.submit(rows)
                    except asyncio.CancelledError:
                        handed = self._hand_over(gauge, rows)
                        raise
                    if rows[-1] is stream.latest:
                        gauge.took(rows[-1])
            finally:
                if not handed:
                    gauge.turn.release()
        except Refused as error:
            self.refusals.note(meter.mac, time, sent, str(error), now)
            raise

    async def begin(self, stream: Stream, initial: float, *, analog: bool) -> None:
        """A register shows `initial` kWh now: later readings are held against it, and the total goes on as it is.

        For an analog meter nothing is to be held against it; it gives the first total where there is none.
        """
        gauge = self._gauges.get(stream.id) or self._gauges.setdefault(stream.id, Gauge(stream))
        async with gauge.turn:
            await self._find(gauge)
            if analog and not gauge.empty:
                return
            now = self._clock.micros()
            time = now if gauge.empty else max(now, gauge.time + 1)
            total = initial if gauge.empty else gauge.total
            quality = [int(Quality.GOOD)] * WIDTH
            quality[VALUE] = int(Quality.UNCERTAIN)
            row = Row(stream.id, time, now, (initial, None, None, total, gauge.out_total), tuple(quality))
            await self._pipeline.ingest.submit([row])
            gauge.took(row)
            gauge.out = gauge.out_doubt = None

    def _hand_over(self, gauge: Gauge, rows: Sequence[Row]) -> bool:
        """The caller went away, and the rows may become durable all the same: the turn ends when that is settled."""
        task = asyncio.create_task(self._finish(gauge, rows), name="reading of a caller that went away")
        self._finishing.add(task)
        task.add_done_callback(self._finishing.discard)
        return True

    async def _finish(self, gauge: Gauge, rows: Sequence[Row]) -> None:
        # Again, the same rows change nothing, and they are durable after those on their way.
        try:
            with suppress(WattlineError):
                await self._pipeline.ingest.submit([copy.copy(row) for row in rows])
        finally:
            gauge.row = None
            gauge.turn.release()

    async def _find(self, gauge: Gauge) -> None:
        """Let a gauge stand on the newest row that there is. Raises `Unavailable` where that cannot be told."""
        stream, series = gauge.stream, self._pipeline.series
        if stream.latest is None:
            if gauge.searched or stream.admitted == NEVER:
                return
            await self._pipeline.relearn([stream.id])
        latest = stream.latest
        if latest is None:
            line = await history.condensed(series, stream)
            gauge.searched = True
        else:
            line = line_of(latest)
            if line is None:
                line = next(iter(await history.before(series, stream, latest.time)), None)
        if line is None:
            return
        gauge.stand(line, latest)
        if line.out is None and line.total_out is not None:
            gauge.out = await self._last_out(gauge, line.time)

    async def _last_out(self, gauge: Gauge, time: int) -> float | None:
        """The register of what was fed in as it was sent last, unless the meter is another one since."""
        for line in await history.before(self._pipeline.series, gauge.stream, time + 1, LOOKED_BACK):
            if line.out is not None or not line.sure:
                return line.out
        return None

    async def _unusual(self, gauge: Gauge, sent: Measurement, time: int, now: int, limit: float) -> list[Row]:
        """The rows of a reading that is not simply the next one, none where it is held already. Raises `Refused`."""
        value, series = sent.value, self._pipeline.series
        if not isfinite(value):
            raise Refused(NOT_FINITE)
        if value < 0 or (value == 0 and not sent.analog):
            raise Refused(NOT_POSITIVE)
        if gauge.empty:
            return [newer.first(gauge, sent, time, now, limit)]
        if time > gauge.time:
            return await newer.unusual(series, gauge, sent, time, now, limit)
        held = gauge.increment if sent.analog else gauge.value
        if time == gauge.time and held is not None:
            late.check_same(sent, held)
            return []
        return await late.late(series, gauge, sent, time, now, limit)
