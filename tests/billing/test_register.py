"""What a register has counted between two readings."""

from __future__ import annotations

import numpy as np
import pytest

from wattline.billing.register import increments, limit
from wattline.model.clock import MINUTE, SECOND

CAPACITY_KW = 1000.0


@pytest.mark.parametrize(
    ("before", "after", "elapsed", "amount", "doubtful", "lost"),
    [
        (1000.0, 1007.5, 5 * MINUTE, 7.5, False, False),
        (1000.0, 1000.0, 5 * MINUTE, 0.0, False, False),
        # The sizes that registers have.
        (9_999.0, 2.0, MINUTE, 3.0, False, False),
        (999_999.5, 0.5, MINUTE, 1.0, False, False),
        (99_990.0, 20.0, 5 * MINUTE, 30.0, False, False),
        (65_530.0, 4.0, 5 * MINUTE, 10.0, False, False),
        (4_294_967_290.0, 4.0, 5 * MINUTE, 10.0, False, False),
        # Near its size, but what would have been counted is no five minutes of this block: the meter was reset.
        (95_000.0, 20.0, 5 * MINUTE, 20.0, True, False),
        (95_000.0, 20.0, 180 * MINUTE, 5_020.0, False, False),
        # Far from any size.
        (50_000.0, 3.0, MINUTE, 3.0, True, False),
        (500.0, 0.0, MINUTE, 0.0, True, False),
        # Another meter was put in its place, in either direction.
        (50_000.0, 40_000.0, MINUTE, 0.0, True, True),
        (0.0, 40_000.0, MINUTE, 0.0, True, True),
        (10.0, -5.0, MINUTE, 0.0, True, True),
        # Registers count in steps.
        (1000.0, 1010.0, SECOND, 10.0, False, False),
    ],
)
def test_increment(before: float, after: float, elapsed: int, amount: float, doubtful: bool, lost: bool) -> None:
    most = limit(np.array([1.0]), CAPACITY_KW, np.array([elapsed]))
    found = increments(np.array([before]), np.array([after]), most)
    assert (found.amount.tolist(), found.doubtful.tolist(), found.lost.tolist()) == ([amount], [doubtful], [lost])


def test_what_is_plausible_depends_on_the_unit_and_the_block() -> None:
    hour = np.array([60 * MINUTE])
    assert limit(np.array([1.0]), 1000.0, hour) == pytest.approx(10_010)
    assert limit(np.array([0.001]), 1000.0, hour) == pytest.approx(10_010_000)
    assert limit(np.array([-1000.0]), 1000.0, hour) == pytest.approx(20)
    # Of a block whose capacity nobody said, much is believed.
    assert limit(np.array([1.0]), 0.0, hour) == pytest.approx(100_010)
