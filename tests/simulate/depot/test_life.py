"""The depot's life: registers are integrals of the power, whenever they are asked, and the phases add up."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise

import pytest

from wattline.metering.fields import COLUMN
from wattline.model.clock import DAY, HOUR, MINUTE, to_micros
from wattline.simulate.depot import dips
from wattline.simulate.depot.definition import GRID, METERS, NOMINAL_VOLTAGE, SOLAR
from wattline.simulate.depot.gateway import HISTORY
from wattline.simulate.depot.life import Life

NOON = to_micros(datetime(2026, 1, 6, 6, 30, tzinfo=UTC))


@pytest.mark.parametrize("number", range(len(METERS)))
def test_registers_are_the_integral_of_the_power(number: int) -> None:
    life = Life()
    readings = [life.reading(number, NOON + step * MINUTE) for step in range(24 * 60)]
    for before, after in pairwise(readings):
        moved = after["total_energy"] - before["total_energy"]
        given = after.get("energy_export", 0.0) - before.get("energy_export", 0.0)
        assert moved - given == pytest.approx(before["total_power"] / 60_000, abs=2e-3)
        assert moved >= 0
        assert given >= 0


def test_a_later_start_continues_the_same_life() -> None:
    told, again = Life(), Life()
    told.reading(0, NOON)
    assert told.reading(0, NOON + 3 * DAY + 17 * HOUR) == again.reading(0, NOON + 3 * DAY + 17 * HOUR)


def test_a_clock_that_is_behind_has_a_past_too() -> None:
    behind = to_micros(datetime(2025, 2, 1, tzinfo=UTC)) - HISTORY * DAY
    assert Life().reading(0, behind)["total_energy"] < Life().reading(0, NOON)["total_energy"]


def test_a_reading_is_one_of_the_contract() -> None:
    life = Life()
    grid = life.reading(METERS.index(GRID), NOON)
    assert set(grid) <= set(COLUMN)
    assert sum(grid[f"power_{phase}"] for phase in "abc") == pytest.approx(grid["total_power"], abs=1)
    assert life.reading(METERS.index(SOLAR), NOON)["total_power"] < 0
    assert life.reading(METERS.index(SOLAR), NOON)["current_a"] > 0
    supplied = sum(life.reading(number, NOON)["total_power"] for number in range(1, len(METERS)))
    assert grid["total_power"] == pytest.approx(supplied, rel=0.05, abs=2000)


def test_a_dip_is_one_whenever_it_comes() -> None:
    for time in range(NOON, NOON + DAY, 97 * MINUTE):
        record = dips.record(5, time)
        channels = record["channels"]
        assert isinstance(channels, dict)
        lowest = min(min(values) for values in channels.values())
        assert 0.4 * NOMINAL_VOLTAGE < lowest < 0.9 * NOMINAL_VOLTAGE
        assert {len(values) for values in channels.values()} == {dips.VALUES}
        assert min(values[0] for values in channels.values()) > 0.95 * NOMINAL_VOLTAGE
