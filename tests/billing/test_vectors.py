"""The worked examples of the rules, through the real stores."""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path

import pytest

from tests.billing.plant import Plant, by_cell, plant, spec, steady
from wattline.billing.model import Boundary
from wattline.model.clock import DAY, HOUR, MINUTE, SECOND, ManualClock

BUCKET = 5 * MINUTE


@pytest.fixture
async def place(tmp_path: Path, clock: ManualClock) -> AsyncIterator[Plant]:
    async with plant(tmp_path, clock) as made:
        yield made


@pytest.fixture
def noon(clock: ManualClock) -> int:
    """The noon before the present of the clock."""
    return clock.micros() // DAY * DAY + 12 * HOUR


async def test_mean_power_over_an_interval(place: Plant, noon: int) -> None:
    (main,) = await place.meters(spec("P-MSB-TOTAL", role="facility_main"))
    values = [837.0, 857.0] * 30
    await place.send(main, [(noon + 5 * i * SECOND, value) for i, value in enumerate(values)])
    report = await place.energy.electrical(place.block, noon - HOUR, noon + HOUR)
    assert len(report.rows) == 1
    assert report.rows.bucket.tolist() == [noon]
    assert report.rows.energy[0] == pytest.approx(70.583333333, abs=1e-9)
    assert float(report.total) == pytest.approx(847 * 5 / 60, abs=1e-9)
    assert isinstance(report.total, Decimal)
    assert report.rows.coverage[0] == 1.0
    assert not report.rows.estimated[0]
    assert report.rows.samples[0] == 60
    assert report.rows.good_ratio[0] == 1.0
    assert report.boundary is Boundary.FACILITY_MAIN
    assert report.authoritative == (main.id,)


@pytest.mark.parametrize("step", [1, 5, 30, 60, 300])
async def test_any_regular_interval_of_reading_gives_the_mean(place: Plant, noon: int, step: int) -> None:
    (main,) = await place.meters(spec("P", role="facility_main", poll_ms=step * 1000))
    await place.send(main, steady(noon, 3600, 847.0, step))
    report = await place.energy.electrical(place.block, noon, noon + HOUR)
    assert float(report.total) == pytest.approx(847.0, abs=1e-6)
    assert report.rows.energy.tolist() == pytest.approx([847 * 5 / 60] * 12)
    assert report.coverage == 1.0
    assert report.estimated_share == 0.0


async def test_a_minute_between_samples_is_measured_whatever_was_registered(place: Plant, noon: int) -> None:
    (main,) = await place.meters(spec("P", role="facility_main", poll_ms=5000))
    await place.send(main, steady(noon, 3600, 847.0, 60))
    report = await place.energy.electrical(place.block, noon - HOUR, noon + 2 * HOUR)
    assert float(report.total) == pytest.approx(847.0, abs=1e-6)
    assert report.estimated_share == 0.0


async def test_a_counter_counts_its_difference(place: Plant, noon: int) -> None:
    (register,) = await place.meters(spec("E-MSB-TOTAL", "kWh", "facility_main"))
    await place.send(register, [(noon, 1000.0), (noon + 2 * MINUTE, 1003.0), (noon + BUCKET - 5 * SECOND, 1007.5)])
    report = await place.energy.electrical(place.block, noon, noon + HOUR)
    assert by_cell(report) == {("E-MSB-TOTAL", noon): 7.5}
    assert report.total == Decimal("7.5")


async def test_a_counter_is_carried_from_before_the_range(place: Plant, noon: int) -> None:
    (register,) = await place.meters(spec("E", "kWh", "counter"))
    await place.send(register, [(noon - 5 * SECOND, 1000.0), (noon + 2 * MINUTE, 1003.0), (noon + BUCKET, 1007.5)])
    report = await place.energy.electrical(place.block, noon, noon + BUCKET)
    # The reading on the edge is what the register shows at the end of the interval.
    assert report.total == Decimal("7.5")
    assert report.boundary is Boundary.SUBMETERS


async def test_nested_meters_are_not_summed_twice(place: Plant, noon: int) -> None:
    main, rack = await place.meters(spec("P-MSB-TOTAL", role="facility_main"), spec("PDU-R01-KW", role="submeter"))
    await place.send(main, steady(noon, 3600, 849.56))
    await place.send(rack, steady(noon, 3600, 42.86))
    report = await place.energy.electrical(place.block, noon, noon + HOUR)
    assert float(report.total) == pytest.approx(849.56)
    assert len(report.rows) == 24
    assert sum(report.rows.energy.tolist()) == pytest.approx(892.42)
    assert sum(report.rows.counted.tolist()) == pytest.approx(849.56)
    assert report.rows.bucket.tolist() == sorted(report.rows.bucket.tolist())


