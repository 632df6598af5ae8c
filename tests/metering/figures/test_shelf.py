"""Energy from the shelf is that of a reader that keeps nothing, whatever comes late and whenever a process dies."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import asdict
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from tests.metering.figures.conftest import Works, at, works_on
from tests.stores import Spine, spine
from wattline.metering.energy.shelf import Shelf
from wattline.metering.figures.service import Comparison
from wattline.model.clock import DAY, HOUR, MINUTE, ManualClock

UTC = ZoneInfo("UTC")
START = at("2026-05-20T00:00:00")
DAYS = 12
FIRST = START // DAY


@pytest.fixture
async def stores(tmp_path: Path, clock: ManualClock) -> AsyncIterator[Spine]:
    async with spine(tmp_path, clock) as made:
        yield made


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path / "energy")


async def restarted(stores: Spine, shelf: Shelf | None) -> Works:
    """Another process after a crash."""
    await stores.crash()
    await stores.open()
    return await works_on(stores, shelf)


async def kpi(works: Works, group: int, first: int = 0, days: int = DAYS) -> Comparison:
    begin = START + first * DAY
    return await works.figures.kpi(works.subject(group_id=group), begin, begin + days * DAY, UTC)


def figures(found: Comparison) -> dict[str, Any]:
    """What is told, to nine digits: a stretch that is read is another one, so sums are rounded in another order.

    Of quarters that are equal but for that, any may be told as the one with the peak.
    """
    told = asdict(found.now)
    del told["peak_at"]
    return {name: float(f"{each:.9g}") if isinstance(each, float) else each for name, each in told.items()}


async def fleet(works: Works) -> tuple[int, list[int]]:
    """A group: a register that goes round, a power both ways, both with gaps, and three phases."""
    registered = await works.meter(interval_s=3600, register_digits=3, rated_current=20.0, phases=1)
    powered, both, phased = await works.meter(interval_s=600), await works.meter(interval_s=1800), await works.meter()
    meters = [registered, powered, both, phased]
    hours = [hour for hour in range(DAYS * 24) if hour % 9 and not 60 < hour < 120]
    await works.send(registered, {START + hour * HOUR: {"total_energy": round(hour * 4.5 % 1000, 2)} for hour in hours})
    tenths = range(0, DAYS * 144, 2)
    await works.send(powered, {START + i * 10 * MINUTE: {"total_power": 500.0 * (i % 5 - 1)} for i in tenths})
    halves = [{"total_power": 1000.0} | ({"total_energy": i / 2} if i > 3 * 48 else {}) for i in range(DAYS * 48)]
    await works.send(both, {START + i * HOUR // 2: told for i, told in enumerate(halves)})
    legs = dict.fromkeys(("power_a", "power_b", "power_c"), 300.0)
    await works.send(phased, {START + i * HOUR // 4: legs for i in range(2 * 96, DAYS * 96)})
    return await works.group(*meters), meters


async def test_whatever_comes_late_and_whenever_it_crashes_the_answer_is_that_of_the_readings(
    stores: Spine, shelf: Shelf
) -> None:
    choice = np.random.default_rng(17)
    works = await works_on(stores, shelf)
    group, (registered, powered, both, phased) = await fleet(works)
    await stores.pipeline.rollup.advance()
    for number in range(6):
        await kpi(works, group, *((0, DAYS) if number % 3 else (int(choice.integers(0, 9)), 3)))
        if number % 4 != 3:
            await works.figures.energy.save()
        for _ in range(int(choice.integers(0, 3))):
            time = START + int(choice.integers(0, DAYS * 24)) * HOUR + int(choice.integers(0, 4)) * 10 * MINUTE
            # Mostly what the meter would show, now and then a fault.
            level = float(choice.choice([0.0, 0.4, 995.0, 999.5])) if choice.random() < 0.2 else (time - START) / HOUR * 4.5
            await works.send(registered, {time: {"total_energy": round(level % 1000, 2)}})
            watts = {time + i * 10 * MINUTE: {"total_power": float(choice.integers(-3000, 3000))} for i in range(4)}
            await works.send((powered, both)[number % 2], watts)
            await works.send(phased, {time: dict.fromkeys(("power_a", "power_b", "power_c"), 50.0)})
        if number % 3 == 1:
            # The process dies with the rows in its journal, or with hours that are late and not worked out again.
            await stores.pipeline.writer.flush()
        if number % 4 == 2:
            await stores.pipeline.rollup.settle()
        works = await restarted(stores, shelf)
        plain = await works_on(stores)
        for first, days in ((0, DAYS), (int(choice.integers(0, 9)), 3)):
            assert figures(await kpi(works, group, first, days)) == figures(await kpi(plain, group, first, days))


async def test_what_is_on_the_shelf_is_not_read_again(stores: Spine, shelf: Shelf) -> None:
    works = await works_on(stores, shelf)
    group, meters = await fleet(works)
    await stores.pipeline.rollup.advance()
    told = await kpi(works, group, 5, 5)
    await works.figures.energy.save()
    works = await restarted(stores, shelf)
    assert await kpi(works, group, 5, 5) == told
    assert works.days == []
    # Beside what there is, the rest is read and kept too; of a late reading, the days around it.
    told = await kpi(works, group, 3, 8)
    await works.figures.energy.save()
    works = await restarted(stores, shelf)
    assert await kpi(works, group, 3, 8) == told
    assert works.days == []
    works = await restarted(stores, shelf)
    await works.send(meters[2], {START + 8 * DAY + HOUR: {"total_energy": 8 * 24.0}})
    await kpi(works, group, 3, 8)
    assert works.days
    assert all(FIRST + 6 <= low <= high <= FIRST + 11 for low, high in works.days)


async def test_days_that_readings_of_today_can_change_are_not_kept(stores: Spine, shelf: Shelf) -> None:
    works = await works_on(stores, shelf)
    meter = await works.meter(interval_s=3600)
    today = works.clock.micros() // DAY * DAY
    await works.register(meter, today - 3 * DAY, HOUR, [float(i) for i in range(72)])
    subject = works.subject(meter_id=meter)
    await works.send(meter, {today + hour * HOUR: {"total_energy": 74.0 + hour} for hour in range(1, 6)})
    # What yesterday was told to have used depends on the first reading of today.
    await stores.pipeline.rollup.advance()
    for minute, level in ((40, 73.0), (20, 72.5)):
        before = await works.figures.kpi(subject, today - 3 * DAY, today, UTC)
        await works.figures.energy.save()
        works = await restarted(stores, shelf)
        await works.send(meter, {today + minute * MINUTE: {"total_energy": level}})
        works = await restarted(stores, shelf)
        told = await works.figures.kpi(subject, today - 3 * DAY, today, UTC)
        plain = await (await works_on(stores)).figures.kpi(subject, today - 3 * DAY, today, UTC)
        assert figures(told) == figures(plain)
        assert figures(told) != figures(before)
