"""Key figures of meters with real readings."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import numpy as np
import pytest

from tests.metering.figures.conftest import CALLER, Works, at
from wattline.metering.figures.kpi import Kpi
from wattline.model.clock import DAY, HOUR, MINUTE
from wattline.model.errors import Invalid, NotFound
from wattline.model.principal import Principal

QUARTER = 15 * MINUTE
UTC = ZoneInfo("UTC")
BERLIN = ZoneInfo("Europe/Berlin")
MONDAY = at("2026-06-08T00:00:00")


async def kpi(works: Works, start: int, end: int, **named: int) -> Kpi:
    return (await works.figures.kpi(works.subject(**named), start, end, UTC)).now


async def test_a_day_of_a_register(works: Works) -> None:
    meter = await works.meter()
    steps = [0.5] * 96
    steps[40], steps[3] = 3.0, 0.25
    await works.register(meter, MONDAY, QUARTER, np.cumsum([1500.0, *steps]).tolist())
    found = await kpi(works, MONDAY, MONDAY + DAY, meter_id=meter)
    assert found.import_kwh == pytest.approx(sum(steps))
    assert found.export_kwh is None
    assert found.net_kwh == found.import_kwh
    assert found.peak_kw == pytest.approx(12.0)
    assert found.peak_at == MONDAY + 40 * QUARTER
    assert found.min_kw == pytest.approx(1.0)
    assert found.avg_kw == pytest.approx(sum(steps) / 24)
    assert found.load_factor == pytest.approx(sum(steps) / 24 / 12)
    assert found.base_kw == pytest.approx(2.0)
    assert (found.expected, found.received, found.completeness_pct, found.coverage_pct) == (96, 96, 100.0, 100.0)
    assert found.estimated_kwh == 0
    assert found.pf_avg is None
    assert found.cost is None
    assert found.co2_kg is None


async def test_without_readings_nothing_is_zero(works: Works) -> None:
    meter = await works.meter()
    found = await kpi(works, MONDAY, MONDAY + DAY, meter_id=meter)
    unknown = (found.import_kwh, found.export_kwh, found.net_kwh, found.peak_kw, found.avg_kw, found.min_kw, found.base_kw)
    assert unknown == (None,) * 7
    assert (found.expected, found.received, found.completeness_pct, found.coverage_pct) == (96, 0, 0.0, 0.0)
    assert found.silent == (meter,)


async def test_a_late_reading_a_corrected_one_and_the_confirmation_of_a_reset_change_the_next_answer(works: Works) -> None:
    meter = await works.meter()
    await works.register(meter, MONDAY, HOUR, [100.0, 101.0, 102.0, 103.0, 104.0, 105.0])
    noon = MONDAY + 2 * HOUR
    assert (await kpi(works, MONDAY, noon, meter_id=meter)).import_kwh == pytest.approx(2.0)
    assert (await kpi(works, MONDAY, noon + 30 * MINUTE, meter_id=meter)).import_kwh == pytest.approx(2.5)
    await works.send(meter, {noon + 30 * MINUTE: {"total_energy": 102.9}})
    assert (await kpi(works, MONDAY, noon + 30 * MINUTE, meter_id=meter)).import_kwh == pytest.approx(2.9)
    await works.send(meter, {noon + 30 * MINUTE: {"total_energy": 102.1}})
    assert (await kpi(works, MONDAY, noon + 30 * MINUTE, meter_id=meter)).import_kwh == pytest.approx(2.1)
    end = MONDAY + DAY
    await works.send(meter, {MONDAY + 6 * HOUR: {"total_energy": 3.0}})
    assert (await kpi(works, MONDAY, end, meter_id=meter)).import_kwh == pytest.approx(5.0)
    await works.send(meter, {MONDAY + 7 * HOUR: {"total_energy": 4.0}})
    assert (await kpi(works, MONDAY, end, meter_id=meter)).import_kwh == pytest.approx(9.0)


async def test_the_answer_is_the_same_from_readings_and_from_tiers(works: Works) -> None:
    meter = await works.meter(interval_s=60)
    values = np.cumsum(np.full(3 * 1440, 0.02)).round(3).tolist()
    values[1500] = 0.0
    await works.register(meter, MONDAY, MINUTE, values)
    before = await kpi(works, MONDAY, MONDAY + 3 * DAY, meter_id=meter)
    await works.spine.pipeline.rollup.advance()
    works.figures.energy.forget()
    after = await kpi(works, MONDAY, MONDAY + 3 * DAY, meter_id=meter)
    assert after == before
    assert after.import_kwh == pytest.approx(values[-1] - values[0])


async def test_a_gap_is_exact_in_sum_and_estimated_in_profile(works: Works) -> None:
    meter = await works.meter()
    await works.send(meter, {MONDAY: {"total_energy": 10.0}, MONDAY + 3 * DAY: {"total_energy": 82.0}})
    whole = await kpi(works, MONDAY, MONDAY + 3 * DAY, meter_id=meter)
    assert whole.import_kwh == pytest.approx(72.0)
    assert whole.estimated_kwh == pytest.approx(72.0)
    assert whole.completeness_pct == pytest.approx(100 / 288)
    middle = await kpi(works, MONDAY + DAY, MONDAY + 2 * DAY, meter_id=meter)
    assert middle.import_kwh == pytest.approx(24.0)
    await works.send(meter, {MONDAY + DAY + 12 * HOUR: {"total_energy": 11.0}})
    assert (await kpi(works, MONDAY + DAY, MONDAY + 2 * DAY, meter_id=meter)).import_kwh == pytest.approx(1 / 3 + 71 / 3)


async def test_power_alone_is_integrated_in_both_directions(works: Works) -> None:
    meter = await works.meter(interval_s=60)
    await works.send(
        meter, {MONDAY + i * MINUTE: {"total_power": 2000.0 if i < 60 else -1000.0} for i in range(121) if i != 60}
    )
    found = await kpi(works, MONDAY, MONDAY + 3 * HOUR, meter_id=meter)
    assert found.import_kwh == pytest.approx(2000 * 59 / 60_000 + 2 / 3 * 2 * 2000 / 2 / 60_000)
    assert found.export_kwh == pytest.approx(1000 * 59 / 60_000 + 1 / 3 * 2 * 1000 / 2 / 60_000)
    assert found.coverage_pct == pytest.approx(200 / 3)


async def test_a_group_is_the_signed_sum_and_says_what_is_missing(works: Works) -> None:
    one, two, none = await works.meter(), await works.meter(), await works.meter()
    await works.register(one, MONDAY, QUARTER, [10.0 + i for i in range(97)])
    await works.register(two, MONDAY, QUARTER, [50.0 + i / 2 for i in range(97)])
    rest = await works.meter(kind="virtual", formula=[{"meter_id": one, "sign": 1}, {"meter_id": two, "sign": -1}])
    group = await works.group(one, two, none)
    found = await kpi(works, MONDAY, MONDAY + DAY, group_id=group)
    assert found.import_kwh == pytest.approx(96 * 1.5)
    assert found.coverage_pct == pytest.approx(200 / 3)
    assert found.silent == (none,)
    difference = await kpi(works, MONDAY, MONDAY + DAY, meter_id=rest)
    assert difference.import_kwh == pytest.approx(48.0)
    assert difference.peak_kw == pytest.approx(2.0)


async def test_what_is_generated_behind_the_meter_is_not_counted_twice(works: Works) -> None:
    grid, sun = await works.meter(kind="grid"), await works.meter(kind="generation")
    await works.register(grid, MONDAY, HOUR, [0.0, 1.0, 3.0], "total_energy")
    await works.register(grid, MONDAY, HOUR, [7.0, 9.0, 10.0], "energy_export")
    await works.register(sun, MONDAY, HOUR, [100.0, 108.0, 112.0], "total_energy")
    await works.metering.groups.create("default", {"name": "site", "meter_ids": [grid, sun]})
    group = await works.group(grid, sun)
    found = await kpi(works, MONDAY, MONDAY + 2 * HOUR, group_id=group)
    assert (found.import_kwh, found.export_kwh, found.net_kwh) == pytest.approx((3.0, 3.0, 0.0))
    assert found.self_consumption_pct == pytest.approx(75.0)
    assert found.self_sufficiency_pct == pytest.approx(75.0)


async def test_the_power_factor_is_that_of_energies(works: Works) -> None:
    meter = await works.meter()
    await works.send(
        meter,
        {MONDAY + i * QUARTER: {"total_energy": 3.0 * i, "reactive_energy": 4.0 * i} for i in range(5)},
    )
    assert (await kpi(works, MONDAY, MONDAY + HOUR, meter_id=meter)).pf_avg == pytest.approx(0.6)


async def test_co2_by_what_the_meter_says_of_a_kwh(works: Works) -> None:
    meter = await works.meter(metadata={"co2_g_per_kwh": 380})
    await works.register(meter, MONDAY, QUARTER, [0.0, 1.0, 2.5])
    assert (await kpi(works, MONDAY, MONDAY + HOUR, meter_id=meter)).co2_kg == pytest.approx(0.95)


async def test_compared_with_the_period_before(works: Works) -> None:
    meter = await works.meter(timezone="Europe/Berlin")
    start = at("2026-03-28T00:00:00+01:00")
    await works.register(meter, start, HOUR, [float(i) for i in range(24)] + [23.0 + 2 * i for i in range(1, 26)])
    subject = works.subject(meter_id=meter)
    day = at("2026-03-29T00:00:00+01:00"), at("2026-03-30T00:00:00+02:00")
    assert day[1] - day[0] == 23 * HOUR
    found = await works.figures.kpi(subject, *day, BERLIN, "previous")
    assert found.before is not None
    assert (found.before.start, found.before.end) == (start, day[0])
    assert found.now.import_kwh == pytest.approx(46.0)
    assert found.change_pct is not None
    assert found.change_pct["import_kwh"] == pytest.approx(100 * (46.0 - found.before.import_kwh) / found.before.import_kwh)
    assert found.change_pct["export_kwh"] is None
    year = await works.figures.kpi(subject, *day, BERLIN, "year_ago")
    assert year.before is not None
    assert year.before.import_kwh is None
    assert set(year.change_pct.values()) == {None}


async def test_an_interval_that_is_cut_gives_its_share(works: Works) -> None:
    meter = await works.meter()
    await works.register(meter, MONDAY, HOUR, [0.0, 6.0, 12.0])
    found = await kpi(works, MONDAY + 10 * MINUTE, MONDAY + 80 * MINUTE, meter_id=meter)
    assert found.import_kwh == pytest.approx(7.0)
    assert found.coverage_pct == pytest.approx(100.0)


async def test_an_account_has_a_meter_for_its_time_only(works: Works) -> None:
    meter = await works.meter()
    await works.register(meter, MONDAY, HOUR, [float(i) for i in range(49)])
    made = await works.metering.accounts.create(
        "default",
        {
            "name": "tenant",
            "currency": "EUR",
            "meters": [{"meter_id": meter, "from": "2026-06-08T06:00:00Z", "to": "2026-06-08T18:00:00Z"}],
        },
    )
    assert (await kpi(works, MONDAY, MONDAY + 2 * DAY, account_id=made.id)).import_kwh == pytest.approx(12.0)


async def test_what_cannot_be_asked_for(works: Works) -> None:
    meter = await works.meter(site="yard")
    with pytest.raises(Invalid):
        works.subject()
    with pytest.raises(Invalid):
        works.subject(meter_id=meter, group_id=1)
    with pytest.raises(NotFound):
        works.subject(Principal("other", "key", CALLER.scopes), meter_id=meter)
    with pytest.raises(NotFound):
        works.subject(Principal("default", "key", CALLER.scopes, frozenset({"main"})), meter_id=meter)
    subject = works.subject(meter_id=meter)
    for start, end in ((MONDAY, MONDAY), (-DAY, MONDAY), (MONDAY, 2**53)):
        with pytest.raises(Invalid):
            await works.figures.kpi(subject, start, end, UTC)
