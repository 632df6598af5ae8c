"""The state of a substation against its whole history of scores."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from wattline.analytics.hysteresis import QUIET, Hysteresis

SCORES = st.lists(st.sampled_from((0.0, 0.3, 0.4999, 0.5, 0.6, 0.6999, 0.7, 0.8, 0.8999, 0.9, 1.0)), max_size=40)


def active_by_history(scores: list[float]) -> bool:
    """Raised by the newest score of 0.7 unless two on end below 0.5 came after it."""
    flagged = [at for at, score in enumerate(scores) if score >= 0.7]
    if not flagged:
        return False
    since = scores[flagged[-1] + 1 :]
    return not any(a < 0.5 and b < 0.5 for a, b in itertools.pairwise(since))


def confirmed_by_history(scores: list[float]) -> bool:
    """The newest two flagged, or the newest at 0.9; and not before it was raised."""
    newest, before = scores[-1], scores[-2] if len(scores) > 1 else 0.0
    return newest >= 0.9 or (newest >= 0.7 and before >= 0.7)


def follow(scores: list[float]) -> Hysteresis:
    """The state after a history."""
    state = QUIET
    for score in scores:
        state = state.after(score)
    return state


@given(SCORES)
def test_the_state_is_what_its_history_says(scores: list[float]) -> None:
    state = follow(scores)
    assert state.active == active_by_history(scores)
    if scores:
        assert state.confirmed_by(scores[-1]) == confirmed_by_history(scores)


def test_the_decision_point_is_inclusive_and_a_half_is_not_calm() -> None:
    assert follow([0.7]).active
    assert not follow([0.6999]).active
    assert follow([0.7, 0.5, 0.5, 0.5]).active
    assert follow([0.7, 0.4999]).active
    assert follow([0.7, 0.4999, 0.5, 0.4999]).active
    assert follow([0.7, 0.4999, 0.4999]) == QUIET


def test_a_state_that_cleared_counts_from_the_beginning_again() -> None:
    assert not follow([0.8, 0.8, 0.1, 0.1, 0.8]).confirmed_by(0.8)
    assert follow([0.8, 0.6, 0.8]).active
    assert not follow([0.8, 0.6, 0.8]).confirmed_by(0.8)
