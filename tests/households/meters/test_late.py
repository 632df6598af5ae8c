"""Readings that arrive out of order: stored at their time, and no sum changes that was right."""

from __future__ import annotations

from itertools import permutations
from pathlib import Path

import pytest

from wattline.households.meters.model import Kind
from wattline.model.clock import ManualClock

from .home import home

KWH = 1e-6


async def test_a_late_register_splits_what_was_used(directory: Path, clock: ManualClock) -> None:
    async with home(directory, clock) as h:
        assert await h.send(0, 100.0) is None
        assert await h.send(600, 102.0) is None
        assert await h.send(300, 101.5) is None
        assert await h.totals() == pytest.approx([100.0, 101.5, 102.0])
        assert await h.send(450, 101.4) == "Value too low"
        assert await h.send(450, 102.1) == "Value too high"
        # In its bounds, but too much in too short a time.
        assert await h.send(301, 101.9) == "Value too high"
        assert await h.send(615, 102.1) is None
        assert await h.used() == pytest.approx(2.1, abs=KWH)


async def test_older_than_every_row_is_told_by_the_first_one(directory: Path, clock: ManualClock) -> None:
    async with home(directory, clock) as h:
        assert await h.send(600, 102.0) is None
        assert await h.send(0, 103.0) == "Value too high"
        assert await h.send(0, 95.0) == "Value too low"
        assert await h.send(0, 100.0) is None
        assert await h.send(-600, 99.0) is None
        assert await h.totals() == pytest.approx([99.0, 100.0, 102.0])


async def test_a_backlog_newest_first_gives_the_same_rows(directory: Path, clock: ManualClock) -> None:
    async with home(directory, clock) as h:
        assert await h.send(0, 100.0) is None
        assert await h.send(3600, 101.2) is None
        for at in range(239, 0, -16):
            assert await h.send(15 * at, 100 + at * 0.005, value_out=7.0, value_current=7.0, time_unit="ns") is None
        rows = await h.rows()
        assert [row["total"] for row in rows] == pytest.approx([100 + row["at"] / 3000 for row in rows])
        assert len(rows) == 17


@pytest.mark.parametrize("order", [(2, 1, 0), (1, 2, 0), (2, 0, 1)])
async def test_a_rollover_in_any_order(directory: Path, clock: ManualClock, order: tuple[int, ...]) -> None:
    sent = ((0, 99_999.8), (15, 99_999.9), (30, 0.02))
    async with home(directory, clock) as h:
        for at in order:
            assert await h.send(*sent[at]) is None
        assert await h.totals() == pytest.approx([99_999.8, 99_999.9, 100_000.02])


async def test_late_readings_around_a_swap_add_what_was_not_known(directory: Path, clock: ManualClock) -> None:
    async with home(directory, clock) as h:
        assert await h.send(0, 45_000.0) is None
        for second, value in ((600, 3.0), (615, 3.01)):
            assert await h.send(second, value) == "Value too low"
        assert await h.send(630, 3.02) is None
        assert await h.used() == pytest.approx(0.02, abs=KWH)
        # Of the new meter, before it was first seen; then of the old one, before it was taken away.
        assert await h.send(500, 2.9) is None
        assert await h.used() == pytest.approx(0.12, abs=KWH)
        assert await h.send(400, 45_000.4) is None
        assert await h.used() == pytest.approx(0.52, abs=KWH)
        assert await h.send(645, 3.03) is None
        assert await h.used() == pytest.approx(0.53, abs=KWH)
        assert [row["value"] for row in await h.rows()] == [45_000.0, 45_000.4, 2.9, 3.02, 3.03]


async def test_what_raises_later_totals_reaches_seven_days_back(directory: Path, clock: ManualClock) -> None:
    async with home(directory, clock, Kind.ANALOG_ELECTRICITY) as h:
        week = 7 * 86_400
        for second in (-week - 900, -week, 0):
            assert await h.send(second, 0.1) is None
        assert await h.send(-week + 86_400 + 15, 0.2) is None
        assert await h.totals() == pytest.approx([0.1, 0.2, 0.4, 0.5])
        refused = await h.send(-week - 450, 0.2)
        assert refused is not None
        assert "seven days" in refused
        assert await h.totals() == pytest.approx([0.1, 0.2, 0.4, 0.5])


async def test_increments_add_up(directory: Path, clock: ManualClock) -> None:
    async with home(directory, clock, Kind.ANALOG_ELECTRICITY) as h:
        for second, value in ((0, 0.0133), (15, 0.0), (30, 0.15), (45, 0.0267)):
            assert await h.send(second, value) is None
        assert await h.send(60, 0.1501) == "Value too high"
        assert await h.send(60, -0.1) == "Value is equal to or less than zero"
        rows = await h.rows()
        assert [row["total"] for row in rows] == pytest.approx([0.0133, 0.0133, 0.1633, 0.19])
        assert [row["value"] for row in rows] == [row["total"] for row in rows]
        # After a gap more may have been used.
        assert await h.send(645, 6.01) == "Value too high"
        assert await h.send(645, 6.0) is None


async def test_a_register_sent_as_an_increment_is_not_added_up(directory: Path, clock: ManualClock) -> None:
    async with home(directory, clock, Kind.ANALOG_ELECTRICITY) as h:
        assert await h.send(0, 20_000.0) == "Value too high"
        assert await h.send(0, 0.01) is None
        assert await h.send(15, 20_000.0) == "Value too high"


async def test_the_same_increment_again_is_not_counted_twice(directory: Path, clock: ManualClock) -> None:
    async with home(directory, clock, Kind.ANALOG_ELECTRICITY) as h:
        for second, value in ((0, 0.01), (15, 0.02), (30, 0.03)):
            assert await h.send(second, value) is None
        for _ in range(2):
            for second, value in ((30, 0.03), (15, 0.02), (0, 0.01)):
                assert await h.send(second, value) is None
                assert await h.send(second, value + 0.01) == "Duplicate timestamp with another value"
            await h.restart(crash=True)
        assert await h.totals() == pytest.approx([0.01, 0.03, 0.06])


async def test_increments_in_any_order_give_the_same_totals(directory: Path, clock: ManualClock) -> None:
    sent = ((0, 0.01), (60, 0.02), (120, 0.03))
    async with home(directory, clock, Kind.ANALOG_ELECTRICITY) as h:
        for day, order in enumerate(permutations(range(3))):
            await h.next_home(f"u{day + 2}")
            for at in order:
                assert await h.send(*sent[at]) is None, order
            assert await h.totals() == pytest.approx([0.01, 0.03, 0.06]), order
