"""A sample is quiet exactly where judging it changes neither the limits in force nor the delays that run."""

from __future__ import annotations

import math

from hypothesis import example, given, settings
from hypothesis import strategies as st

from wattline.alarms.condition import evaluate
from wattline.alarms.model import EDGE, Condition, Limit
from wattline.alarms.region import bounds, region

NUMBERS = (-1.0, -0.5, 0.0, 0.5, 1.0, 1e308, -1e308)


def around(number: float) -> list[float]:
    """The number and its neighbours."""
    return [math.nextafter(number, -math.inf), number, math.nextafter(number, math.inf)]


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.builds(
            Limit,
            name=st.sampled_from(["HH", "H", "L", "LL", EDGE]),
            direction=st.sampled_from(["HIGH", "LOW"]),
            value=st.sampled_from(NUMBERS),
            priority=st.just("P2"),
            on_delay=st.integers(0, 2),
            off_delay=st.integers(0, 2),
            deadband=st.sampled_from([0.0, 5e-324, 0.5, 1.0]),
            inclusive=st.booleans(),
        ),
        max_size=3,
        unique_by=lambda limit: limit.name,
    ),
    st.frozensets(st.sampled_from(["HH", "H", "L", "LL", EDGE])),
    st.dictionaries(st.sampled_from(["HH", "H", "L", "LL"]), st.integers(8, 12)),
)
@example([Limit("H", "HIGH", 0.5, "P2", on_delay=2)], frozenset(), {"H": 10})
@example([Limit("H", "HIGH", 0.5, "P2", off_delay=2)], frozenset({"H"}), {"H": 10})
@example([Limit("L", "LOW", 0.5, "P2", on_delay=2)], frozenset(), {"L": 10})
@example([Limit("L", "LOW", 0.5, "P2", off_delay=2)], frozenset({"L"}), {"L": 10})
def test_quiet_is_unchanged(limits: list[Limit], active: frozenset[str], pending: dict[str, int]) -> None:
    names = {limit.name for limit in limits}
    known = {name: since for name, since in pending.items() if name in names}
    before = Condition(active & names, known, 10)
    lowest, highest, due = region(bounds(limits), before)
    ends = [limit.value + step for limit in limits for step in (0, limit.deadband, -limit.deadband)]
    values = sorted({value for end in [*ends, *NUMBERS] for value in around(end) if math.isfinite(value)})
    for time in (11, 12, 13, 14):
        for value in values:
            after = evaluate(limits, before, time, value, 0)
            unchanged = after.active == before.active and after.pending == before.pending
            assert (lowest <= value <= highest and time < due) == unchanged, (time, value)


def test_without_limits_everything_is_quiet() -> None:
    assert region((), Condition())[:2] == (-math.inf, math.inf)
