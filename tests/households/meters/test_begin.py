"""Registers that begin with what a person says they show: at an assignment, and at a swap."""

from __future__ import annotations

from pathlib import Path

import pytest

from wattline.households.meters.model import Kind
from wattline.model.clock import ManualClock
from wattline.model.errors import Conflict, Invalid, NotFound

from .home import MAC, TENANT, USER, home

DAY_SECONDS = 86_400
KWH = 1e-6


async def test_the_first_reading_is_held_against_what_the_register_showed(directory: Path, clock: ManualClock) -> None:
    async with home(directory, clock, initial=4321.0) as h:
        await h.restart(crash=True)
        assert await h.send(DAY_SECONDS + 15, 4321.16) == "Value too high"
        assert await h.send(DAY_SECONDS + 15, 4320.9) == "Value too low"
        assert await h.send(DAY_SECONDS + 15, 4321.15) is None
        assert await h.totals() == pytest.approx([4321.0, 4321.15])


@pytest.mark.parametrize("restarted", [False, True])
async def test_a_swap_begins_a_register_and_loses_nothing(directory: Path, clock: ManualClock, restarted: bool) -> None:
    async with home(directory, clock) as h:
        assert await h.send(DAY_SECONDS - 60, 45_000.0, value_out=9000.0) is None
        assert await h.send(DAY_SECONDS - 30, 45_000.2, value_out=9000.1) is None
        await h.meters.swap(TENANT, MAC, 3.0)
        if restarted:
            await h.restart(crash=True)
        assert await h.send(DAY_SECONDS + 15, 3.1, value_out=1.0) is None
        assert await h.send(DAY_SECONDS + 30, 3.2, value_out=1.1) is None
        assert await h.used() == pytest.approx(0.4, abs=KWH)
        rows = await h.rows()
        assert rows[-1]["total_out"] == pytest.approx(9000.2)
        # What the old meter still had to say adds to it.
        assert await h.send(DAY_SECONDS - 15, 45_000.3) is None
        assert await h.used() == pytest.approx(0.5, abs=KWH)


async def test_a_late_reading_is_of_the_register_that_it_is_nearer_to(directory: Path, clock: ManualClock) -> None:
    async with home(directory, clock) as h:
        assert await h.send(DAY_SECONDS - 3600, 45.0) is None
        await h.meters.swap(TENANT, MAC, 50.0)
        # Both can have shown these; the new one was not told of before it showed what it showed.
        assert await h.send(DAY_SECONDS - 10, 49.99) is None
        assert await h.used() == pytest.approx(0.01, abs=KWH)
        assert await h.send(DAY_SECONDS - 3540, 45.1) is None
        assert await h.used() == pytest.approx(0.11, abs=KWH)


async def test_a_swap_needs_a_household_and_a_number(directory: Path, clock: ManualClock) -> None:
    async with home(directory, clock) as h:
        for shown in (-1.0, float("nan"), float("inf"), 1e9):
            with pytest.raises(Invalid):
                await h.meters.swap(TENANT, MAC, shown)
            with pytest.raises(Invalid):
                await h.meters.assign(TENANT, MAC, "u2", shown)
        assert h.meter.user == USER
        await h.meters.assign(TENANT, MAC, None)
        with pytest.raises(Conflict):
            await h.meters.swap(TENANT, MAC, 3.0)
        with pytest.raises(NotFound):
            await h.meters.swap("others", MAC, 3.0)


async def test_an_analog_meter_counts_from_what_its_register_showed(directory: Path, clock: ManualClock) -> None:
    async with home(directory, clock, Kind.ANALOG_ELECTRICITY, initial=500.0) as h:
        assert await h.send(DAY_SECONDS + 15, 0.02) is None
        await h.meters.swap(TENANT, MAC, 1.0)
        assert await h.send(DAY_SECONDS + 30, 0.03) is None
        # Used before a person told the total: it is in there.
        assert await h.send(DAY_SECONDS - 60, 0.05) is None
        assert await h.totals() == pytest.approx([500.0, 500.0, 500.02, 500.05])


async def test_a_household_keeps_what_is_its_own(directory: Path, clock: ManualClock) -> None:
    async with home(directory, clock) as h:
        assert await h.send(0, 100.0) is None
        first = h.stream
        clock.advance(3600)
        await h.meters.assign(TENANT, MAC, "u2")
        assert await h.send(DAY_SECONDS + 3660, 5.0) is None
        # Measured while the first household had the meter: it is theirs, whoever has it now.
        assert await h.send(60, 100.1) is None
        assert await h.totals() == pytest.approx([100.0, 100.1])
        h.user = "u2"
        assert await h.totals() == pytest.approx([5.0])
        assert h.stream is not first
        clock.advance(3600)
        await h.meters.assign(TENANT, MAC, None)
        clock.advance(3600)
        await h.meters.assign(TENANT, MAC, USER)
        # Between two households it was nobody's.
        assert await h.send(DAY_SECONDS + 9000, 5.1) == "Timestamp out of range"
        h.user = USER
        assert h.stream is first
        assert await h.send(DAY_SECONDS + 10_860, 100.2) is None
        assert await h.totals() == pytest.approx([100.0, 100.1, 100.2])
