"""The rules of a peak against a slow evaluation of them, and on days of which the truth is known."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from bench.synthetic_day import Day, Device, readings
from tests.households.peaks import brute
from wattline.households.peaks.detection import LAG, Found, detect, peak, settled
from wattline.households.peaks.model import WINDOW
from wattline.households.peaks.reference import SPAN, STEP, register_steps, usual
from wattline.households.peaks.samples import WATTS, Samples, sampled
from wattline.model.clock import DAY, MINUTE, SECOND

START = 20_600 * DAY
TIMES = tuple(3 * 3600 + 3600 * n + 977.3 * n % 2400 for n in range(18))
"""Seconds of the day at which something runs, at any phase of a meter's cadence."""
STEPS = tuple(Device(1800 + 2500 * n, 1250, 30) for n in range(34))


def found_in(times: NDArray[np.int64], totals: NDArray[np.float64]) -> list[Found]:
    """The peaks of the day from START on, with what is usual taken from the readings themselves."""
    edges = np.arange(START - SPAN, START + DAY + 1, STEP)
    registers = np.interp(edges, times, totals, left=np.nan, right=np.nan)
    base, margin = usual((np.diff(registers) * WATTS / STEP)[None], DAY // WINDOW)
    samples = sampled(np.zeros(len(times), np.int64), times, totals, START, base, margin)
    return [found for chain in detect(samples, [START])[0] if (found := peak(samples, chain)) is not None]


def day_of(devices: Sequence[Device], cadence: float, seed: int, day: Day | None = None, **meter: object) -> list[Found]:
    choice = np.random.default_rng(seed)
    watts = Day(
        (*devices, *STEPS), **({} if day is None else {"base": day.base, "noise": day.noise, "fridge": day.fridge})
    ).watts(choice)
    return found_in(*readings(watts, START, cadence, offset=float(choice.uniform(0, cadence)), **meter))  # type: ignore[arg-type]


def begins(found: Sequence[Found]) -> list[float]:
    return [(each.start - START) / SECOND for each in found]


CADENCES = (15, 21)
METERS = {
    "0.1 Wh": ({}, 0.05),
    "1 Wh": ({"step": 1e-3}, 0.05),
    "no step": ({"step": None}, 0.05),
    "float at 20,000 kWh": ({"single": True}, 0.06),
    "float at 40,000 kWh": ({"single": True, "counter": 40_000.0}, 0.12),
    "75 turns a kWh": ({"step": 1 / 75}, 0.25),
}


@pytest.mark.parametrize("cadence", CADENCES)
@pytest.mark.parametrize("meter", METERS)
def test_every_peak_of_a_day_is_found_with_its_power_and_no_step_is(cadence: int, meter: str) -> None:
    options, most = METERS[meter]
    for seed in range(3):
        found = day_of([Device(at, 300, 2000) for at in TIMES], cadence, seed, **options)
        assert begins(found) == [pytest.approx(at, abs=60 if most > 0.06 else 20) for at in TIMES]
        for each in found:
            assert each.power_w == pytest.approx(2000, rel=most)


@pytest.mark.parametrize("cadence", CADENCES)
@pytest.mark.parametrize("seconds", [120, 121, 137, 600, 5000])
def test_two_minutes_are_enough_at_any_phase(cadence: int, seconds: float) -> None:
    times = TIMES[:: 1 if seconds < 2000 else 3]
    found = day_of([Device(at, seconds, 2000) for at in times], cadence, 11)
    assert len(found) == len(times)
    for at, each in zip(times, found, strict=True):
        assert (each.start - START) / SECOND == pytest.approx(at, abs=cadence / 2)
        assert (each.end - START) / SECOND == pytest.approx(at + seconds, abs=cadence / 2)
        assert each.power_w == pytest.approx(2000, rel=0.05)
        assert each.energy_kwh == pytest.approx(seconds * 2 / 3600, rel=0.05)


@pytest.mark.parametrize("cadence", CADENCES)
def test_a_minute_and_a_half_is_not(cadence: int) -> None:
    assert day_of([Device(at, 90, 2000) for at in TIMES], cadence, 3) == []


@pytest.mark.parametrize("cadence", CADENCES)
def test_a_pause_of_less_than_two_minutes_joins_what_is_of_comparable_power(cadence: int) -> None:
    pairs = [
        *((Device(at, 240, 2000), Device(at + 240 + 90, 240, 1500)) for at in TIMES[:6]),
        *((Device(at, 240, 2000), Device(at + 240 + 135, 240, 1500)) for at in TIMES[6:12]),
        *((Device(at, 240, 2000), Device(at + 240 + 90, 240, 600)) for at in TIMES[12:]),
    ]
    found = day_of([device for pair in pairs for device in pair], cadence, 4)
    apart = [at for pair in pairs[6:] for at in (pair[0].start, pair[1].start)]
    assert begins(found) == [pytest.approx(at, abs=12) for at in (*TIMES[:6], *apart)]
    for each in found[:6]:
        # What it draws while it runs: the pause does not count.
        assert each.power_w == pytest.approx(1750, rel=0.05)
        assert (each.end - each.start) / SECOND == pytest.approx(570, abs=10)


def test_a_meter_that_shows_whole_kilowatt_hours_has_no_peaks() -> None:
    for cadence in CADENCES:
        assert day_of([Device(at, 1500, 3500) for at in TIMES], cadence, 5, step=1.0) == []


def test_a_flat_night_has_no_peaks_however_flat() -> None:
    flat = Day(base=150, noise=0, fridge=0)
    for step in (1e-4, None):
        assert day_of([Device(7200, 1500, 30)], 15, 6, flat, step=step) == []
        (found,) = day_of([Device(7200, 300, 2000)], 15, 6, flat, step=step)
        assert found.power_w == pytest.approx(2000, rel=0.02)


def test_feeding_in_and_dips_are_no_peaks() -> None:
    sun = [Device(9 * 3600, 7 * 3600, -3000), Device(20 * 3600, 1200, -140)]
    found = day_of([*sun, Device(12 * 3600, 300, 4900), Device(21 * 3600, 300, 2000)], 15, 7, feeds_in=True)
    assert begins(found) == [pytest.approx(12 * 3600, abs=5), pytest.approx(21 * 3600, abs=5)]
    # Of what the sun did not cover.
    assert found[0].power_w == pytest.approx(2050, rel=0.06)


@pytest.mark.parametrize("cadence", CADENCES)
def test_readings_may_be_missing(cadence: int) -> None:
    choice = np.random.default_rng(8)
    times, totals = readings(Day([Device(at, 300, 2000) for at in TIMES]).watts(choice), START, cadence)
    kept = choice.random(len(times)) > 0.25
    found = found_in(times[kept], totals[kept])
    assert begins(found) == [pytest.approx(at, abs=30) for at in TIMES]
    for each in found:
        assert each.power_w == pytest.approx(2000, rel=0.05)


def test_what_happened_in_a_gap_is_not_guessed() -> None:
    times, totals = readings(Day([Device(at, 300, 2000) for at in TIMES]).watts(np.random.default_rng(9)), START, 15)
    second = (times - START) / SECOND
    # One gap holds a whole peak, another begins in the middle of one and is longer than that.
    kept = ~((second > TIMES[3] - 60) & (second < TIMES[3] + 400)) & ~((second > TIMES[7] + 150) & (second < TIMES[7] + 900))
    found = found_in(times[kept], totals[kept])
    assert begins(found) == [pytest.approx(at, abs=5) for at in (*TIMES[:3], *TIMES[4:])]
    assert (found[6].end - START) / SECOND == pytest.approx(TIMES[7] + 150, abs=16)


def test_with_less_than_half_an_hour_nothing_is_usual() -> None:
    devices = [Device(at, 200, 2000) for at in (300, 2400, 5000)]
    times, totals = readings(Day(devices, seconds=7200).watts(np.random.default_rng(2)), START, 15)
    assert begins(found_in(times, totals)) == [pytest.approx(at, abs=5) for at in (2400, 5000)]


def test_a_restless_home_needs_more_but_never_more_than_a_kilowatt() -> None:
    choice = np.random.default_rng(1)
    quiet, restless, wild = (choice.normal(500, spread, (1, (SPAN + WINDOW) // STEP)) for spread in (5, 80, 2000))
    margins = [float(usual(watts, 1)[1][0, 0]) for watts in (quiet, restless, wild)]
    assert margins[0] == 200
    assert 250 < margins[1] < 600
    assert margins[2] == 1000


def test_the_step_of_a_register_is_seen_in_what_was_used() -> None:
    group = np.array([0, 0, 0, 1, 1, 2, 2, 3, 3, 3])
    used = np.array([6e-4, 7e-4, 83e-4, 0.0, 1.0, 0.0, 0.0, 0.5e-3, 0.5e-3 + 1e-9, 1.5e-3])
    assert register_steps(group, used, 5).tolist() == pytest.approx([1e-4, 1.0, np.inf, 0.5e-3, np.inf])


series = st.lists(
    st.tuples(
        st.sampled_from([7, 15, 21, 60, 150, 400]),
        st.sampled_from([0, 100, 150, 300, 340, 500, 900, 1000, 2000, 2100, 5000]),
        st.integers(1, 12),
    ),
    min_size=1,
    max_size=12,
)


def told(parts: Sequence[tuple[int, int, int]]) -> list[tuple[int, float]]:
    """Readings of parts: cadence in s, power in W, number of samples."""
    found = [(START, 10.0)]
    for cadence, watts, count in parts:
        for n in range(count):
            time, total = found[-1]
            found.append((time + cadence * SECOND, total + (watts + 0.01 * n) * cadence * SECOND / WATTS))
    return found


@given(series, st.integers(0, 40))
def test_the_rules_are_those_of_the_slow_evaluation(parts: list[tuple[int, int, int]], since: int) -> None:
    base, margin = 150.0, 200.0
    steps = told(parts)
    time, total = (np.array(each) for each in zip(*steps, strict=True))
    took = np.diff(time)
    good = took <= 5 * MINUTE
    watts = (np.diff(total) * WATTS / took)[good]
    # Its own neighbour uses as much at the same times.
    columns = (time[:-1][good], time[1:][good], watts)
    twice = (np.concatenate((each, each)) for each in columns)
    level = np.full(2 * len(watts), base)
    samples = Samples(np.repeat([0, 1], len(watts)), *twice, level, level + margin, np.zeros(2 * len(watts)))
    begin = START + since * MINUTE
    chains = detect(samples, [START + 10 * DAY, begin])
    assert chains[0] == []
    found = [each for chain in chains[1] if (each := peak(samples, chain)) is not None]
    expected = brute.peaks(steps, base, margin, begin)
    assert len(found) == len(expected)
    for each, (start, end, power, level_w, energy) in zip(found, expected, strict=True):
        assert (each.start, each.end) == (pytest.approx(start, abs=2), pytest.approx(end, abs=2))
        assert each.power_w == pytest.approx(power, abs=0.01)
        assert each.base_w == pytest.approx(level_w, abs=0.01)
        assert each.energy_kwh == pytest.approx(energy, abs=1e-5)


@given(series, st.integers(1, 5))
def test_looking_again_from_where_nothing_changes_any_more_finds_the_same(parts: list[tuple[int, int, int]], cut: int) -> None:
    times, totals = (np.array(each) for each in zip(*told(parts), strict=True))
    windows = 24
    base, margin = np.full((1, windows), 150.0), np.full((1, windows), 200.0)

    def look(since: int, end: int) -> tuple[dict[int, Found], int]:
        kept = times < end
        samples = sampled(np.zeros(int(kept.sum()), np.int64), times[kept], totals[kept], START, base, margin)
        chains = detect(samples, [since])[0]
        peaks = {each.start: each for chain in chains if (each := peak(samples, chain)) is not None}
        return peaks, settled(chains, end)

    last = START + windows * WINDOW
    whole, _ = look(START, last)
    early, again = look(START, START + cut * WINDOW)
    assert again <= START + cut * WINDOW - LAG
    late, _ = look(again, last)
    for start, each in whole.items():
        same = late.get(start) if each.end > again else early.get(start)
        assert same is not None
        assert (same.end, same.power_w, same.energy_kwh) == (each.end, each.power_w, each.energy_kwh)
    assert set(late) <= set(whole)
