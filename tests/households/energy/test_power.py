"""Power between the readings of one meter."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.stores import spine
from wattline.households.energy.power import mean_power
from wattline.households.meters.model import LAYOUT
from wattline.model.clock import HOUR, MINUTE, SECOND, ManualClock
from wattline.model.record import Quality, Row


async def test_the_mean_power_from_each_reading_to_the_next(tmp_path: Path, clock: ManualClock) -> None:
    """Whatever the cadence; not over a gap, not from a reading that is BAD, and nothing of another meter."""
    begin = clock.micros() - HOUR
    # seconds after the begin, and the register in kWh
    readings = [(0, 10.0), (15, 10.01), (36, 10.01), (60, 10.05), (60 + 301, 10.5), (60 + 321, 10.51)]
    async with spine(tmp_path, clock) as made:
        stream = await made.registry.register("town", "ada", "AA:BB:CC:DD:EE:01", LAYOUT)
        other = await made.registry.register("town", "bob", "AA:BB:CC:DD:EE:02", LAYOUT)
        rows = [
            Row(of.id, begin + at * SECOND, begin, (total, None, None, total, None))
            for of, shift in ((stream, 0.0), (other, 7.0))
            for at, total in ((at, total + shift * at) for at, total in readings)
        ]
        rows.append(Row(stream.id, begin + 50 * SECOND, begin, (99.0, None, None, 99.0, None), Quality.BAD))
        await made.pipeline.ingest.submit(sorted(rows, key=lambda row: row.time))
        found = await mean_power(made.pipeline.series, stream, begin, begin + HOUR)
        assert [(time - begin) // SECOND for time in found.time.tolist()] == [15, 36, 60, 381]
        assert found.watts.tolist() == [pytest.approx(watts) for watts in (2400.0, 0.0, 6000.0, 1800.0)]
        # The reading at the begin belongs to the time before, the one at the end to the span.
        part = await mean_power(made.pipeline.series, stream, begin + 15 * SECOND, begin + MINUTE)
        assert part.watts.tolist() == [pytest.approx(0.0), pytest.approx(6000.0)]
        nothing = await mean_power(made.pipeline.series, stream, begin - HOUR, begin)
        assert len(nothing.time) == len(nothing.watts) == 0
