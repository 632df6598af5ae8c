"""What is read for figures: power only where registers are silent or energy was given, phases where there is no total."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import numpy as np
import pytest

from tests.metering.figures.conftest import Works, at
from wattline.metering.figures.kpi import Kpi
from wattline.model.clock import DAY, HOUR, MINUTE, SECOND

QUARTER = 15 * MINUTE
MONDAY = at("2026-06-08T00:00:00")
UTC = ZoneInfo("UTC")


async def kpi(works: Works, meter: int, start: int = MONDAY, end: int = MONDAY + 2 * DAY) -> Kpi:
    return (await works.figures.kpi(works.subject(meter_id=meter), start, end, UTC)).now


async def test_a_register_that_begins_later_and_a_power_that_turns(works: Works) -> None:
    meter = await works.meter()
    watts = np.full(193, 2000.0)
    watts[150:155] = -4000.0
    shown = {i: 100.0 + 0.5 * (i - 96) for i in range(96, 193)}
    await works.send(
        meter,
        {
            MONDAY + i * QUARTER: {"total_power": float(watts[i])} | ({"total_energy": shown[i]} if i in shown else {})
            for i in range(193)
        },
    )
    found = await kpi(works, meter)
    assert found.import_kwh == pytest.approx(48.0 + 48.0)
    # Four whole quarters, and twice two thirds of one in which the power turns.
    assert found.export_kwh == pytest.approx(4 * 1.0 + 2 * (2 / 3) * 0.5)
    assert found.coverage_pct == 100.0
    assert (await kpi(works, meter, MONDAY, MONDAY + DAY)).export_kwh == 0.0


async def test_nothing_given_is_zero_where_power_says_so_and_unknown_without_it(works: Works) -> None:
    with_power, without = await works.meter(), await works.meter()
    for meter in (with_power, without):
        await works.register(meter, MONDAY, QUARTER, [float(i) for i in range(193)])
    assert (await kpi(works, without)).export_kwh is None
    assert (await kpi(works, with_power)).export_kwh is None
    # What a silent field begins to tell changes what is kept.
    await works.send(with_power, {MONDAY + DAY: {"total_energy": 96.0, "total_power": 400.0}})
    assert (await kpi(works, with_power)).export_kwh == 0.0
    await works.send(without, {MONDAY + i * DAY: {"total_energy": 96.0 * i, "energy_export": 5.0 + i} for i in range(3)})
    assert (await kpi(works, without)).export_kwh == pytest.approx(2.0)


async def test_the_first_reading_below_zero_is_seen_at_once(works: Works) -> None:
    meter = await works.meter()
    quarters = {MONDAY + i * QUARTER: {"total_power": 1000.0, "total_energy": i / 4} for i in range(193)}
    await works.send(meter, quarters)
    assert (await kpi(works, meter)).export_kwh == 0.0
    await works.send(meter, {MONDAY + 40 * QUARTER: {"total_power": -1000.0, "total_energy": 10.0}})
    assert (await kpi(works, meter)).export_kwh == pytest.approx(0.125)
    for moment, fields in list(quarters.items())[::50]:
        await works.send(meter, {moment: fields})
    assert (await kpi(works, meter)).export_kwh == pytest.approx(0.125)


@pytest.mark.parametrize("advanced", [False, True])
async def test_several_readings_in_an_interval_of_a_meter_that_reports_rarely(works: Works, advanced: bool) -> None:
    one, other = await works.meter(), await works.meter()
    for meter in (one, other):
        await works.register(meter, MONDAY, QUARTER, [10.0 + i for i in range(97)])
    await works.send(one, {MONDAY + HOUR + i * SECOND: {"total_energy": 14.0 + i / 100} for i in range(1, 60)})
    if advanced:
        await works.spine.pipeline.rollup.advance()
    for meter in (one, other):
        assert (await kpi(works, meter, MONDAY, MONDAY + DAY)).import_kwh == pytest.approx(96.0)
    found = await kpi(works, one, MONDAY + HOUR, MONDAY + HOUR + MINUTE)
    assert found.received == 60


PHASES = ("power_a", "power_b", "power_c")


async def test_phases_add_up_where_there_is_no_total(works: Works) -> None:
    meter = await works.meter(interval_s=60)
    watts = {"power_a": 900.0, "power_b": -600.0, "power_c": 300.0}
    await works.send(meter, {MONDAY + i * MINUTE: watts for i in range(121)})
    found = await kpi(works, meter, MONDAY, MONDAY + 2 * HOUR)
    assert (found.import_kwh, found.export_kwh) == pytest.approx((1.2, 0.0))
    assert (found.peak_kw, found.coverage_pct) == pytest.approx((0.6, 100.0))


async def test_phases_that_turn_within_five_minutes(works: Works) -> None:
    meter = await works.meter(interval_s=10)
    choice = np.random.default_rng(3)
    watts = choice.normal(0.0, 2000.0, (361, 3)).round(1)
    await works.send(
        meter, {MONDAY + i * 10 * SECOND: dict(zip(PHASES, row, strict=True)) for i, row in enumerate(watts.tolist())}
    )
    line = np.interp(np.arange(0, 3600, 0.01) + 0.005, np.arange(361) * 10.0, watts.sum(axis=1))
    for _ in range(2):
        found = await kpi(works, meter, MONDAY, MONDAY + HOUR)
        assert found.import_kwh == pytest.approx(np.maximum(line, 0).sum() / 3.6e8, rel=1e-4)
        assert found.export_kwh == pytest.approx(np.maximum(-line, 0).sum() / 3.6e8, rel=1e-4)
        await works.spine.pipeline.rollup.advance()
        works.figures.energy.forget()


async def test_a_phase_that_is_missing_leaves_the_sum_unknown(works: Works) -> None:
    three, single = await works.meter(interval_s=60), await works.meter(interval_s=60, phases=1)
    for meter in (three, single):
        await works.send(meter, {MONDAY + i * MINUTE: {"power_a": 600.0} for i in range(61)})
    assert (await kpi(works, three, MONDAY, MONDAY + HOUR)).import_kwh is None
    assert (await kpi(works, single, MONDAY, MONDAY + HOUR)).import_kwh == pytest.approx(0.6)
    some = {MONDAY + i * MINUTE: dict.fromkeys(PHASES[: 2 if 20 < i < 40 else 3], 200.0) for i in range(61)}
    await works.send(three, some)
    found = await kpi(works, three, MONDAY, MONDAY + HOUR)
    assert found.import_kwh == pytest.approx(0.6 * 40 / 60)
    assert found.coverage_pct == pytest.approx(100 * 40 / 60)


async def test_a_total_counts_before_phases(works: Works) -> None:
    meter = await works.meter(interval_s=60)
    await works.send(meter, {MONDAY + i * MINUTE: {"total_power": 600.0, **dict.fromkeys(PHASES, 1.0)} for i in range(61)})
    assert (await kpi(works, meter, MONDAY, MONDAY + HOUR)).import_kwh == pytest.approx(0.6)
