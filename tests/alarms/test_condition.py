"""Limits in force, sample by sample: strictness, deadband, delays, quality and time."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wattline.alarms.condition import configured, evaluate, reconfigured, returned, violated
from wattline.alarms.model import EDGE, Condition, Direction, Limit
from wattline.model.record import Quality

GOOD, UNCERTAIN, BAD = Quality.GOOD, Quality.UNCERTAIN, Quality.BAD


def high(value: float, name: str = "H", on_delay: int = 0, off_delay: int = 0, deadband: float = 0.0) -> Limit:
    return Limit(name, "HIGH", value, "P2", on_delay, off_delay, deadband)


def low(value: float, name: str = "L", on_delay: int = 0, off_delay: int = 0, deadband: float = 0.0) -> Limit:
    return Limit(name, "LOW", value, "P2", on_delay, off_delay, deadband)


def follow(limits: Sequence[Limit], samples: Iterable[tuple[int, float] | tuple[int, float | None, int]]) -> list[str]:
    """After each sample, the names of the limits in force, in order and together."""
    condition, found = Condition(), []
    for sample in samples:
        time, value, quality = sample if len(sample) == 3 else (*sample, GOOD)
        condition = evaluate(limits, condition, time, value, quality)
        found.append(" ".join(sorted(condition.active)))
    return found


@pytest.mark.parametrize(
    ("limit", "value", "beyond", "back"),
    [
        (high(55.0), 55.0, False, True),
        (high(55.0), math.nextafter(55.0, 99), True, False),
        (high(55.0, deadband=1.1), 53.9, False, False),
        (high(55.0, deadband=1.1), math.nextafter(53.9, 0), False, True),
        (high(55.0, deadband=1.1), 55.0, False, False),
        (low(10.0), 10.0, False, True),
        (low(10.0), math.nextafter(10.0, 0), True, False),
        (low(10.0, deadband=0.5), 10.5, False, False),
        (low(10.0, deadband=0.5), math.nextafter(10.5, 99), False, True),
        # Limits at and below zero, where a band of some per cent of the value would be none, or lie on the wrong side.
        (high(0.0, deadband=0.5), -0.5, False, False),
        (high(0.0, deadband=0.5), -0.6, False, True),
        (high(-20.0, deadband=1.0), -20.5, False, False),
        (high(-20.0, deadband=1.0), -19.5, True, False),
        (high(-20.0, deadband=1.0), -21.5, False, True),
        (low(-20.0, deadband=1.0), -20.5, True, False),
        (low(-20.0, deadband=1.0), -19.5, False, False),
        (low(-20.0, deadband=1.0), -18.5, False, True),
    ],
)
def test_beyond_and_back(limit: Limit, value: float, beyond: bool, back: bool) -> None:
    assert (violated(limit, value), returned(limit, value)) == (beyond, back)


@pytest.mark.parametrize(("direction", "at", "normal"), [("HIGH", 1.0, 0.0), ("LOW", 0.0, 1.0)])
def test_a_boolean_limit_is_violated_by_itself(direction: Direction, at: float, normal: float) -> None:
    leak = Limit("P0", direction, at, "P0", inclusive=True)
    assert follow([leak], [(1, normal), (2, at), (3, at), (4, normal)]) == ["", "P0", "P0", ""]


@given(
    st.sampled_from(["HIGH", "LOW"]),
    st.floats(allow_nan=False, allow_infinity=False),
    st.floats(0, allow_infinity=False),
    st.booleans(),
    st.floats(allow_nan=False, allow_infinity=False),
)
def test_no_value_is_beyond_and_back_at_once(
    direction: Direction, value: float, deadband: float, inclusive: bool, sample: float
) -> None:
    limit = Limit("X", direction, value, "P2", deadband=deadband, inclusive=inclusive)
    assert not (violated(limit, sample) and returned(limit, sample))


def test_a_limit_below_the_value_is_no_return_of_the_other() -> None:
    limits = [high(60.0, "HH", deadband=1.2), high(55.0, deadband=1.1)]
    assert follow(limits, [(second, 56.0) for second in range(6)]) == ["H"] * 6
    assert follow([high(55.0), low(10.0)], [(second, 70.0) for second in range(6)]) == ["H"] * 6


def test_a_jump_brings_every_limit_on_its_way_into_force() -> None:
    limits = [high(55.0, deadband=1.1), high(60.0, "HH", deadband=1.2)]
    assert follow(limits, [(1, 75.0), (2, 59.0), (3, 58.0), (4, 54.0), (5, 53.0)]) == ["H HH", "H HH", "H", "H", ""]


def test_the_deadband_neither_raises_nor_clears() -> None:
    assert follow([high(55.0, deadband=1.1)], [(1, 54.5), (2, 55.5), (3, 54.5), (4, 55.5), (5, 53.0), (6, 54.5)]) == [
        *("", "H", "H", "H", "", "")
    ]


def test_an_on_delay_counts_from_the_first_violating_sample() -> None:
    limit = high(55.0, on_delay=10)
    assert follow([limit], [(100, 56.0), (109, 56.0), (110, 56.0)]) == ["", "", "H"]
    # A single sample that is not beyond the limit, though not below the deadband either, begins it anew.
    limit = high(55.0, on_delay=10, deadband=5.0)
    assert follow([limit], [(100, 56.0), (105, 54.0), (106, 56.0), (110, 56.0), (116, 56.0)]) == ["", "", "", "", "H"]


def test_the_time_between_samples_counts_however_long_it_is() -> None:
    assert follow([high(55.0, on_delay=10)], [(100, 56.0), (100_000, 56.0)]) == ["", "H"]


def test_an_off_delay_counts_from_the_first_sample_past_the_deadband() -> None:
    limit = high(55.0, off_delay=10, deadband=1.0)
    samples = [(0, 56.0), (10, 53.0), (19, 53.0), (20, 53.0)]
    assert follow([limit], samples) == ["H", "H", "H", ""]
    # Within the deadband it is not past it: the delay begins anew.
    samples = [(0, 56.0), (10, 53.0), (19, 54.5), (20, 53.0), (29, 53.0), (30, 53.0)]
    assert follow([limit], samples) == ["H", "H", "H", "H", "H", ""]


def test_delays_follow_the_time_of_the_samples_and_so_a_replay_is_the_same() -> None:
    limits = [high(55.0, on_delay=3, off_delay=2, deadband=1.0)]
    samples = [(time, 50.0 + 10 * math.sin(time / 3)) for time in range(100)]
    first = follow(limits, samples)
    assert first == follow(limits, [(time, value) for time, value in samples])
    assert {"", "H"} == set(first)


def test_a_bad_sample_says_nothing_about_the_process() -> None:
    limit = high(55.0, on_delay=10, off_delay=10)
    # It does not raise (99 would), does not clear (0 would), does not begin, break off or end a delay.
    assert follow([limit], [(0, 99.0, BAD), (20, 99.0, BAD)]) == ["", ""]
    assert follow([limit], [(0, 56.0), (5, 0.0, BAD), (10, 0.0, BAD), (11, 56.0)]) == ["", "", "", "H"]
    assert follow([limit], [(0, 56.0), (10, 56.0), (20, 50.0), (25, 99.0, BAD), (30, 50.0)]) == ["", "H", "H", "H", ""]


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, None])
def test_what_is_no_number_says_nothing_either(value: float | None) -> None:
    condition = evaluate([high(55.0)], Condition(), 1, 56.0, GOOD)
    after = evaluate([high(55.0)], condition, 2, value, GOOD)
    assert after == Condition(frozenset({"H"}), {}, 2, 56.0)


def test_an_uncertain_sample_counts() -> None:
    assert follow([high(55.0)], [(1, 56.0, UNCERTAIN), (2, 50.0, UNCERTAIN)]) == ["H", ""]


def test_a_sample_that_is_not_newer_changes_nothing() -> None:
    condition = evaluate([high(55.0)], Condition(), 10, 56.0, GOOD)
    assert evaluate([high(55.0)], condition, 10, 50.0, GOOD) is condition
    assert evaluate([high(55.0)], condition, 9, 50.0, BAD) is condition
    assert (condition.through, condition.value) == (10, 56.0)


def test_a_bad_sample_counts_for_what_is_newer() -> None:
    condition = evaluate([high(55.0)], Condition(), 10, 0.0, BAD)
    assert evaluate([high(55.0)], condition, 9, 56.0, GOOD) is condition


def test_the_set_of_limits_in_force_stays_the_same_object() -> None:
    condition = evaluate([high(55.0)], Condition(), 1, 56.0, GOOD)
    assert evaluate([high(55.0)], condition, 2, 57.0, GOOD).active is condition.active


def test_a_limit_that_is_gone_is_forgotten() -> None:
    condition = Condition(frozenset({"H", "HH"}), {"L": 3, "H": 4}, 5, 56.0)
    limits = [high(55.0, off_delay=9)]
    assert configured(limits, condition) == Condition(frozenset({"H"}), {"H": 4}, 5, 56.0)
    for quality in (GOOD, BAD):
        assert evaluate(limits, condition, 6, 56.0, quality).active == {"H"}
    only = Condition(frozenset({"H"}))
    assert configured(limits, only) is only


def test_what_a_device_watches_by_itself_is_not_judged_by_samples() -> None:
    limits = [high(55.0, EDGE), high(60.0)]
    assert follow(limits, [(1, 57.0), (2, 61.0)]) == ["", "H"]
    condition = Condition(frozenset({EDGE}))
    assert evaluate(limits, condition, 1, 10.0, GOOD).active == {EDGE}


class TestOtherLimits:
    """The newest value is judged by changed limits at once."""

    def test_the_value_may_now_be_beyond(self) -> None:
        condition = evaluate([high(60.0)], Condition(), 10, 56.0, GOOD)
        assert reconfigured([high(60.0)], [high(55.0)], condition).active == {"H"}
        assert reconfigured([high(60.0)], [high(60.0), low(57.0)], condition).active == {"L"}

    def test_or_no_longer_past_the_deadband(self) -> None:
        condition = evaluate([high(55.0)], Condition(), 10, 56.0, GOOD)
        assert reconfigured([high(55.0)], [high(56.5, deadband=1.0)], condition).active == {"H"}
        assert reconfigured([high(55.0)], [high(60.0, deadband=1.0)], condition).active == frozenset()

    def test_a_removed_limit_is_out_of_force(self) -> None:
        condition = evaluate([high(55.0), high(50.0, "HH")], Condition(), 10, 56.0, GOOD)
        assert reconfigured([high(55.0), high(50.0, "HH")], [high(55.0)], condition).active == {"H"}
        assert reconfigured([high(55.0)], [], condition) == Condition(frozenset(), {}, 10, 56.0)

    def test_a_turned_limit_begins_anew(self) -> None:
        condition = evaluate([high(55.0)], Condition(), 10, 56.0, GOOD)
        assert reconfigured([high(55.0)], [Limit("H", "LOW", 55.0, "P2", deadband=9.0)], condition).active == frozenset()

    def test_a_delay_runs_on_under_the_same_rule_only(self) -> None:
        before = [high(55.0, on_delay=10)]
        condition = evaluate(before, Condition(), 100, 56.0, GOOD)
        # The sample of 105 shows the violation to last: with a delay of 3 it is overdue, with 30 it runs on.
        condition = evaluate(before, condition, 105, 56.0, GOOD)
        assert reconfigured(before, [high(55.0, on_delay=3)], condition).active == {"H"}
        assert reconfigured(before, [high(55.0, on_delay=30)], condition).pending == {"H": 100}
        assert reconfigured(before, [high(54.0, on_delay=30)], condition).pending == {"H": 105}

    def test_nothing_is_known_before_the_first_value(self) -> None:
        assert reconfigured([], [low(5.0)], Condition()) == Condition()

    def test_what_the_device_annunciated_stays(self) -> None:
        edge = high(55.0, EDGE)
        condition = Condition(frozenset({EDGE}), {}, 5, 10.0)
        assert reconfigured([edge], [edge, high(60.0)], condition).active == {EDGE}
