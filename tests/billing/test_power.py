"""How long a sample of power holds."""

from __future__ import annotations

import numpy as np
import pytest

from wattline.billing.power import hold, validity
from wattline.model.clock import DAY, HOUR, MINUTE, SECOND

T = 1_800_000_000 * SECOND
LATER = T + DAY


@pytest.mark.parametrize(
    ("poll", "expected"), [(0, 90 * SECOND), (5 * SECOND, 90 * SECOND), (30 * SECOND, 90 * SECOND), (60 * SECOND, 180 * SECOND)]
)
def test_hold(poll: int, expected: int) -> None:
    assert hold(poll) == expected


def test_the_interval_of_reading_is_bounded() -> None:
    assert hold(1000 * DAY) == 3 * DAY


@pytest.mark.parametrize(
    ("before", "following", "poll", "now", "expected"),
    [
        # The next sample comes in time: measured, or bridged, to the microsecond.
        (5 * SECOND, 5 * SECOND, 5 * SECOND, LATER, 5 * SECOND),
        (5 * SECOND, 90 * SECOND, 5 * SECOND, LATER, 90 * SECOND),
        (5 * SECOND, 6 * MINUTE, 5 * SECOND, LATER, 6 * MINUTE),
        # It does not: as long as the one before, at most the hold; where there was none, one interval of reading.
        (5 * SECOND, 6 * MINUTE + 1, 5 * SECOND, LATER, 5 * SECOND),
        (60 * SECOND, HOUR, 5 * SECOND, LATER, 60 * SECOND),
        (90 * SECOND, HOUR, 5 * SECOND, LATER, 90 * SECOND),
        (90 * SECOND + 1, HOUR, 5 * SECOND, LATER, 5 * SECOND),
        (0, HOUR, 5 * SECOND, LATER, 5 * SECOND),
        (0, None, 5 * SECOND, LATER, 5 * SECOND),
        # A slow meter holds for three of its own intervals.
        (15 * MINUTE, 45 * MINUTE, 15 * MINUTE, LATER, 45 * MINUTE),
        (15 * MINUTE, 45 * MINUTE + 1, 15 * MINUTE, LATER, 15 * MINUTE),
        # Nothing is known of the future.
        (60 * SECOND, None, 60 * SECOND, T + 10 * SECOND, 10 * SECOND),
        (60 * SECOND, None, 60 * SECOND, T, 0),
    ],
)
def test_until_when_a_sample_holds(before: int, following: int | None, poll: int, now: int, expected: int) -> None:
    until = validity(
        np.array([T]),
        np.array([before]),
        np.array([0 if following is None else T + following]),
        np.array([hold(poll)]),
        np.array([poll]),
        now,
    )
    assert until.tolist() == [T + expected]
