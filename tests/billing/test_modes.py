"""Heat counts as recovered while the block recovers it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.billing.plant import Plant, plant, spec, steady
from wattline.billing.intervals import Grid
from wattline.billing.modes import ModeChange, recovered_share
from wattline.model.clock import HOUR, MINUTE, SECOND, ManualClock

BUCKET = 5 * MINUTE


@pytest.fixture
async def place(tmp_path: Path, clock: ManualClock) -> AsyncIterator[Plant]:
    async with plant(tmp_path, clock) as made:
        await made.meters(
            spec("MET", "kWt", "heat_power", subsystem="thermal-hx"),
            spec("DC", "kW", "reject_power", subsystem="thermal-reject"),
            spec("P", role="facility_main"),
        )
        yield made


@pytest.fixture
def start(clock: ManualClock) -> int:
    return clock.micros() // HOUR * HOUR - 2 * HOUR


async def fill(place: Plant, start: int) -> None:
    for tag, value in (("MET", 600.0), ("DC", 60.0), ("P", 500.0)):
        point = place.spine.registry.tagged(place.block.id, tag)
        assert point is not None
        await place.send(point, steady(start, 3600, value, 30))


async def test_unknown_modes_count(place: Plant, start: int) -> None:
    await fill(place, start)
    report = await place.energy.thermal(place.block, start, start + HOUR)
    assert float(report.total) == pytest.approx(600)


async def test_rejected_heat_does_not(place: Plant, start: int) -> None:
    await fill(place, start)
    await place.mode(start - HOUR, "EXPORT")
    await place.mode(start + 30 * MINUTE, "REJECT")
    await place.mode(start + 42 * MINUTE, "mixed")
    await place.mode(start + HOUR, "MAINTENANCE")
    report = await place.energy.thermal(place.block, start, start + HOUR)
    assert float(report.total) == pytest.approx(600 * 48 / 60)
    # What the meter measured is shown all the same; the change within an interval divides it by time.
    assert report.rows.energy.tolist() == pytest.approx([50.0] * 12)
    assert report.rows.counted.tolist() == pytest.approx([50.0] * 6 + [0.0, 0.0, 30.0] + [50.0] * 3)
    (day,) = await place.energy.daily(place.block, start, start + HOUR)
    assert float(day.thermal_kwht_recovered) == pytest.approx(480)
    assert float(day.thermal_kwht_rejected) == pytest.approx(60)
    assert day.heat_recovery_ratio == pytest.approx(0.96)
    assert "ratio_above_one" not in day.flags


async def test_a_ratio_above_one_is_shown_and_flagged(place: Plant, start: int) -> None:
    await fill(place, start)
    (day,) = await place.energy.daily(place.block, start, start + HOUR)
    assert day.heat_recovery_ratio == pytest.approx(1.2)
    assert "ratio_above_one" in day.flags


async def test_the_mode_that_the_block_has_now(place: Plant, start: int) -> None:
    await fill(place, start)
    place.block.mode, place.block.mode_since = "REJECT", start + 30 * MINUTE
    report = await place.energy.thermal(place.block, start, start + HOUR)
    assert float(report.total) == pytest.approx(300)


async def test_modes_of_other_blocks_are_theirs(place: Plant, start: int) -> None:
    await fill(place, start)
    mine = place.block
    await place.begin()
    await place.mode(start - HOUR, "REJECT")
    assert float((await place.energy.thermal(mine, start, start + HOUR)).total) == pytest.approx(600)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.tuples(st.integers(-400, 2000), st.sampled_from(["EXPORT", "REJECT", "MIXED"])), max_size=8), st.integers(0, 5)
)
def test_share_second_by_second(told: list[tuple[int, str]], intervals: int) -> None:
    begin = 1_800_000_000 * SECOND // BUCKET * BUCKET
    changes = [ModeChange(begin + second * SECOND, mode) for second, mode in sorted(told, key=lambda change: change[0])]
    grid = Grid(begin, begin + intervals * BUCKET, begin + intervals * BUCKET)

    def recovering(moment: int) -> bool:
        before = [change.mode for change in changes if change.time <= moment]
        return not before or before[-1] != "REJECT"

    expected = [sum(recovering(bucket + second * SECOND) for second in range(300)) / 300 for bucket in grid.buckets.tolist()]
    assert np.allclose(recovered_share(changes, grid), expected)
