"""Consumption rows against plain arithmetic on the same readings."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator
from random import Random

import numpy as np
import pytest
import pytest_asyncio

from tests.households.energy.register_rows import Desk, Reading, desk, fed_in, random_readings, used
from wattline.households.energy.rows import EnergyRows, plan, rows
from wattline.model.clock import DAY, HOUR, SECOND
from wattline.model.record import Quality
from wattline.registry.stream import Stream

START = 1_780_000_000 * SECOND // DAY * DAY


pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def home(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Desk]:
    async with desk(tmp_path_factory.mktemp("energy")) as made:
        yield made


async def read(home: Desk, streams: list[Stream], start: int, end: int, most: int = 65_536) -> list[EnergyRows]:
    series = home.spine.pipeline.series
    return [part async for part in rows(series, await plan(series, streams, start, end, most))]


def joined(parts: list[EnergyRows], column: str) -> list[float]:
    return [value for part in parts for value in getattr(part, column).tolist()]


def told(values: list[float]) -> list[float | None]:
    return [None if math.isnan(value) else value for value in values]


@pytest.mark.parametrize("seed", range(6))
async def test_every_row_has_what_was_used_since_the_one_before(home: Desk, seed: int) -> None:
    random = Random(seed)
    readings = random_readings(random, START, START + 5 * DAY, feeds_in=seed % 2 == 0)
    stream = await home.meter(readings)
    for low, high, most in ((START, START + 5 * DAY, 65_536), (START + 30 * HOUR + 7, START + 3 * DAY, 40)):
        parts = await read(home, [stream], low, high, most)
        expected = used(readings, low, high)
        assert joined(parts, "time") == [reading.time for reading, _ in expected]
        assert joined(parts, "value") == [reading.total / 1e6 for reading, _ in expected]
        assert joined(parts, "consumption") == [micro / 1e6 for _, micro in expected]
        assert told(joined(parts, "value_current")) == [reading.power for reading, _ in expected]
        inserted = {reading.time: micro / 1e6 for reading, micro in fed_in(readings, low, high)}
        assert told(joined(parts, "inserted")) == [inserted.get(reading.time) for reading, _ in expected]
        assert told(joined(parts, "value_out")) == [
            None if reading.total_out is None else reading.total_out / 1e6 for reading, _ in expected
        ]


async def test_slices_are_bounded_however_dense_the_rows_are(home: Desk) -> None:
    dense = [Reading(START + HOUR + n * 10_000, n * 3) for n in range(1000)]
    sparse = [Reading(START + 2 * HOUR + n * 60 * SECOND, 3000 + n * 1250) for n in range(600)]
    stream = await home.meter([*dense, *sparse])
    parts = await read(home, [stream], START, START + DAY, 50)
    assert joined(parts, "time") == [reading.time for reading in (*dense, *sparse)]
    # A bucket that holds as many rows as a slice may, or more, can follow a few others.
    assert max(len(part) for part in parts) <= 100
    assert joined(parts, "consumption")[:3] == [0.0, 0.000003, 0.000003]


async def test_meters_of_one_household_are_counted_each_by_itself_and_told_in_order_of_time(home: Desk) -> None:
    first = [Reading(START + n * 3 * SECOND, 10**9 + n * 1000) for n in range(200)]
    second = [Reading(START + n * 2 * SECOND + 1, 5 * 10**6 + n * 700) for n in range(200)]
    streams = [await home.meter(first, "home"), await home.meter(second, "home")]
    parts = await read(home, streams, START + SECOND, START + DAY, 64)
    expected = sorted([*used(first, START + SECOND, START + DAY), *used(second, START + SECOND, START + DAY)], key=_time)
    assert joined(parts, "time") == [reading.time for reading, _ in expected]
    assert joined(parts, "consumption") == [micro / 1e6 for _, micro in expected]
    assert sum(np.rint(np.array(joined(parts, "consumption")) * 1e6)) == 199 * 1000 + 199 * 700


def _time(pair: tuple[Reading, int]) -> int:
    return pair[0].time


async def test_late_rows_change_what_follows_them_and_nothing_else(home: Desk) -> None:
    stream = await home.meter([Reading(START + n * HOUR, n * 1_000_000) for n in (1, 2, 4)])
    await home.send(stream, [Reading(START + 3 * HOUR, 2_250_000)])
    parts = await read(home, [stream], START, START + DAY)
    assert joined(parts, "consumption") == [0.0, 1.0, 0.25, 1.75]


async def test_only_bad_rows_are_no_rows(home: Desk) -> None:
    stream = await home.meter([Reading(START + n * HOUR, 7, quality=Quality.BAD) for n in range(5)])
    planned = await plan(home.spine.pipeline.series, [stream], START, START + DAY)
    assert not planned.slices
    assert not [part async for part in rows(home.spine.pipeline.series, planned)]
    assert not (await plan(home.spine.pipeline.series, [], START, START + DAY)).slices
    assert not (await plan(home.spine.pipeline.series, [stream], START, START)).slices


async def test_rows_that_are_kept_no_longer_are_still_counted_from(home: Desk) -> None:
    stream = await home.meter([Reading(START + n * HOUR, (n + 1) * 1_000_000) for n in range(72)])
    pipeline = home.spine.pipeline
    await pipeline.writer.flush()
    await pipeline.rollup.advance()
    assert await pipeline.store.drop_before("readings", START + 2 * DAY) > 0
    parts = await read(home, [stream], 0, START + 4 * DAY)
    assert joined(parts, "time") == [START + n * HOUR for n in range(48, 72)]
    assert joined(parts, "consumption") == [1.0] * 24
