"""Local days against plain arithmetic on the same readings, on days of 23, 24 and 25 hours and at odd offsets."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from random import Random
from zoneinfo import ZoneInfo

import pytest
import pytest_asyncio

from tests.households.energy.register_rows import Desk, Reading, desk, fed_in, random_readings, used
from wattline.households.energy.daily import DayUse, daily_use, local_day, midnight
from wattline.households.energy.rows import plan, rows
from wattline.model.clock import DAY, HOUR, MINUTE, SECOND, to_micros
from wattline.model.record import Quality
from wattline.registry.stream import Stream

BERLIN = ZoneInfo("Europe/Berlin")
SPRING, AUTUMN = date(2026, 3, 29), date(2025, 10, 26)


pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def home(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Desk]:
    async with desk(tmp_path_factory.mktemp("energy")) as made:
        yield made


async def read(home: Desk, streams: list[Stream], first: date, last: date, zone: ZoneInfo) -> list[DayUse]:
    return await daily_use(home.spine.pipeline.series, streams, first, last, zone)


def micro(value: Decimal | None) -> int | None:
    return None if value is None else int(value * 10**6)


@pytest.mark.parametrize("tiered", [True, False])
@pytest.mark.parametrize(
    ("zone", "middle"),
    [
        ("Europe/Berlin", SPRING),
        ("Europe/Berlin", AUTUMN),
        ("Asia/Kathmandu", SPRING),
        ("Australia/Lord_Howe", date(2026, 4, 5)),
        ("America/Santiago", date(2025, 9, 7)),
    ],
)
async def test_days_hold_what_their_rows_hold(home: Desk, zone: str, middle: date, tiered: bool) -> None:
    local = ZoneInfo(zone)
    random = Random(zone + str(middle))
    first, last = middle - timedelta(days=4), middle + timedelta(days=4)
    begin, end = midnight(first, local), midnight(last + timedelta(days=1), local)
    meters = [
        random_readings(random, begin - 2 * DAY, end + DAY, feeds_in=True, cadence=1800),
        random_readings(random, begin + 3 * DAY, end, feeds_in=False, cadence=1800),
    ]
    streams = [await home.meter(readings, "home") for readings in meters]
    if tiered:
        await home.spine.pipeline.writer.flush()
        await home.spine.pipeline.rollup.advance()
    found = await read(home, streams, first, last, local)

    assert [day.day for day in found] == [first + timedelta(days=n) for n in range(9)]
    for day in found:
        rows_of = [pair for readings in meters for pair in used(readings, day.start, day.end)]
        fed = [pair for readings in meters for pair in fed_in(readings, day.start, day.end)]
        assert micro(day.kwh) == (sum(step for _, step in rows_of) if rows_of else None)
        assert micro(day.fed_in_kwh) == (sum(step for _, step in fed) if fed else None)
        hours = {(reading.time - day.start) // HOUR for reading, _ in rows_of}
        assert day.coverage == pytest.approx(min(len(hours) * HOUR / (day.end - day.start), 1.0), abs=1e-9)
        assert micro(day.carried_kwh) == sum(carried(readings, day.start, day.end) for readings in meters)


def carried(readings: list[Reading], start: int, end: int) -> int:
    """What was used in a pause of more than six hours over the day's begin."""
    good = [reading for reading in readings if reading.quality != Quality.BAD]
    for before, after in itertools.pairwise(good):
        if before.time < start <= after.time < end and after.time - before.time > 6 * HOUR:
            return after.total - before.total
    return 0


@pytest.mark.parametrize(("day", "hours"), [(SPRING, 23), (AUTUMN, 25), (date(2026, 1, 1), 24)])
async def test_a_day_is_from_midnight_to_midnight(home: Desk, day: date, hours: int) -> None:
    begin = midnight(day, BERLIN)
    assert begin == to_micros(datetime(day.year, day.month, day.day, tzinfo=BERLIN))
    quarters = [Reading(begin + n * 15 * MINUTE, 1000 * n) for n in range(-8, 4 * (hours + 2))]
    stream = await home.meter(quarters)
    found = await read(home, [stream], day - timedelta(days=1), day + timedelta(days=1), BERLIN)
    assert found[1].end - found[1].start == hours * HOUR
    # The row at midnight is of the day that begins there: 4 an hour, and none twice.
    assert [micro(each.kwh) for each in found] == [7000, 4 * hours * 1000, 8000]
    assert found[1].coverage == 1.0
    assert local_day(begin, BERLIN) == day
    assert local_day(begin - 1, BERLIN) == day - timedelta(days=1)


async def test_days_without_data_are_unknown_and_what_was_used_in_them_is_carried(home: Desk) -> None:
    begin = midnight(date(2026, 5, 1), BERLIN)
    stream = await home.meter(
        [Reading(begin + HOUR, 10**6), Reading(begin + 20 * HOUR, 4 * 10**6), Reading(begin + 75 * HOUR, 9 * 10**6)]
    )
    found = await read(home, [stream], date(2026, 4, 30), date(2026, 5, 5), BERLIN)
    assert [micro(day.kwh) for day in found] == [None, 3_000_000, None, None, 5_000_000, None]
    assert [micro(day.carried_kwh) for day in found] == [0, 0, 0, 0, 5_000_000, 0]
    assert [day.coverage for day in found] == [0, 2 / 24, 0, 0, 1 / 24, 0]


async def test_days_sum_up_to_the_rows(home: Desk) -> None:
    first, last = SPRING - timedelta(days=3), SPRING + timedelta(days=3)
    begin, end = midnight(first, BERLIN), midnight(last + timedelta(days=1), BERLIN)
    # An analog meter adds up what no six decimals hold.
    readings = [Reading(begin + n * 15 * SECOND * 7, 10**9 + round(n * 1333.333)) for n in range(-10, 5500)]
    stream = await home.meter(readings)
    series = home.spine.pipeline.series
    parts = [part async for part in rows(series, await plan(series, [stream], begin, end))]
    summed = sum(Decimal(repr(value)) for part in parts for value in part.consumption.tolist())
    assert sum(day.kwh or 0 for day in await read(home, [stream], first, last, BERLIN)) == summed > 0


async def test_a_household_without_a_meter_has_days_without_data(home: Desk) -> None:
    found = await read(home, [], SPRING, SPRING, BERLIN)
    assert [(day.kwh, day.fed_in_kwh, day.coverage) for day in found] == [(None, None, 0.0)]
    assert await read(home, [], SPRING, SPRING - timedelta(days=1), BERLIN) == []


@pytest.mark.parametrize("day", [date(1, 1, 1), date(9999, 12, 30)])
async def test_days_that_no_reading_can_be_on_are_no_trouble(day: date) -> None:
    assert 0 <= midnight(day, BERLIN) < 2**52
