"""What is judged does not depend on how it is cut into looks; cars, clock changes, absences and what is always on."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from tests.households.anomalies.street import BERLIN, HALF_HOUR, at, local_hours
from wattline.households.anomalies.calendar import Calendar
from wattline.households.anomalies.expectation import learn, median, trailing
from wattline.households.anomalies.history import STEP, Steps, powers
from wattline.households.anomalies.judgement import Case, Rise, Run, history_of, judge
from wattline.model.clock import DAY, HOUR, MINUTE, to_micros

Floats = NDArray[np.float64]
FIRST = date(2026, 10, 1)
"""A month in which the clocks go back, on the 25th."""


def midnight(day: date) -> int:
    return to_micros(datetime(day.year, day.month, day.day, tzinfo=BERLIN))


def home(days: int, power: Callable[[NDArray[np.int64], Floats], Floats], first: date = FIRST) -> Steps:
    """The steps of a home from a local midnight on, of instants and local hours; nothing is known of the time before."""
    begin, end = midnight(first), midnight(first + timedelta(days=days))
    times = np.arange(begin, end, STEP)
    origin = history_of(begin, BERLIN)
    watts = np.concatenate([np.full((begin - origin) // STEP, np.nan), power(times, local_hours(times))])
    return Steps(origin, watts[None])


def judged(steps: Steps, first: date = FIRST) -> Case:
    case = Case(steps.end)
    judge(steps, [case], BERLIN, midnight(first))
    return case


def normal(times: NDArray[np.int64], hour: Floats) -> Floats:
    """120 W, a kettle's worth more in the morning, and cooking at noon and in the evening, by the clock on the wall."""
    base = np.full(len(times), 120.0)
    base[(hour >= 7) & (hour < 7.1)] += 2000
    base[(hour >= 12) & (hour < 12.6)] += 2200
    base[(hour >= 18.5) & (hour < 19.4)] += 2600
    return base


def test_a_clock_change_is_no_anomaly_and_hides_none() -> None:
    assert judged(home(31, normal)).runs == []
    for text in ("2026-10-25 03:00", "2026-10-26 03:00"):
        start = at(text)

        def unusual(times: NDArray[np.int64], hour: Floats, start: int = start) -> Floats:
            return normal(times, hour) + np.where((times >= start) & (times < start + 25 * MINUTE), 9000.0, 0.0)

        (run,) = judged(home(31, unusual)).runs
        assert run.first == start
        assert run.over
    spring = date(2027, 3, 10)
    assert judged(home(31, normal, spring), spring).runs == []


def test_hours_of_the_clock_change_are_learnt_by_the_wall_clock() -> None:
    steps = home(28, normal, date(2026, 10, 10))
    whole = steps.watts[:, steps.index(midnight(date(2026, 10, 10))) :]
    calendar = Calendar(BERLIN, midnight(date(2026, 10, 10)), whole.shape[1])
    assert (np.bincount(calendar.day - calendar.day[0])[15], np.bincount(calendar.hour)[2]) == (300, 29 * 12)
    hourly = learn(whole, calendar).hourly.reshape(7, 24)
    assert hourly[:, 2] == pytest.approx(120)
    # The hour of each day and its neighbours: cooking runs for part of the hour before and after noon's.
    assert (hourly[:, 18:20] > hourly[:, 3:4]).all()


def test_a_car_charged_most_nights_becomes_expected() -> None:
    chance = np.random.default_rng(5)
    starts = [
        midnight(FIRST + timedelta(days=d)) + int(chance.uniform(19, 23) * HOUR) for d in range(60) if chance.random() < 0.8
    ]

    def charging(times: NDArray[np.int64], hour: Floats) -> Floats:
        found = normal(times, hour)
        for start in starts:
            found = found + np.where((times >= start) & (times < start + 3 * HOUR), 11000.0, 0.0)
        return found

    assert judged(home(60, charging)).runs == []


