"""What is kept in memory is never behind: after any row the answer is that of a reader that keeps nothing."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import numpy as np

from tests.metering.figures.conftest import Works, at
from wattline.model.clock import DAY, HOUR, MINUTE

UTC = ZoneInfo("UTC")
START = at("2026-05-20T00:00:00")


async def test_any_order_of_rows_gives_what_a_fresh_reader_gives(works: Works) -> None:
    choice = np.random.default_rng(11)
    registered = await works.meter(interval_s=3600, register_digits=3, rated_current=20.0, phases=1)
    powered = await works.meter(interval_s=600)
    both, phased = await works.meter(interval_s=1800), await works.meter(interval_s=1800)
    subject = works.subject(group_id=await works.group(registered, powered, both, phased))
    hours = range(12 * 24)
    await works.send(
        registered, {START + hour * HOUR: {"total_energy": round(hour * 4.5 % 1000, 2)} for hour in hours if hour % 9}
    )
    await works.send(powered, {START + i * 10 * MINUTE: {"total_power": 500.0 * (i % 5 - 1)} for i in range(0, 12 * 144, 2)})
    # One register begins on the fourth day, and phases only in the rounds.
    levels = [{"total_energy": i / 2} if i > 3 * 48 else {} for i in range(12 * 48)]
    await works.send(both, {START + i * HOUR // 2: {"total_power": 1000.0} | level for i, level in enumerate(levels)})
    for round_number in range(10):
        for _ in range(int(choice.integers(1, 4))):
            time = START + int(choice.integers(0, 12 * 24)) * HOUR + int(choice.integers(0, 4)) * 10 * MINUTE
            # Mostly what the meter would show, now and then a fault.
            level = float(choice.choice([0.0, 0.4, 995.0, 999.5])) if choice.random() < 0.2 else (time - START) / HOUR * 4.5
            await works.send(registered, {time: {"total_energy": round(level % 1000, 2)}})
            await works.send(
                powered, {time + i * 10 * MINUTE: {"total_power": float(choice.integers(-3000, 3000))} for i in range(4)}
            )
            if round_number > 4:
                await works.send(both, {time: {"total_power": float(choice.integers(-900, 900))}})
                told = {name: float(choice.integers(-900, 900)) for name in ("power_a", "power_b", "power_c")}
                await works.send(phased, {time + i * HOUR // 2: told for i in range(3)})
        if round_number % 7 == 3:
            await works.spine.pipeline.rollup.advance()
        for first, days in ((0, 12), (int(choice.integers(0, 9)), 3)):
            start, end = START + first * DAY, START + (first + days) * DAY
            kept = await works.figures.kpi(subject, start, end, UTC)
            works.figures.energy.forget()
            fresh = await works.figures.kpi(subject, start, end, UTC)
            if first:
                works.figures.energy.forget()
                await works.figures.kpi(subject, START, START + 12 * DAY, UTC)
            assert kept == fresh


async def test_little_memory_is_enough(works: Works) -> None:
    meters = [await works.meter() for _ in range(4)]
    for number in meters:
        await works.register(number, START, HOUR, [float(i) for i in range(73)])
    subject = works.subject(group_id=await works.group(*meters))
    whole = await works.figures.kpi(subject, START, START + 3 * DAY, UTC)
    works.figures.energy.forget(most_bytes=1)
    assert await works.figures.kpi(subject, START, START + 3 * DAY, UTC) == whole
    assert works.figures.energy.nbytes < 100_000
