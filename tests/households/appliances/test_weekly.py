"""How long an appliance runs in a week."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wattline.households.appliances.weekly import WEEK, weekly_hours
from wattline.model.clock import DAY, HOUR, MINUTE

START = 20_000 * DAY


def test_no_peak_tells_nothing() -> None:
    assert weekly_hours([], START) is None


def test_the_mean_over_the_weeks_from_the_first_peak() -> None:
    spans = [(START + week * WEEK, START + week * WEEK + 2 * HOUR) for week in range(4)]
    assert weekly_hours(spans, START + 4 * WEEK) == pytest.approx(2.0)
    assert weekly_hours(spans, START + 8 * WEEK) == pytest.approx(1.0)


def test_a_first_run_minutes_ago_is_one_run_a_week() -> None:
    assert weekly_hours([(START, START + 30 * MINUTE)], START + 30 * MINUTE) == pytest.approx(0.5)
    assert weekly_hours([(START, START + HOUR), (START + DAY, START + DAY + HOUR)], START + 2 * DAY) == pytest.approx(2.0)


def test_peaks_that_overlap_count_once() -> None:
    spans = [(START, START + 2 * HOUR), (START + HOUR, START + 3 * HOUR), (START + HOUR, START + HOUR + MINUTE)]
    assert weekly_hours(spans, START + WEEK) == pytest.approx(3.0)


def test_a_peak_beyond_the_horizon_counts() -> None:
    assert weekly_hours([(START, START + 2 * WEEK)], START) == pytest.approx(168.0)


@given(st.lists(st.tuples(st.integers(0, 60 * 24 * 30), st.integers(1, 600)), min_size=1, max_size=20), st.integers(0, 60))
def test_counts_every_minute_once_and_never_more_than_a_week(runs: list[tuple[int, int]], later: int) -> None:
    """Against a set of minutes."""
    spans = [(START + at * MINUTE, START + (at + length) * MINUTE) for at, length in runs]
    horizon = max(end for _, end in spans) + later * DAY
    minutes = {minute for at, length in runs for minute in range(at, at + length)}
    weeks = max(horizon - min(start for start, _ in spans), WEEK) / WEEK
    found = weekly_hours(spans, horizon)
    assert found == pytest.approx(len(minutes) / 60 / weeks)
    assert found is not None
    assert 0 < found <= 168
