"""What the demo's homes use."""

from __future__ import annotations

import pytest

from wattline.model.clock import DAY, HOUR, MINUTE, SECOND
from wattline.simulate.homes.definition import GUEST, HOMES, Home
from wattline.simulate.homes.life import EPOCH, Life

START = EPOCH + 40 * DAY


@pytest.mark.parametrize("home", HOMES, ids=lambda home: home.user)
def test_the_registers_are_the_integral_of_the_power(home: Home) -> None:
    life = Life(home)
    step = 10 * SECOND
    readings = [life.at(at) for at in range(START, START + 6 * HOUR, step)]
    used = sum(max(power, 0.0) for power, _, _ in readings) * step / HOUR / 1000
    fed = sum(max(-power, 0.0) for power, _, _ in readings) * step / HOUR / 1000
    _, imported, exported = life.at(START + 6 * HOUR)
    assert imported - readings[0][1] == pytest.approx(used)
    assert exported - readings[0][2] == pytest.approx(fed)


@pytest.mark.parametrize("home", HOMES, ids=lambda home: home.user)
def test_a_restart_continues_the_same_life(home: Home) -> None:
    first, second = Life(home), Life(home)
    times = [START + at for at in (0, 17 * MINUTE, DAY - 1, DAY, DAY + 1, 3 * DAY)]
    assert [first.at(at) for at in times] == [second.at(at) for at in times]
    assert first.at(times[0]) == second.at(times[0])


@pytest.mark.parametrize("home", HOMES, ids=lambda home: home.user)
def test_no_home_uses_more_than_a_meter_takes(home: Home) -> None:
    life = Life(home)
    powers = [life.at(at)[0] for at in range(START, START + 7 * DAY, MINUTE)]
    assert min(powers) > -20_000
    assert max(powers) < 36_000
    assert 2 < (life.at(START + 7 * DAY)[1] - life.at(START)[1]) / 7 < 60


def test_only_the_solar_roof_feeds_in() -> None:
    assert [home.user for home in HOMES if Life(home).at(START)[2] > 0] == ["demoSolar"]


def test_days_differ() -> None:
    life = Life(HOMES[1])
    assert len({round(life.at(START + (day + 1) * DAY)[1] - life.at(START + day * DAY)[1], 3) for day in range(7)}) == 7


def test_every_home_has_its_own_meter() -> None:
    assert len({home.mac for home in (*HOMES, GUEST)}) == len({home.user for home in (*HOMES, GUEST)}) == 6
