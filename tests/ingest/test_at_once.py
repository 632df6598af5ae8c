"""Many at once: each writes late, doubled and changed readings of its own sensor and reads them back in every tier."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path

from tests.stores import Spine, spine
from wattline.model.clock import DAY, HOUR, MINUTE, SECOND, ManualClock
from wattline.model.record import Row
from wattline.registry.point import Point, PointSpec

WIDTHS = (MINUTE, 5 * MINUTE, HOUR, DAY)
OFFSETS = (0, 7 * SECOND, 59 * SECOND, 5 * MINUTE, HOUR - 1, HOUR, 9 * HOUR, 25 * HOUR, 38 * HOUR)
ROUNDS = 6


def by_hand(truth: dict[int, float], width: int) -> list[tuple[int, int, float, float, float]]:
    """Begin, number, extremes and last value of each bucket."""
    buckets: dict[int, list[float]] = {}
    for time in sorted(truth):
        buckets.setdefault(time // width * width, []).append(truth[time])
    return [(begin, len(values), min(values), max(values), values[-1]) for begin, values in buckets.items()]


async def live(s: Spine, point: Point, begin: int, chance: random.Random) -> None:
    truth: dict[int, float] = {}
    for _ in range(ROUNDS):
        times = [begin + chance.choice(OFFSETS) for _ in range(3)]
        rows = [Row(point.stream.id, time, time, (chance.randint(-3, 3) + 0.5,)) for time in times]
        await s.pipeline.ingest.submit(rows)
        truth |= {row.time: row.values[0] or 0.0 for row in rows}
        width = chance.choice(WIDTHS)
        found = await s.pipeline.series.summaries([point], begin, begin + 3 * DAY, width)
        shown = zip(*(getattr(found, name).tolist() for name in ("time", "count", "low", "high", "last")), strict=True)
        assert list(shown) == by_hand(truth, width)
        raw = await s.pipeline.series.first_readings([point], begin, begin + 3 * DAY, 100)
        assert dict(zip(raw.time.tolist(), raw.value.tolist(), strict=True)) == truth


async def test_everybody_reads_what_it_wrote_while_others_write_and_tiers_are_computed(
    tmp_path: Path, clock: ManualClock
) -> None:
    async with spine(tmp_path, clock) as s:
        points = await s.registry.put_points("t", "s", "b", [PointSpec(f"P-{n}", "E", "electrical", "kW") for n in range(6)])
        begin = clock.micros() // DAY * DAY - DAY
        chance = random.Random(1)
        everybody = asyncio.gather(*(live(s, point, begin, chance) for point in points))

        async def tiers() -> None:
            while not everybody.done():
                clock.advance(61)
                await s.pipeline.rollup.advance()
                await s.pipeline.rollup.settle()

        await asyncio.gather(everybody, tiers())
