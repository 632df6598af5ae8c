"""The plant's physics: what goes in comes out, heat runs downhill, and a sound plant stays inside its limits."""

from __future__ import annotations

import math
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wattline.model.clock import DAY, HOUR, MINUTE, SECOND, to_micros
from wattline.simulate.plant.definition import BY_TAG, POINTS
from wattline.simulate.plant.heat import passed
from wattline.simulate.plant.instruments import Instruments, Shown
from wattline.simulate.plant.loops import LIQUID_SHARE, PIPE_LOSS
from wattline.simulate.plant.model import Plant, State

START = to_micros(datetime(2026, 6, 11, tzinfo=UTC))
INSTANTS = st.integers(0, 20 * 365 * DAY // SECOND).map(
    lambda second: to_micros(datetime(2020, 1, 1, tzinfo=UTC)) + second * SECOND
)
SEEDS = st.integers(0, 2**32)
WATER = 0.997 * 4.18 / 60.0
"""kW for each L/min and kelvin."""


def states(seed: int, *, faults: bool, days: int = 2) -> list[State]:
    plant = Plant(seed, faults=faults)
    return [plant.state(START + minute * MINUTE) for minute in range(0, days * 1440, 2)]


@settings(deadline=None)
@given(SEEDS, INSTANTS)
def test_the_heat_of_every_loop_balances(seed: int, at: int) -> None:
    state = Plant(seed).state(at)
    loops, liquid = state.loops, state.power.it * LIQUID_SHARE
    for unit in loops.units:
        assert unit.flow * WATER * (unit.back - unit.supply) == pytest.approx(unit.heat)
    assert sum(unit.heat for unit in loops.units) == pytest.approx(liquid)
    assert loops.primary_heat == pytest.approx(liquid * (1 - PIPE_LOSS) + state.lead_pump_kw)
    glycol = (0.997 * 4.18 - 0.0112 * loops.glycol) / 60.0
    assert loops.flow * glycol * (loops.back - loops.supply) == pytest.approx(loops.primary_heat)
    through = loops.flow * state.loops.opening * glycol * (loops.back - loops.primary_out)
    assert through == pytest.approx(loops.exported + loops.exchanger_loss)
    assert loops.host_flow * WATER * (loops.host_supply - loops.host_return) == pytest.approx(loops.exported)
    assert loops.exported + loops.exchanger_loss + loops.rejected == pytest.approx(loops.primary_heat)


@settings(deadline=None)
@given(SEEDS, INSTANTS)
def test_heat_runs_from_hot_to_cold(seed: int, at: int) -> None:
    loops, outside = Plant(seed).state(at).loops, Plant(seed).state(at).given.outside
    tiny = 1e-6
    assert loops.host_return - tiny <= loops.primary_out <= loops.back + tiny
    assert loops.host_return - tiny <= loops.host_supply <= loops.back + tiny
    assert loops.rejected >= 0.0
    assert loops.rejected == 0.0 or loops.supply > outside
    for unit in loops.units:
        assert unit.back >= loops.back - 1.0
        assert unit.supply >= loops.supply - tiny


@settings(deadline=None)
@given(SEEDS, INSTANTS)
def test_the_electricity_balances(seed: int, at: int) -> None:
    state = Plant(seed).state(at)
    power = state.power
    others = power.pumps + power.air + power.fans + power.house + power.charge
    carried = 0.0 if power.on_battery else power.it + power.ups_loss
    assert power.feed * (1 - 0.012) == pytest.approx(carried + others)
    assert power.on_battery == state.battery.discharging
    assert 0.0 <= power.charge <= 180.0
    assert 40.0 <= state.battery.soc_percent <= 98.1


@settings(deadline=None)
@given(st.floats(0.1, 100), st.floats(0.01, 50), st.floats(0.01, 50))
def test_an_exchanger_passes_less_than_the_smaller_side_can_carry(conductance: float, one: float, other: float) -> None:
    per_kelvin = passed(conductance, one, other)
    assert 0.0 < per_kelvin <= min(one, other, conductance) * (1 + 1e-9)
    assert per_kelvin == pytest.approx(passed(conductance, other, one))
    assert passed(conductance * 1.01, one, other) >= per_kelvin


