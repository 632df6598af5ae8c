"""The physics of a sample: power from voltage and current, the common frequency, the day's shape, the regulators."""

from __future__ import annotations

import math
from datetime import UTC, datetime

import numpy as np
import pytest

from wattline.model.clock import HOUR, SECOND, to_micros
from wattline.simulate.grid import REGULATION_BAND, TAP_STEP, Grid
from wattline.simulate.load import solar_hour
from wattline.simulate.plan import DEMO_PLAN, grid_plan

TUESDAY = to_micros(datetime(2026, 6, 9, 8, 0, tzinfo=UTC))
POWER_FACTORS = np.array([feeder.power_factor for station in DEMO_PLAN for feeder in station.feeders])
FIRST = slice(0, 4)


def grid(seed: int = 1) -> Grid:
    return Grid(DEMO_PLAN, np.random.default_rng(seed))


def test_power_is_root_three_volts_amperes_power_factor() -> None:
    sample = grid().advance(TUESDAY)
    expected = math.sqrt(3) * sample.voltage_kv * sample.current_a * POWER_FACTORS / 1000
    np.testing.assert_allclose(sample.power_mw, expected)
    assert (sample.power_mw > 1).all()


def test_one_frequency_for_all_within_instrument_error() -> None:
    walk = grid()
    samples = np.array([walk.advance(TUESDAY + k * SECOND).frequency_hz for k in range(300)])
    apart = samples - np.median(samples, axis=1, keepdims=True)
    assert 0 < apart.std() < 0.001
    assert samples.mean(axis=1).std() > apart.std()
    # Feeders of one substation share its instrument.
    assert (samples[:, 0] == samples[:, 3]).all()


def test_load_follows_the_local_day() -> None:
    walk = grid()
    hours = [walk.advance(TUESDAY + k * HOUR) for k in range(24)]
    by_hour = {int(solar_hour(sample.at, -122.68)): sample.current_a for sample in hours}
    assert len(by_hour) == 24
    assert (by_hour[12][FIRST] > 1.15 * by_hour[3][FIRST]).all()
    dwellings, factory = 8, 10  # SUB003-FDR001 and SUB003-FDR003
    assert by_hour[19][dwellings] > 1.2 * by_hour[12][dwellings]
    assert by_hour[19][factory] < by_hour[12][factory]


def test_bus_voltage_sags_with_load_and_taps_bring_it_back() -> None:
    walk = grid()
    nominal = np.repeat([station.nominal_kv for station in DEMO_PLAN], 4)
    moves, worst = [], 0.0
    for k in range(24 * 60):
        sample = walk.advance(TUESDAY + k * 60 * SECOND)
        moves += walk.tap_moves
        worst = max(worst, float(np.abs(sample.voltage_kv / nominal - 1).max()))
    assert moves
    assert all(abs(move.after - move.before) == 1 for move in moves)
    assert worst < REGULATION_BAND + TAP_STEP + 0.005


def test_an_open_breaker_carries_nothing_and_closes_into_cold_load() -> None:
    walk, steady = grid(5), grid(5)
    walk.advance(TUESDAY)
    steady.advance(TUESDAY)
    walk.operate(1, closed=False)
    opened = walk.advance(TUESDAY + SECOND)
    steady.advance(TUESDAY + SECOND)
    assert opened.current_a[1] == 0
    assert opened.power_mw[1] == 0
    assert opened.voltage_kv[1] > 200  # the bus stays energised
    assert not opened.closed[1]
    assert opened.closed[[0, 2, 3]].all()
    walk.operate(1, closed=True)
    back, usual = walk.advance(TUESDAY + 2 * SECOND), steady.advance(TUESDAY + 2 * SECOND)
    assert back.current_a[1] == pytest.approx(1.45 * usual.current_a[1], rel=0.01)
    later, usual = walk.advance(TUESDAY + 1800 * SECOND), steady.advance(TUESDAY + 1800 * SECOND)
    assert later.current_a[1] == pytest.approx(usual.current_a[1], rel=0.01)


def test_time_does_not_run_back() -> None:
    walk = grid()
    walk.advance(TUESDAY)
    with pytest.raises(ValueError, match="forward"):
        walk.advance(TUESDAY - 1)


def test_a_regular_plan_of_any_size() -> None:
    plan = grid_plan(50, 10)
    sample = Grid(plan, np.random.default_rng(1)).advance(TUESDAY)
    assert sample.power_mw.shape == (500,)
    assert len({station.key for station in plan}) == 50
    assert len({(station.latitude, station.longitude) for station in plan}) == 50
    assert {station.device_id(feeder) for station in plan for feeder in station.feeders} >= {"SUB001-FDR001", "SUB050-FDR010"}
