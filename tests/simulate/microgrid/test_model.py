"""What the simulated sites read is consistent: counters are integrals, batteries stay within their bounds, powers add up."""

from __future__ import annotations

import pytest

from wattline.model.clock import DAY, HOUR, MINUTE, SECOND
from wattline.simulate.microgrid.definition import SITES, SitePlan
from wattline.simulate.microgrid.model import EPOCH, Microgrid

NOON = EPOCH + 300 * DAY + 12 * HOUR


@pytest.mark.parametrize("site", SITES, ids=lambda site: site.key)
def test_counters_are_the_integral_of_the_power_that_is_reported(site: SitePlan) -> None:
    grid = Microgrid(site)
    for meter in site.meters:
        for hour in range(24):
            start = NOON + hour * HOUR
            powers = [grid.meter(meter, start + n * MINUTE)["power_total_active"] for n in range(60)]
            first, last = grid.meter(meter, start), grid.meter(meter, start + HOUR)
            for counter, sign in (("energy_imported_active", 1), ("energy_exported_active", -1)):
                expected = sum(max(0.0, sign * power) for power in powers) / 60
                assert last[counter] - first[counter] == pytest.approx(expected, abs=0.01)


@pytest.mark.parametrize("site", SITES, ids=lambda site: site.key)
def test_a_battery_stays_within_its_bounds_and_ends_the_day_as_it_began(site: SitePlan) -> None:
    grid = Microgrid(site)
    held = [float(grid.battery(NOON + n * MINUTE)["soe"]) for n in range(1441)]
    assert min(held) > 0.1 * site.battery_kwh
    assert max(held) < site.battery_kwh
    assert held[0] == pytest.approx(held[-1], abs=0.01)
    targets = [float(grid.battery(NOON + n * MINUTE)["target_power"]) for n in range(1440)]
    assert max(map(abs, targets)) <= site.battery_kw
    assert min(targets) < 0 < max(targets)


def test_the_battery_meter_reads_what_the_battery_does() -> None:
    site = SITES[0]
    grid, meter = Microgrid(site), next(each for each in site.meters if each.measures == "battery")
    for hour in range(24):
        time = NOON + hour * HOUR
        assert grid.meter(meter, time)["power_total_active"] == pytest.approx(
            -float(grid.battery(time)["target_power"]), abs=0.01
        )


def test_the_same_instant_reads_the_same_whenever_it_is_asked_for() -> None:
    site = SITES[1]
    assert Microgrid(site).meter(site.meters[0], NOON + SECOND) == Microgrid(site).meter(site.meters[0], NOON + SECOND)
