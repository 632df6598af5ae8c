"""Which newer readings are taken, and what the total makes of them; every number of the limits from outside."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from wattline.households.meters.model import Kind, Measurement
from wattline.model.clock import DAY, MINUTE, SECOND, ManualClock
from wattline.model.errors import NotFound

from .home import MAC, TENANT, home

HIGH, LOW = "Value too high", "Value too low"
KWH = 1e-6


async def test_limits_at_fifteen_seconds_and_after_a_gap(directory: Path, clock: ManualClock) -> None:
    async with home(directory, clock) as h:
        assert await h.send(0, 20_000.0) is None
        assert await h.send(15, 20_000.1501) == HIGH
        assert await h.send(15, 20_000.15) is None
        assert await h.send(615, 20_006.16) == HIGH
        assert await h.send(615, 20_006.15) is None
        assert await h.totals() == pytest.approx([20_000.0, 20_000.15, 20_006.15])


async def test_a_spike_is_refused_and_the_normal_value_after_it_taken(directory: Path, clock: ManualClock) -> None:
    async with home(directory, clock) as h:
        assert await h.send(0, 100.0) is None
        assert await h.send(15, 500.0) == HIGH
        assert await h.send(30, 100.02) is None
        # Sent once more, when much time has passed: it is judged by its own time.
        clock.advance(3600)
        assert await h.send(15, 500.0) == HIGH
        assert await h.used() == pytest.approx(0.02)


async def test_a_refused_spike_does_not_become_true_as_time_passes(directory: Path, clock: ManualClock) -> None:
    async with home(directory, clock) as h:
        assert await h.send(0, 100.0) is None
        assert await h.send(15, 105.0) == HIGH
        assert await h.send(3600, 105.1) == HIGH
        assert await h.send(3615, 100.2) is None
        assert await h.used() == pytest.approx(0.2)


async def test_a_reading_that_came_early_spoils_nothing(directory: Path, clock: ManualClock) -> None:
    async with home(directory, clock) as h:
        assert await h.send(0, 100.0) is None
        assert await h.send(0.1, 100.01) == HIGH
        assert await h.send(15.1, 100.02) is None
        assert await h.used() == pytest.approx(0.02)


async def test_a_lower_reading_is_refused_with_its_reason_and_an_equal_one_taken(directory: Path, clock: ManualClock) -> None:
    async with home(directory, clock) as h:
        assert await h.send(0, 100.0) is None
        assert await h.send(15, 100.0) is None
        assert await h.send(30, 99.0) == LOW
        assert await h.send(45, 100.1) is None
        # A single lower one is no meter.
        assert await h.send(60, 99.0) == LOW
        assert await h.send(75, 100.2) is None
        assert await h.used() == pytest.approx(0.2)


async def test_a_swapped_meter_recovers_and_loses_nothing_known(directory: Path, clock: ManualClock) -> None:
    async with home(directory, clock) as h:
        assert await h.send(0, 45_000.0) is None
        assert await h.send(15, 45_000.1) is None
        assert await h.send(60, 3.0) == LOW
        assert await h.send(75, 3.01) == LOW
        assert await h.send(90, 3.02) is None
        assert await h.send(105, 3.03) is None
        assert [row["value"] for row in await h.rows()] == [45_000.0, 45_000.1, 3.02, 3.03]
        assert await h.used() == pytest.approx(0.13, abs=KWH)
        # What was refused meanwhile fits now, and changes no sum.
        assert await h.send(60, 3.0) is None
        assert await h.send(75, 3.01) is None
        assert await h.used() == pytest.approx(0.13, abs=KWH)


async def test_a_meter_with_a_higher_register_recovers_too(directory: Path, clock: ManualClock) -> None:
    async with home(directory, clock) as h:
        for second in range(0, 1200, 60):
            assert await h.send(second, 3000 + second / 6000) is None
        assert await h.send(1215, 3010.0) == HIGH
        assert await h.send(1230, 3010.01) == HIGH
        assert await h.send(1245, 3010.02) is None
        assert await h.used() == pytest.approx(0.19 + 0.02, abs=KWH)
        assert len(await h.rows()) == 21


async def test_a_register_that_rolls_over_goes_on(directory: Path, clock: ManualClock) -> None:
    async with home(directory, clock) as h:
        assert await h.send(0, 99_999.9) is None
        assert await h.send(15, 0.06) == LOW
        assert await h.send(15, 0.04) is None
        assert await h.send(30, 0.1) is None
        assert await h.totals() == pytest.approx([99_999.9, 100_000.04, 100_000.1])


async def test_a_bogus_base_heals_and_is_found_false(directory: Path, clock: ManualClock) -> None:
    async with home(directory, clock) as h:
        assert await h.send(0, 100.0) is None
        # After a gap of a day, a reading that is false fits the limit.
        assert await h.send(86_000, 700.0) is None
        assert await h.send(86_015, 700.01) is None
        assert await h.send(86_030, 101.0) == LOW
        assert await h.send(86_045, 101.01) == LOW
        assert await h.send(86_060, 101.02) is None
        assert [row["value"] for row in await h.rows()] == [100.0, 101.02]
        assert await h.used() == pytest.approx(1.02, abs=KWH)
        # The rows that were found false have no more than the right total either, for whoever counts them.
        every = await h.store.pipeline.series.rows([h.stream], 0, 2**52, ["total"])
        assert every.columns["total"].tolist() == pytest.approx([100.0, 100.0, 100.0, 101.02])
        await h.restart()
        assert await h.send(86_075, 101.03) is None
        assert await h.used() == pytest.approx(1.03, abs=KWH)


async def test_a_bogus_first_reading_heals(directory: Path, clock: ManualClock) -> None:
    async with home(directory, clock) as h:
        assert await h.send(0, 2e9) == HIGH
        assert await h.send(0, 5.0) is None
        for second, value in ((15, 20_000.0), (30, 20_000.01)):
            assert await h.send(second, value) == HIGH
        assert await h.send(45, 20_000.02) is None
        assert await h.used() == pytest.approx(0.02, abs=KWH)


async def test_what_is_no_reading_is_refused(directory: Path, clock: ManualClock) -> None:
    async with home(directory, clock) as h:
        for value in (math.nan, math.inf, -math.inf):
            assert await h.send(0, value) == "Value is not a finite number"
        for value in (0.0, -0.0, -1.0):
            assert await h.send(0, value) == "Value is equal to or less than zero"
        assert await h.send(0, 10.0) is None
        for value in (math.nan, math.inf, -math.inf, 0.0, -5.0):
            assert await h.send(15, value) is not None
        assert await h.send(30, 10.01) is None
        assert await h.totals() == pytest.approx([10.0, 10.01])


async def test_times_are_bounded_on_both_sides(directory: Path, clock: ManualClock) -> None:
    async with home(directory, clock) as h:
        ahead = DAY // SECOND + 5 * MINUTE // SECOND
        assert await h.send(ahead + 1, 10.0) == "Timestamp out of range"
        assert await h.send(-89 * 86_400 - 1, 10.0) == "Timestamp out of range"
        assert await h.send(-89 * 86_400 + 1, 9.0) is None
        assert await h.send(ahead, 10.0) is None
        clock.advance(3600)
        assert await h.send(None, 10.1) is None
        assert [row["at"] for row in await h.rows()] == [-89 * 86_400 + 1, ahead, 86_400 + 3600]


async def test_the_same_reading_again_is_fine_and_another_of_its_time_is_not(directory: Path, clock: ManualClock) -> None:
    async with home(directory, clock) as h:
        for second, value in ((0, 10.0), (15, 10.1), (30, 10.2)):
            assert await h.send(second, value) is None
        for second, value in ((30, 10.2), (15, 10.1), (0, 10.0)):
            assert await h.send(second, value) is None
            assert await h.send(second, value + 0.01) == "Duplicate timestamp with another value"
        await h.restart(crash=True)
        for second, value in ((30, 10.2), (15, 10.1), (0, 10.0)):
            assert await h.send(second, value) is None
        assert await h.totals() == pytest.approx([10.0, 10.1, 10.2])


async def test_a_meter_of_nobody_stores_nothing(directory: Path, clock: ManualClock) -> None:
    async with home(directory, clock) as h:
        await h.meters.assign(TENANT, MAC, None)
        with pytest.raises(NotFound):
            await h.meters.take(h.meter, Measurement(10.0, analog=False))


async def test_gas_and_water_are_registers(directory: Path, clock: ManualClock) -> None:
    async with home(directory, clock, Kind.GAS) as h:
        assert await h.send(0, 10.0) is None
        assert await h.send(15, 10.1) is None
        assert await h.send(30, 10.0) == LOW
        assert await h.used() == pytest.approx(0.1)


async def test_refusals_can_be_seen(directory: Path, clock: ManualClock) -> None:
    async with home(directory, clock) as h:
        await h.send(0, 10.0)
        await h.send(15, 99.0)
        await h.send(15, 99.0)
        await h.send(30, math.nan)
        newest, older = h.meters.refusals(TENANT, MAC)
        assert (newest.value, newest.reason, newest.count) == (None, "Value is not a finite number", 1)
        assert (older.time, older.value, older.reason, older.count) == (h.start + 15 * SECOND, 99.0, HIGH, 2)
        for second in range(45, 75):
            await h.send(second, 1.0)
            await h.send(second + 0.5, 99.0)
        assert len(h.meters.refusals(TENANT, MAC)) == 20
        with pytest.raises(NotFound):
            h.meters.refusals("others", MAC)
