"""What a reading is held against after a restart, while the store is away, in another process, and when a caller goes away."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path

import pytest

from tests.clickhouse.endpoint import ClickHouseEndpoint
from tests.stores import spine
from wattline.households.meters.model import Measurement
from wattline.model.clock import DAY, MINUTE, SECOND, ManualClock
from wattline.model.errors import Unavailable

from .home import TENANT, Home, home, meters_of

KWH = 1e-6


async def test_a_meter_that_was_silent_for_weeks_is_still_known(directory: Path, clock: ManualClock) -> None:
    async with home(directory, clock) as h:
        assert await h.send(0, 100.0, value_out=5.0, value_current=300.0) is None
        clock.advance(30 * 86_400)
        await h.restart()
        assert await h.send(30 * 86_400, 99.0) == "Value too low"
        assert await h.send(30 * 86_400, 101.0, value_out=6.0, value_current=50_000.0) is None
        assert await h.used() == pytest.approx(1.0, abs=KWH)
        rows = await h.rows()
        assert [row["total_out"] for row in rows] == pytest.approx([5.0, 6.0])
        assert [row["value_current"] for row in rows] == [300.0, 300.0]


async def test_a_meter_whose_readings_are_gone_goes_on_from_the_tiers(directory: Path, clock: ManualClock) -> None:
    async with home(directory, clock) as h:
        assert await h.send(0, 100.0) is None
        assert await h.send(15, 100.1) is None
        clock.advance(200 * 86_400)
        pipeline = h.store.pipeline
        await pipeline.writer.flush()
        await pipeline.rollup.advance()
        assert await pipeline.store.drop_before("readings", clock.micros() - 90 * DAY) > 0
        await h.restart()
        assert await h.send(None, 100.0) == "Value too low"
        assert await h.send(None, 103.0) is None
        # What is told of the former rows is their last one: nothing is counted twice, and nothing begins anew.
        assert await h.totals() == pytest.approx([103.0])
        await h.restart()
        clock.advance(15)
        assert await h.send(None, 103.1) is None


async def test_without_the_store_nothing_is_guessed(
    directory: Path, clock: ManualClock, clickhouse: ClickHouseEndpoint
) -> None:
    async with home(directory, clock, telemetry_url=clickhouse.url) as h:
        assert await h.send(0, 100.0) is None
        clickhouse.refuse()
        # The newest row is known: readings go on.
        assert await h.send(15, 100.1) is None
        await h.store.crash()
        await h.store.open()
        h.meters = await meters_of(h.store)
        for _ in range(2):
            with pytest.raises(Unavailable):
                await h.send(30, 100.2)
            with pytest.raises(Unavailable):
                await h.send(30, 500.0)
        clickhouse.normal()
        assert await h.send(30, 500.0) == "Value too high"
        assert await h.send(30, 100.2) is None
        assert await h.totals() == pytest.approx([100.0, 100.1, 100.2])
        clickhouse.refuse()
        with pytest.raises(Unavailable):
            await h.send(20, 100.15)
        clickhouse.normal()
        assert await h.send(20, 100.15) is None
        assert await h.used() == pytest.approx(0.2, abs=KWH)


async def test_readings_that_come_at_once_follow_one_another(directory: Path, clock: ManualClock) -> None:
    async with home(directory, clock) as h:
        choice = random.Random(7)
        order = choice.sample(range(40), 40)
        answers = await asyncio.gather(*(h.send(15 * at, 100 + at / 10) for at in order))
        assert answers == [None] * 40
        assert await h.totals() == pytest.approx([100 + at / 10 for at in range(40)])


async def test_the_next_reading_is_held_against_one_whose_caller_went_away(directory: Path, clock: ManualClock) -> None:
    async with home(directory, clock) as h:
        assert await h.send(0, 100.0) is None
        gone = asyncio.create_task(h.send(15, 100.1))
        for _ in range(3):
            await asyncio.sleep(0)
        following = asyncio.create_task(h.send(15, 100.12))
        gone.cancel()
        with pytest.raises(asyncio.CancelledError):
            await gone
        assert await following == "Duplicate timestamp with another value"
        assert await h.send(30, 100.2) is None
        assert await h.totals() == pytest.approx([100.0, 100.1, 100.2])


async def test_two_processes_take_readings_of_one_meter(
    directory: Path, tmp_path_factory: pytest.TempPathFactory, clock: ManualClock
) -> None:
    async with home(directory, clock) as h:
        assert await h.send(0, 100.0) is None
        beside = tmp_path_factory.mktemp("beside")
        (beside / "state.db").symlink_to(directory / "state.db")
        await h.store.pipeline.writer.flush()
        async with spine(beside, clock, telemetry_url=h.store.telemetry_url) as store:
            other = Home(store, await meters_of(store), h.start)
            assert await other.send(15, 100.1) is None
            assert await h.send(30, 100.2) is None
            # A swap that one of them saw is seen by the other one as soon as readings tell of it.
            for second, value, taken in ((45, 3.0, False), (60, 3.01, False), (75, 3.02, True), (90, 3.03, True)):
                assert (await h.send(second, value) is None) is taken
            await h.store.pipeline.writer.flush()
            for second, value, taken in ((105, 3.04, False), (120, 3.05, False), (135, 3.06, True)):
                assert (await other.send(second, value) is None) is taken
            assert await other.used() == pytest.approx(0.26, abs=KWH)


async def test_a_gauge_is_kept_for_each_household_alone(directory: Path, clock: ManualClock) -> None:
    async with home(directory, clock) as h:
        first = h.meter
        assert await h.send(0, 100.0) is None
        await h.next_home("u2")
        assert await h.send(0, 7000.0) is None
        assert await h.send(15, 7000.1) is None
        await h.meters.take(first, Measurement(100.1, analog=False, time=h.start + 15 * SECOND))
        assert await h.totals() == pytest.approx([7000.0, 7000.1])
        assert [meter.mac for meter in h.meters.of_user(TENANT, "u2")] == [h.mac]
        assert clock.micros() - h.start == 24 * 60 * MINUTE
