"""The other columns of a reading: power, and what was fed in."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from wattline.model.clock import ManualClock
from wattline.model.record import Quality

from .home import home

KWH = 1e-6


async def test_power_out_of_range_is_replaced_by_the_last_one(directory: Path, clock: ManualClock) -> None:
    async with home(directory, clock) as h:
        sent = (40_001.0, -20_000.0, -20_001.0, 40_000.0, 40_001.0, math.nan, None, 345.6)
        for at, power in enumerate(sent):
            assert await h.send(15 * at, 10.0, value_current=power) is None
        rows = await h.rows()
        assert [row.get("value_current") for row in rows] == [0, -20_000, -20_000, 40_000, 40_000, 40_000, None, 345.6]
        doubted = [row.get("value_current_quality") == Quality.UNCERTAIN for row in rows]
        assert doubted == [True, False, True, False, True, True, False, False]
        assert all(row["value_quality"] == row["total_quality"] == Quality.GOOD for row in rows)


async def test_feed_in_that_jumps_or_falls_keeps_the_last_register(directory: Path, clock: ManualClock) -> None:
    async with home(directory, clock) as h:
        for second, out in ((0, 12.25), (60, 14.26), (120, 16.25), (180, 16.0), (240, 16.3), (300, math.inf)):
            assert await h.send(second, 10.0, value_out=out) is None
        rows = await h.rows()
        assert [row["value_out"] for row in rows] == [12.25, 12.25, 16.25, 16.25, 16.3, 16.3]
        assert [row["total_out"] for row in rows] == pytest.approx([12.25, 12.25, 16.25, 16.25, 16.3, 16.3])
        doubted = [row["value_out_quality"] == Quality.UNCERTAIN for row in rows]
        assert doubted == [False, True, False, True, False, True]


async def test_a_feed_in_register_that_was_swapped_alone_heals(directory: Path, clock: ManualClock) -> None:
    async with home(directory, clock) as h:
        for at, out in enumerate((5000.0, 5000.1, 1.0, 1.1, 1.2, 1.3)):
            assert await h.send(15 * at, 10.0, value_out=out) is None
        rows = await h.rows()
        assert [row["value_out"] for row in rows] == [5000.0, 5000.1, 5000.1, 5000.1, 1.2, 1.3]
        assert rows[-1]["total_out"] == pytest.approx(5000.4)


async def test_both_registers_of_a_swapped_meter_begin_together(directory: Path, clock: ManualClock) -> None:
    async with home(directory, clock) as h:
        sent = ((45_000.0, 5000.0), (3.0, 1.0), (3.01, 1.1), (3.02, 1.2), (3.03, 1.3))
        taken = [await h.send(15 * at, value, value_out=out) is None for at, (value, out) in enumerate(sent)]
        assert taken == [True, False, False, True, True]
        rows = await h.rows()
        assert [row["value_out"] for row in rows] == [5000.0, 1.2, 1.3]
        assert [row["total_out"] for row in rows] == pytest.approx([5000.0, 5000.2, 5000.3])
        assert {row["value_out_quality"] for row in rows} == {Quality.GOOD}


async def test_a_register_left_out_is_carried_on_over_a_restart(directory: Path, clock: ManualClock) -> None:
    async with home(directory, clock) as h:
        assert await h.send(0, 10.0, value_out=7.0) is None
        assert await h.send(60, 10.1) is None
        await h.restart()
        assert await h.send(120, 10.2) is None
        assert await h.send(180, 10.3, value_out=8.0) is None
        rows = await h.rows()
        assert [row.get("value_out") for row in rows] == [7.0, None, None, 8.0]
        assert [row["total_out"] for row in rows] == pytest.approx([7.0, 7.0, 7.0, 8.0])


async def test_a_backlog_in_nanoseconds_has_no_power(directory: Path, clock: ManualClock) -> None:
    async with home(directory, clock) as h:
        assert await h.send(0, 10.0, value_out=700.0, value_current=300.0) is None
        assert await h.send(30, 10.2, value_out=700.2, value_current=310.0) is None
        assert await h.send(15, 10.1, value_out=700.1, value_current=700.1, time_unit="ns") is None
        assert await h.send(45, 10.3, value_out=700.3, value_current=700.3, time_unit="ns") is None
        assert await h.send(60, 10.4, value_out=700.4, value_current=700.4) is None
        assert [row.get("value_current") for row in await h.rows()] == [300.0, None, 310.0, None, 700.4]


async def test_late_columns_are_held_against_their_neighbours(directory: Path, clock: ManualClock) -> None:
    async with home(directory, clock) as h:
        assert await h.send(0, 10.0, value_out=5.0, value_current=100.0) is None
        assert await h.send(60, 10.4, value_out=5.4) is None
        assert await h.send(15, 10.1, value_out=5.1, value_current=41_000.0) is None
        assert await h.send(30, 10.2, value_out=5.45) is None
        assert await h.send(45, 10.3, value_out=4.0) is None
        rows = await h.rows()
        assert [row["value_out"] for row in rows] == pytest.approx([5.0, 5.1, 5.1, 5.1, 5.4])
        assert [row["total_out"] for row in rows] == pytest.approx([5.0, 5.1, 5.1, 5.1, 5.4])
        assert rows[1]["value_current"] == 100.0
        assert rows[1]["value_current_quality"] == Quality.UNCERTAIN
        assert await h.used() == pytest.approx(0.4, abs=KWH)