def test_a_new_car_is_told_of_twice_and_then_expected() -> None:
    def charging(times: NDArray[np.int64], hour: Floats) -> Floats:
        new = times >= midnight(FIRST + timedelta(days=30))
        return normal(times, hour) + np.where(new & (hour >= 21), 11000.0, 0.0)

    runs = judged(home(60, charging)).runs
    assert [(run.first - midnight(FIRST)) // DAY for run in runs] == [30, 31]


def test_whoever_comes_home_after_five_weeks_may_cook() -> None:
    def away(times: NDArray[np.int64], hour: Floats) -> Floats:
        gone = (times >= midnight(date(2026, 10, 10))) & (times < midnight(date(2026, 11, 14)))
        return np.where(gone, 120.0, normal(times, hour))

    assert judged(home(60, away)).runs == []


def test_what_is_always_on_rose_and_fell_again() -> None:
    since, until = at("2026-10-29 15:00"), at("2026-11-06 09:00")

    def left_on(times: NDArray[np.int64], hour: Floats) -> Floats:
        return normal(times, hour) + np.where((times >= since) & (times < until), 200.0, 0.0)

    case = judged(home(60, left_on))
    assert case.runs == []
    (rise,) = case.rises
    assert rise.start == midnight(date(2026, 10, 30))
    assert (rise.before_w, rise.now_w) == (pytest.approx(120), pytest.approx(320))
    assert rise.end is not None
    assert midnight(date(2026, 11, 6)) <= rise.end <= midnight(date(2026, 11, 9))


def test_what_stays_on_for_three_weeks_is_expected_then() -> None:
    def left_on(times: NDArray[np.int64], hour: Floats) -> Floats:
        return normal(times, hour) + np.where(times >= at("2026-10-29 15:00"), 200.0, 0.0)

    (rise,) = judged(home(90, left_on)).rises
    assert rise.end == rise.start + 21 * DAY


def test_a_step_of_thirty_watts_is_nothing() -> None:
    case = judged(home(60, lambda times, hour: normal(times, hour) + np.where(times >= at("2026-10-29 15:00"), 30.0, 0.0)))
    assert (case.runs, case.rises) == ([], [])


def told(case: Case) -> list[tuple[object, ...]]:
    runs = [(run.first, run.last, run.over, round(run.expected_kwh, 6), round(run.most_w, 6)) for run in case.runs]
    return [*runs, *((rise.start, rise.end, rise.before_w, rise.now_w) for rise in case.rises)]


BLOCKS = st.lists(
    st.tuples(st.integers(8 * 288, 13 * 288), st.integers(1, 40), st.sampled_from([3000.0, 6000.0, 9000.0, 14000.0])),
    max_size=6,
)
GAPS = st.lists(st.tuples(st.integers(8 * 288, 13 * 288), st.integers(1, 60)), max_size=2)


@settings(max_examples=12, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(blocks=BLOCKS, gaps=GAPS, cuts=st.lists(st.integers(1, 40), min_size=1, max_size=6))
def test_what_is_found_does_not_depend_on_the_looks(
    blocks: list[tuple[int, int, float]], gaps: list[tuple[int, int]], cuts: list[int]
) -> None:
    steps = home(13, normal)
    lead = steps.index(midnight(FIRST))
    for first, count, watts in blocks:
        steps.watts[0, lead + first : lead + first + count] += watts
    for first, count in gaps:
        steps.watts[0, lead + first : lead + first + count] = np.nan
    whole = judged(steps)
    # The same in looks of some half hours each, what is known of an incident carried from one to the next.
    parts = Case(0)
    begin, number = midnight(FIRST), 0
    while begin < steps.end:
        parts.end = min(begin + cuts[number % len(cuts)] * HALF_HOUR, steps.end)
        judge(steps, [parts], BERLIN, begin)
        begin, number = parts.end, number + 1
    assert told(parts) == told(whole)
    for run in whole.runs:
        assert run.first <= run.last < steps.end
        assert run.most_w > 2000
    assert all(isinstance(each, Run | Rise) for each in whole.touched)
    ordered = sorted(whole.runs, key=lambda run: run.first)
    assert all(a.last < b.first for a, b in pairwise(ordered))


@settings(max_examples=50, deadline=None)
@given(st.lists(st.one_of(st.none(), st.floats(0, 1e4)), min_size=1, max_size=30), st.integers(1, 12))
def test_sums_and_medians_against_the_obvious(values: list[float | None], steps: int) -> None:
    watts = np.array([[np.nan if value is None else value for value in values]])
    known = [value for value in values if value is not None]
    middle, count = median(watts)
    assert count[0] == len(known)
    assert not known or middle[0] == pytest.approx(np.median(known))
    means = trailing(watts, steps)[0]
    for end in range(len(values)):
        some = [value for value in values[max(end + 1 - steps, 0) : end + 1] if value is not None]
        if len(some) >= 0.75 * steps:
            assert means[end] == pytest.approx(np.mean(some), abs=1e-6)
        else:
            assert np.isnan(means[end])


def test_power_follows_from_the_register_over_short_gaps_alone() -> None:
    begins = np.array([-1, 0, 1, 4, 14, 15]) * STEP
    register = np.array([10.0, 10.1, 10.2, 10.5, 30.0, 29.0])
    watts = powers(1, 0, 16 * STEP, np.zeros(6, np.int64), begins, register)[0]
    assert watts[:5] == pytest.approx(1200)
    assert np.isnan(watts[5:15]).all()
    assert watts[15] == 0
