"""Energy of data of any age, before and after the single readings are gone."""

from __future__ import annotations

from collections.abc import AsyncIterator
from math import isnan
from pathlib import Path

import pytest

from tests.billing.plant import Plant, by_cell, plant, spec, steady
from wattline.model.clock import DAY, HOUR, MINUTE, SECOND, ManualClock
from wattline.model.errors import Invalid


@pytest.fixture
async def place(tmp_path: Path, clock: ManualClock) -> AsyncIterator[Plant]:
    async with plant(tmp_path, clock) as made:
        await made.meters(
            spec("P", role="facility_main"),
            spec("E", "kWh", "submeter"),
            spec("F", "m3/h", "flow", equipment="HX", subsystem="thermal-hx"),
            spec("S", "°C", "t_supply", equipment="HX", subsystem="thermal-hx"),
            spec("R", "°C", "t_return", equipment="HX", subsystem="thermal-hx"),
        )
        yield made


async def fill(place: Plant, start: int) -> None:
    """Two hours and a half of every meter, with a register that is reset within a minute."""
    for tag, value in (("P", 600.0), ("F", 10.0), ("S", 40.0), ("R", 26.5)):
        point = place.spine.registry.tagged(place.block.id, tag)
        assert point is not None
        await place.send(point, steady(start, 9000, value, 10))
    register = place.spine.registry.tagged(place.block.id, "E")
    assert register is not None
    await place.send(register, [(start + 10 * i * SECOND, 500.0 + i if i < 450 else i - 448.0) for i in range(901)])


async def grow_old(place: Plant) -> None:
    await place.spine.pipeline.rollup.advance()
    await place.spine.pipeline.rollup.retain()


@pytest.mark.parametrize("age", [100, 800])
async def test_the_same_energy_from_the_tiers(place: Plant, clock: ManualClock, age: int) -> None:
    start = clock.micros() // DAY * DAY - 10 * DAY
    await fill(place, start)
    young = {
        what: await getattr(place.energy, what)(place.block, start - HOUR, start + 4 * HOUR)
        for what in ("electrical", "thermal")
    }
    await grow_old(place)
    clock.advance(age * 86_400)
    await grow_old(place)
    raw = await place.spine.pipeline.reader.count([point.id for point in place.spine.registry.points("t")], start, start + DAY)
    assert raw == 0
    for what, before in young.items():
        after = await getattr(place.energy, what)(place.block, start - HOUR, start + 4 * HOUR)
        assert float(after.total) == pytest.approx(float(before.total), rel=1e-9 if age == 100 else 0.25)
        if age == 100:
            assert after.estimated_share == before.estimated_share
            assert by_cell(after) == {cell: pytest.approx(energy, nan_ok=True) for cell, energy in by_cell(before).items()}
            assert after.rows.samples.tolist() == before.rows.samples.tolist()
        else:
            # What an hour held is known, but not where in it.
            assert after.estimated_share == pytest.approx(1.0)


async def test_a_range_across_the_horizon(place: Plant, clock: ManualClock) -> None:
    """Retention ends in the middle of what is asked for: no seam."""
    horizon = -(-(clock.micros() - 90 * DAY) // HOUR) * HOUR
    start = horizon - 75 * MINUTE
    await fill(place, start)
    await place.spine.pipeline.rollup.advance()
    report = await place.energy.electrical(place.block, start - HOUR, start + 4 * HOUR)
    assert float(report.total) == pytest.approx(1500.0)
    assert report.estimated_share == 0.0
    cells = by_cell(report)
    # Of the interval that begins with the last reading nothing is known yet.
    counted = sum(energy for (tag, _), energy in cells.items() if tag == "E" and not isnan(energy))
    # 449 before the reset, the 2 that the register shows after it, and 450 since.
    assert counted == pytest.approx(449 + 2 + 450)


async def test_late_data_behind_the_horizon_is_seen(place: Plant, clock: ManualClock) -> None:
    start = clock.micros() // DAY * DAY - 100 * DAY
    await place.spine.pipeline.rollup.advance()
    await fill(place, start)
    report = await place.energy.electrical(place.block, start, start + 4 * HOUR)
    assert float(report.total) == pytest.approx(1500.0)


async def test_a_register_that_was_silent_for_long(place: Plant, clock: ManualClock) -> None:
    """Its neighbours far outside of the range say what it counted inside, on both sides."""
    register = place.spine.registry.tagged(place.block.id, "E")
    assert register is not None
    start = clock.micros() // DAY * DAY - 40 * DAY
    await place.send(register, [(start, 1000.0), (start + 30 * DAY, 1000.0 + 30 * 288)])
    await place.spine.pipeline.rollup.advance()
    for begin, end in ((5 * DAY, 6 * DAY), (0, 30 * DAY), (29 * DAY + HOUR, 31 * DAY)):
        report = await place.energy.electrical(place.block, start + begin, start + end)
        energies = [energy for energy in report.rows.energy.tolist() if not isnan(energy)]
        assert energies == pytest.approx([1.0] * ((min(end, 30 * DAY) - begin) // (5 * MINUTE)))
        assert report.rows.estimated[: len(energies)].all()
    after = await place.energy.electrical(place.block, start + 31 * DAY, start + 32 * DAY)
    assert len(after.rows) == 0


async def test_the_open_interval_ends_now(place: Plant, clock: ManualClock) -> None:
    main = place.spine.registry.tagged(place.block.id, "P")
    assert main is not None
    now = clock.micros()
    await place.send(main, steady(now - 10 * MINUTE, 600 + 300, 600.0, 10))
    report = await place.energy.electrical(place.block, now - 10 * MINUTE, now + DAY)
    assert float(report.total) == pytest.approx(100.0, rel=0.31)
    begun = -(-(now - 10 * MINUTE) // (5 * MINUTE)) * 5 * MINUTE
    assert float(report.total) == pytest.approx(600 * (now - begun) / HOUR)
    assert report.coverage == 1.0
    assert report.rows.coverage.tolist() == [1.0] * len(report.rows)


@pytest.mark.parametrize("zone", ["Mars/Base", "../etc/passwd", "", "America", "a" * 300, "UTC\0"])
async def test_unknown_zones_are_refused(place: Plant, clock: ManualClock, zone: str) -> None:
    with pytest.raises(Invalid):
        await place.energy.daily(place.block, clock.micros() - DAY, clock.micros(), zone)


async def test_ranges_that_hold_nothing(place: Plant, clock: ManualClock) -> None:
    now = clock.micros()
    for start, end in ((now + DAY, now + 2 * DAY), (-(10**15), -(10**14)), (0, 0), (now, now - DAY)):
        report = await place.energy.electrical(place.block, start, min(end, start + DAY))
        assert (float(report.total), len(report.rows)) == (0.0, 0)
        assert await place.energy.daily(place.block, start, min(end, start + DAY)) == []
    with pytest.raises(Invalid):
        await place.energy.electrical(place.block, 0, now)