async def test_a_day_that_was_measured_in_part_is_not_extrapolated(place: Plant, noon: int) -> None:
    (main,) = await place.meters(spec("P", role="facility_main"))
    midnight = noon - 12 * HOUR
    await place.send(main, steady(midnight, 5400, 847.0, 60))
    (day,) = await place.energy.daily(place.block, midnight, midnight + DAY)
    assert float(day.electrical_kwh) == pytest.approx(847 * 1.5)
    assert day.coverage == pytest.approx(1.5 * HOUR / (place.spine.clock.micros() - midnight))
    assert {"partial_day", "incomplete"} <= set(day.flags)


async def test_heat_from_flow_and_temperatures(place: Plant, noon: int) -> None:
    at_hx = {"equipment": "HX-01", "subsystem": "thermal-hx"}
    flow, supply, back = await place.meters(
        spec("FT-BIL", "m3/h", "flow", **at_hx),
        spec("TT-BIL-s", "°C", "t_supply", **at_hx),
        spec("TT-BIL-r", "°C", "t_return", **at_hx),
    )
    # The three are read at different moments and intervals.
    await place.send(flow, steady(noon - MINUTE, 420, 10.0, 5))
    await place.send(supply, steady(noon - MINUTE + 2 * SECOND, 420, 40.0, 15))
    await place.send(back, steady(noon - MINUTE + 3 * SECOND, 420, 26.5, 30))
    report = await place.energy.thermal(place.block, noon, noon + BUCKET)
    assert float(report.total) == pytest.approx(13.02331, abs=1e-5)
    assert by_cell(report) == {("FT-BIL", noon): pytest.approx(156.2798 / 12, abs=1e-5)}
    assert report.boundary is Boundary.COMPUTED_HEAT
    (meter,) = report.meters
    assert (meter.id, meter.unit, meter.computed) == (flow.id, "kW", True)
    assert report.coverage == 1.0


async def test_flow_in_litres_per_minute(place: Plant, noon: int) -> None:
    at = {"equipment": "HX", "subsystem": "thermal-hx"}
    flow, supply, back = await place.meters(
        spec("F", "L/min", "flow", **at), spec("S", "degC", "t_supply", **at), spec("R", "degC", "t_return", **at)
    )
    await place.send(flow, steady(noon, 300, 12_800 / 60))
    await place.send(supply, steady(noon, 300, 35.0))
    await place.send(back, steady(noon, 300, 25.0))
    report = await place.energy.thermal(place.block, noon, noon + BUCKET)
    assert float(report.total) * 12 == pytest.approx(148.18, abs=0.005)


async def test_power_and_register_of_one_main_count_once(place: Plant, noon: int) -> None:
    power, register = await place.meters(
        spec("MET-01-kW", role="facility_main", equipment="MET-01"),
        spec("MET-01-kWh", "kWh", "facility_main", equipment="MET-01"),
    )
    await place.send(power, steady(noon, 3600, 600.0))
    await place.send(register, [(noon + m * MINUTE, 50_000 + 10 * m) for m in range(61)])
    report = await place.energy.electrical(place.block, noon, noon + HOUR)
    assert float(report.total) == pytest.approx(600.0)
    assert report.authoritative == (register.id,)
    assert {meter.tag: meter.counted for meter in report.meters} == {"MET-01-kW": False, "MET-01-kWh": True}


async def test_pue_counts_the_time_that_both_sides_cover(place: Plant, noon: int) -> None:
    main, load = await place.meters(
        spec("P", role="facility_main"), spec("UPS-01-LOAD", "%", "it_main", factor=10.0, equipment="UPS-01")
    )
    await place.send(main, steady(noon, 7200, 920.0, 60))
    await place.send(load, steady(noon, 3600, 80.0, 60))
    (day,) = await place.energy.daily(place.block, noon, noon + 2 * HOUR)
    assert day.pue_estimate == pytest.approx(1.15)
    assert float(day.electrical_kwh) == pytest.approx(1840)
    assert day.it_kwh is not None
    assert float(day.it_kwh) == pytest.approx(800)
    # The share of a load is no row of electrical energy unless it counts.
    report = await place.energy.electrical(place.block, noon, noon + HOUR)
    assert {meter.tag for meter in report.meters} == {"P"}


async def test_without_roles_the_sum_is_marked(place: Plant, noon: int) -> None:
    one, two = await place.meters(spec("A"), spec("B", "MW"))
    await place.send(one, steady(noon, 300, 100.0))
    await place.send(two, steady(noon, 300, 0.2))
    report = await place.energy.electrical(place.block, noon, noon + BUCKET)
    assert float(report.total) == pytest.approx(25.0)
    assert report.boundary is Boundary.UNASSIGNED
    assert report.authoritative == ()
    (day,) = await place.energy.daily(place.block, noon, noon + BUCKET)
    assert day.pue_estimate is None
    assert "no_facility_meter" in day.flags


async def test_a_block_without_meters_has_no_energy(place: Plant, noon: int) -> None:
    report = await place.energy.electrical(place.block, noon, noon + HOUR)
    assert (report.total, len(report.rows), report.coverage) == (Decimal(0), 0, 0.0)
    assert await place.energy.daily(place.block, noon, noon + DAY) == []
    assert (await place.energy.thermal(place.block, noon, noon + HOUR)).boundary is Boundary.NONE
