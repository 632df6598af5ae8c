"""What cannot be right, what is missing, and what an answer says of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal
from math import isnan
from pathlib import Path

import pytest

from tests.billing.plant import Plant, plant, spec, steady
from wattline.model.clock import DAY, HOUR, MINUTE, SECOND, ManualClock
from wattline.model.record import Quality

BUCKET = 5 * MINUTE
HX = {"equipment": "HX", "subsystem": "thermal-l3"}


@pytest.fixture
async def place(tmp_path: Path, clock: ManualClock) -> AsyncIterator[Plant]:
    async with plant(tmp_path, clock) as made:
        yield made


@pytest.fixture
def start(clock: ManualClock) -> int:
    return clock.micros() // DAY * DAY + 10 * HOUR


async def heat_meter(place: Plant, start: int, flow: float, supply: float, back: float) -> None:
    meters = await place.meters(
        spec("HOST-FLOW", "L/min", "flow", **HX),
        spec("SEC-OUT", "°C", "t_supply", **HX),
        spec("SEC-IN", "°C", "t_return", **HX),
    )
    for meter, value in zip(meters, (flow, supply, back), strict=True):
        await place.send(meter, steady(start, 3600, value, 60))


async def test_recovered_heat_of_a_site_without_a_heat_meter(place: Plant, start: int) -> None:
    await heat_meter(place, start, 280.3, 41.2, 25.4)
    main, load = await place.meters(spec("P", role="facility_main"), spec("UPS", "%", "it_main", factor=10.0, equipment="UPS"))
    await place.send(main, steady(start, 3600, 847.0, 60))
    await place.send(load, steady(start, 3600, 72.4, 60))
    (day,) = await place.energy.daily(place.block, start, start + HOUR)
    assert float(day.thermal_kwht_recovered) == pytest.approx(307.6, abs=0.05)
    assert day.heat_recovery_ratio == pytest.approx(307.6 / 847, abs=1e-4)
    assert day.it_recovery_ratio == pytest.approx(307.6 / 724, abs=1e-4)
    assert day.pue_estimate == pytest.approx(847 / 724)
    assert (day.coverage, day.thermal_coverage) == (1.0, 1.0)
    assert day.flags == ("partial_day",)


@pytest.mark.parametrize(
    ("flow", "supply", "kilowatts", "anomalies"),
    [
        (200.0, 24.9, None, 12),
        (200.0, 25.0, 0.0, 0),
        (200.0, 25.4, 0.0, 0),
        (-1.0, 41.2, None, 12),
        (0.0, 20.0, 0.0, 0),
        (200.0, 25.5, 0.0, 0),
        (200.0, 26.5, 12 * 997 * 4.18 / 3600, 0),
    ],
)
async def test_heat_that_flows_backwards(
    place: Plant, start: int, flow: float, supply: float, kilowatts: float | None, anomalies: int
) -> None:
    await heat_meter(place, start, flow, supply, 25.5)
    report = await place.energy.thermal(place.block, start, start + HOUR)
    assert report.anomalies == anomalies
    assert float(report.total) == pytest.approx(kilowatts or 0.0)
    # What is skipped is not known: no energy, and not covered.
    assert report.coverage == (0.0 if kilowatts is None else 1.0)
    assert all(isnan(energy) == (kilowatts is None) for energy in report.rows.energy.tolist())


async def test_bad_readings_count_in_the_ratio_alone(place: Plant, start: int) -> None:
    (main,) = await place.meters(spec("P", role="facility_main"))
    good = steady(start, 600, 600.0, 10)
    bad = [(time + 5 * SECOND, 0.0, int(Quality.BAD)) for time, _ in good]
    doubtful = [(start + 10 * MINUTE + 5 * i * SECOND, 600.0, int(Quality.UNCERTAIN)) for i in range(60)]
    await place.send(main, [*good, *bad, *doubtful])
    report = await place.energy.electrical(place.block, start, start + 15 * MINUTE)
    assert report.rows.energy.tolist() == pytest.approx([50.0] * 3)
    assert report.rows.good_ratio.tolist() == [0.5, 0.5, 0.0]
    assert report.rows.samples.tolist() == [30, 30, 60]
    assert report.coverage == 1.0


async def test_an_interval_of_bad_readings_alone(place: Plant, start: int) -> None:
    (main,) = await place.meters(spec("P", role="facility_main"))
    await place.send(main, [(time, 0.0, int(Quality.BAD)) for time, _ in steady(start, 300, 0.0)])
    report = await place.energy.electrical(place.block, start, start + HOUR)
    assert len(report.rows) == 1
    assert isnan(report.rows.energy[0])
    assert (report.rows.good_ratio[0], report.rows.samples[0], report.rows.coverage[0]) == (0.0, 0, 0.0)
    assert report.total == Decimal("0.0")


async def test_an_outage_is_not_filled(place: Plant, start: int) -> None:
    (main,) = await place.meters(spec("P", role="facility_main"))
    await place.send(main, [*steady(start, 1200, 600.0), *steady(start + 40 * MINUTE, 1200, 600.0)])
    report = await place.energy.electrical(place.block, start, start + HOUR)
    assert float(report.total) == pytest.approx(400.0)
    assert report.coverage == pytest.approx(2 / 3)
    assert report.estimated_share == 0.0
    assert len(report.rows) == 8


async def test_a_short_gap_is_bridged_and_said_to_be(place: Plant, start: int) -> None:
    (main,) = await place.meters(spec("P", role="facility_main"))
    await place.send(main, [*steady(start, 600, 600.0), *steady(start + 15 * MINUTE, 2700, 600.0)])
    report = await place.energy.electrical(place.block, start, start + HOUR)
    assert float(report.total) == pytest.approx(600.0)
    # From the last sample, at 9:55, the first 90 s are measured.
    assert report.estimated_share == pytest.approx((305 - 90) / 3600)
    assert [bool(flag) for flag in report.rows.estimated] == [False, False, True, *[False] * 9]


async def test_a_new_meter_is_an_anomaly_and_no_energy(place: Plant, start: int) -> None:
    (register,) = await place.meters(spec("E", "kWh", "facility_main"))
    values = [1000.0, 1005.0, 1010.0, 84_000.0, 84_005.0, 3.0, 8.0]
    await place.send(register, [(start + (i + 1) * BUCKET, value) for i, value in enumerate(values)])
    report = await place.energy.electrical(place.block, start, start + HOUR)
    energies = dict(zip(report.rows.bucket.tolist(), report.rows.energy.tolist(), strict=True))
    assert [energies[start + i * BUCKET] for i in (1, 2, 4, 5, 6)] == [5.0, 5.0, 5.0, 3.0, 5.0]
    assert isnan(energies[start + 3 * BUCKET])
    assert report.total == Decimal("23.0")
    assert report.anomalies == 1
    assert report.estimated_share == pytest.approx(3 / 23)


async def test_a_register_is_judged_step_by_step(place: Plant, start: int) -> None:
    """Many small steps in an interval are what they are, however large their sum; one as large as that is none."""
    small = await place.spine.registry.put_block("t", "s", "small", capacity_mw=0.001)
    (register,) = await place.spine.registry.put_points("t", "s", "small", [spec("E", "kWh", "facility_main")])
    rising = [(start + i * MINUTE, 9.0 * i) for i in range(5)]
    await place.send(register, [*rising, (start + 6 * MINUTE, 36.0), (start + 7 * MINUTE, 72.0)])
    report = await place.energy.electrical(small, start, start + HOUR)
    assert report.rows.energy[0] == 36.0
    assert report.total == Decimal("36.0")
    assert report.anomalies == 1


async def test_a_reset_inside_of_an_interval_that_ends_higher(place: Plant, start: int) -> None:
    (register,) = await place.meters(spec("E", "kWh", "facility_main"))
    values = [5.0, 8.0, 0.5, 9.0]
    await place.send(register, [(start + i * MINUTE, value) for i, value in enumerate(values)])
    report = await place.energy.electrical(place.block, start, start + HOUR)
    assert report.total == Decimal("12.0")
    assert report.estimated_share == pytest.approx(0.5 / 12)


async def test_an_interval_without_a_reading_of_its_own_gets_its_share(place: Plant, start: int) -> None:
    """A reading on an edge is the last of the interval before: the next one has none."""
    (register,) = await place.meters(spec("E", "kWh", "facility_main"))
    await place.send(register, [(start + BUCKET, 100.0), (start + 12 * MINUTE, 107.0)])
    report = await place.energy.electrical(place.block, start, start + HOUR)
    assert report.rows.bucket.tolist() == [start + BUCKET, start + 2 * BUCKET]
    assert report.rows.energy.tolist() == pytest.approx([5.0, 2.0])
    assert report.estimated_share == 1.0


async def test_totals_are_exact_sums(place: Plant, start: int) -> None:
    """Ten thousand times a tenth is a thousand."""
    (register,) = await place.meters(spec("E", "kWh", "facility_main", factor=0.1))
    await place.send(register, [(start + i * SECOND, float(i)) for i in range(10_001)])
    report = await place.energy.electrical(place.block, start, start + 3 * HOUR)
    assert float(report.total) == pytest.approx(1000.0, rel=1e-12)


async def test_two_blocks_of_one_name_never_mix(place: Plant, start: int) -> None:
    (main,) = await place.meters(spec("P", role="facility_main"))
    (other,) = await place.spine.registry.put_points("t", "elsewhere", "b", [spec("P", role="facility_main")])
    foreign = place.spine.registry.block("t", "elsewhere", "b")
    assert foreign is not None
    await place.send(main, steady(start, 3600, 100.0, 60))
    await place.send(other, steady(start, 3600, 900.0, 60))
    assert float((await place.energy.electrical(place.block, start, start + HOUR)).total) == pytest.approx(100.0)
    assert float((await place.energy.electrical(foreign, start, start + HOUR)).total) == pytest.approx(900.0)
