"""What the store tells of an earlier moment, and of what memory lacks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.stores import FOUR, spine
from wattline.ingest.series import RawReadings, Series
from wattline.model.clock import DAY, HOUR, MINUTE, SECOND, ManualClock
from wattline.model.errors import Unavailable
from wattline.model.record import Quality, Row
from wattline.registry.stream import Stream
from wattline.topology.last_rows import Kept
from wattline.topology.measured import of_history
from wattline.topology.past import Past
from wattline.topology.plan import POWER, VOLTAGES, Group, Pick, Plan

PICK = Pick((POWER, VOLTAGES.start), (2, 0), (1000.0, 1.0))
"""Of a stream of FOUR: its third quantity is the power, its first a voltage."""
STALE_AFTER = 3 * MINUTE


def _plan(streams: list[Stream]) -> Plan:
    places = np.arange(len(streams))
    kept = [Kept(stream, PICK.columns) for stream in streams]
    bounds = np.full(len(streams), STALE_AFTER, np.int64)
    return Plan([Group(PICK, places.tolist(), kept)], places, np.ones(len(streams)), places >= 0, bounds, False)


def _row(stream: Stream, time: int, kilowatts: float | None, volts: float | None = None, quality: int = 0) -> Row:
    return Row(stream.id, time, time, (volts, None, kilowatts, None), quality)


async def test_the_newest_reading_counts_whatever_its_age_and_quality(tmp_path: Path, clock: ManualClock) -> None:
    async with spine(tmp_path, clock) as s:
        streams = [await s.registry.register("t", "s", f"d{n}", FOUR) for n in range(6)]
        now = clock.micros()
        fresh, seldom, bad, parts, never, later = streams
        await s.pipeline.ingest.submit(
            [
                _row(fresh, now - 2 * SECOND, 1.0, 230.0),
                _row(fresh, now - SECOND, 2.0, 231.0),
                _row(seldom, now - 30 * HOUR, 3.0, 229.0),
                _row(bad, now - 2 * DAY, 9.0),
                _row(bad, now - 20 * MINUTE, 9.0),
                _row(bad, now - MINUTE, 4.0, quality=Quality.BAD),
                _row(parts, now - 2 * MINUTE, 5.0),
                _row(parts, now - MINUTE, None, 228.0),
                _row(later, now - HOUR, 6.0),
            ]
        )
        clock.advance(10)
        await s.pipeline.ingest.submit([_row(later, now + SECOND, 7.0), _row(never, now + SECOND, 8.0)])
        plan = _plan(streams)
        found = await Past(s.pipeline.series).newest(plan, now)
        seen = of_history(plan, len(streams), found, now)
        np.testing.assert_array_equal(seen.power, [2000.0, 3000.0, np.nan, 5000.0, np.nan, 6000.0])
        np.testing.assert_array_equal(seen.voltage, [231.0, 229.0, np.nan, 228.0, np.nan, np.nan])
        # A value that is BAD is not known, but it was told: nothing older stands for it.
        assert (now - seen.time)[[0, 1, 2, 3, 5]].tolist() == [SECOND, 30 * HOUR, MINUTE, 2 * MINUTE, HOUR]
        assert seen.stale.tolist() == [False, True, False, False, True, True]


class _Away(Series):
    """A store that does not answer at first."""

    def __init__(self, series: Series) -> None:
        self.__dict__.update(series.__dict__)
        self.refusals = 1

    async def newest(self, *asked: Any) -> RawReadings:
        if self.refusals:
            self.refusals -= 1
            raise Unavailable("the telemetry store does not answer")
        return await super().newest(*asked)


async def test_what_the_store_could_not_tell_is_asked_for_again(tmp_path: Path, clock: ManualClock) -> None:
    async with spine(tmp_path, clock) as s:
        stream = await s.registry.register("t", "s", "d", FOUR)
        now = clock.micros()
        await s.pipeline.ingest.submit([_row(stream, now - 2 * SECOND, 1.5), _row(stream, now - SECOND, None, 230.0)])
        plan = _plan([stream])
        [kept] = plan.groups[0].kept
        assert [row.values[2] for row in kept.newest()] == [None]
        past = Past(_Away(s.pipeline.series))
        with pytest.raises(Unavailable):
            await past.recall(plan, now)
        await past.recall(plan, now)
        assert [row.values[2] for row in kept.newest()] == [None, 1.5]