def test_an_exchanger_against_textbook_values() -> None:
    # Counterflow, NTU 2: 0.6667 with equal sides, 0.7746 at a ratio of one half, 0.8647 where one side is boundless.
    assert passed(2.0, 1.0, 1.0) == pytest.approx(2 / 3)
    assert passed(2.0, 1.0, 2.0) == pytest.approx((1 - math.exp(-1)) / (1 - math.exp(-1) / 2))
    assert passed(2.0, 1.0, 1e9) == pytest.approx(1 - math.exp(-2))
    assert passed(2.0, 0.0, 1.0) == 0.0


@pytest.mark.parametrize("seed", [1, 2, 7])
def test_a_sound_plant_stays_in_range_and_inside_its_limits(seed: int) -> None:
    instruments = Instruments(seed, faults=False)
    for minute in range(0, 3 * 1440, 3):
        for shown in instruments.read(START + minute * MINUTE):
            point = BY_TAG[shown.tag]
            assert shown.quality == "GOOD"
            assert point.low <= shown.value <= point.high, shown
            for name, limit in point.limits.items():
                room = limit["value"] - shown.value if name.startswith("H") else shown.value - limit["value"]
                assert room > 0.02 * abs(limit["value"]) or shown.tag == "DOOR-MAIN", (shown, name)


def test_it_looks_like_the_plant_it_stands_for() -> None:
    found = states(1, faults=False)
    exporting = [state for state in found if state.mode == "EXPORT" and state.loops.opening == 1.0]
    assert len(exporting) > len(found) / 2

    def mean(of: list[float]) -> float:
        return sum(of) / len(of)

    assert mean([s.power.feed for s in found]) == pytest.approx(847, abs=15)
    assert mean([s.power.it for s in found]) == pytest.approx(724, abs=8)
    assert mean([s.loops.exported for s in exporting]) == pytest.approx(308, abs=12)
    assert mean([s.loops.host_supply for s in exporting]) == pytest.approx(41.2, abs=0.8)
    assert mean([s.volts[1] for s in found]) == pytest.approx(481, abs=1)
    days = [state.power.it for state in found]
    assert max(days) > 1.05 * min(days)


def series(seed: int, count: int = 40) -> list[list[Shown]]:
    instruments = Instruments(seed)
    return [instruments.read(START + number * 90 * SECOND) for number in range(count)]


def test_the_same_seed_shows_the_same() -> None:
    assert series(3) == series(3)
    assert series(3) != series(4)


@settings(deadline=None)
@given(st.permutations([START + hour * HOUR + 5 * SECOND for hour in range(6)]))
def test_an_instant_does_not_depend_on_what_was_asked_before(instants: list[int]) -> None:
    instruments = Instruments(5)
    for at in instants:
        assert instruments.read(at) == Instruments(5).read(at)


def test_the_current_fits_power_voltage_and_power_factor() -> None:
    for shown in series(6):
        values = {each.tag: each.value for each in shown}
        middle = sum(values[f"V-MSB-L{line}"] for line in (1, 2, 3)) / 3
        power = math.sqrt(3) * middle * values["I-MSB-TOTAL"] * values["PF-MSB"] / 1000
        assert power == pytest.approx(values["P-MSB-TOTAL"], rel=0.01)


def test_what_the_instruments_show_balances_within_two_per_cent() -> None:
    for shown in series(8):
        values = {each.tag: each.value for each in shown}
        host = values["HOST-FLOW"] * WATER * (values["PHX-01-T-SEC-OUT"] - values["PHX-01-T-SEC-IN"])
        glycol = (0.997 * 4.18 - 0.0112 * values["ML-GLYCOL-CONC"]) / 60.0
        primary = values["ML-FLOW"] * glycol * (values["ML-T-RET"] - values["ML-T-SUP"])
        liquid = values["UPS-01-LOAD"] * 10.0 * LIQUID_SHARE
        assert primary == pytest.approx(liquid * (1 - PIPE_LOSS), rel=0.03)
        assert host < primary
    assert {point.tag for point in POINTS} == set(values)
