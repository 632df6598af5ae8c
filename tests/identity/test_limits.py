"""How often a key may ask."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from wattline.identity.limits import RateLimiter
from wattline.model.clock import SECOND, ManualClock


def test_a_bucket_gives_its_burst_at_once_and_then_its_rate(clock: ManualClock) -> None:
    limiter = RateLimiter(clock)
    found = [limiter.take("a", 0.5, 3) for _ in range(4)]
    assert [taken.allowed for taken in found] == [True, True, True, False]
    assert [taken.remaining for taken in found] == [2, 1, 0, 0]
    assert [taken.retry_after for taken in found] == [0, 0, 0, 2]
    clock.advance(1)
    assert limiter.take("a", 0.5, 3) == (False, 0, 1)
    clock.advance(1)
    assert limiter.take("a", 0.5, 3) == (True, 0, 0)


def test_keys_do_not_share(clock: ManualClock) -> None:
    limiter = RateLimiter(clock)
    assert limiter.take("a", 1, 1).allowed
    assert not limiter.take("a", 1, 1).allowed
    assert limiter.take(("a", 1), 1, 1).allowed


def test_a_bucket_never_holds_more_than_its_burst(clock: ManualClock) -> None:
    limiter = RateLimiter(clock)
    limiter.take("a", 10, 2)
    clock.advance(3600)
    assert [limiter.take("a", 10, 2).allowed for _ in range(3)] == [True, True, False]


def test_a_clock_that_is_set_back_stops_the_refill_and_no_more(clock: ManualClock) -> None:
    limiter = RateLimiter(clock)
    assert limiter.take("a", 1, 1).allowed
    clock.advance(-1000)
    assert not limiter.take("a", 1, 1).allowed
    clock.advance(1)
    assert limiter.take("a", 1, 1).allowed


def test_memory_is_bounded_and_who_was_silent_longest_is_forgotten(clock: ManualClock) -> None:
    limiter = RateLimiter(clock, most_keys=3)
    for key in ("a", "b", "c", "a", "d"):
        limiter.take(key, 0.001, 1)
    assert len(limiter) == 3
    assert not limiter.take("a", 0.001, 1).allowed
    assert limiter.take("b", 0.001, 1).allowed


@given(st.lists(st.floats(0, 30), max_size=60), st.integers(1, 20), st.floats(0.01, 50))
def test_in_no_span_are_more_allowed_than_the_burst_and_the_rate_give(steps: list[float], burst: int, rate: float) -> None:
    clock = ManualClock(datetime(2026, 6, 11, tzinfo=UTC))
    limiter = RateLimiter(clock)
    allowed = []
    for step in steps:
        clock.advance(step)
        if limiter.take("key", rate, burst).allowed:
            allowed.append(clock.micros())
    for first in range(len(allowed)):
        for last in range(first, len(allowed)):
            span = (allowed[last] - allowed[first]) / SECOND
            assert last - first + 1 <= burst + span * rate + 1e-6


def test_the_level_tells_what_is_left_and_takes_nothing(clock: ManualClock) -> None:
    limiter = RateLimiter(clock)
    assert limiter.level("a", 2, 5) == 5
    assert len(limiter) == 0
    for _ in range(3):
        limiter.take("a", 2, 5)
    assert [limiter.level("a", 2, 5) for _ in range(2)] == [2, 2]
    clock.advance(0.75)
    assert limiter.level("a", 2, 5) == 3.5
    clock.advance(-5)
    assert limiter.level("a", 2, 5) == 2
    clock.advance(3600)
    assert limiter.level("a", 2, 5) == 5
