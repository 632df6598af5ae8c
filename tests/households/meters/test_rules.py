"""What a register can have done between two readings, against plain arithmetic."""

from __future__ import annotations

import struct
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wattline.households.meters.rules import Doubt, increment, rolled, spacing
from wattline.model.clock import MINUTE, SECOND

LIMIT = 0.6


@pytest.mark.parametrize("last", [0.5, 8.0, 1234.5678, 20_000.1, 99_999.9, 12_345_678.9])
@pytest.mark.parametrize(
    ("step", "elapsed", "taken"),
    [
        (0.15, 15 * SECOND, True),
        (0.1501, 15 * SECOND, False),
        (6.0, 10 * MINUTE, True),
        (6.01, 10 * MINUTE, False),
        (0.0, 1, True),
    ],
)
def test_the_limit_is_on_the_time_between_readings(last: float, step: float, elapsed: int, taken: bool) -> None:
    found = increment(last, last + step, elapsed, LIMIT)
    assert (found is not None) is taken
    if found is not None:
        assert found == pytest.approx(step, abs=1e-7)


@given(
    st.integers(0, 10**8).map(lambda milli: milli / 1000),
    st.integers(0, 10**6).map(lambda milli: milli / 1000),
    st.integers(1, 10**12),
    st.floats(0.01, 10),
)
def test_a_step_up_is_taken_within_the_limit_and_only_then(last: float, step: float, elapsed: int, limit: float) -> None:
    exact = Fraction(last + step) - Fraction(last)
    bound = Fraction(limit) * elapsed / MINUTE
    found = increment(last, last + step, elapsed, limit)
    if exact <= bound:
        assert found == float(exact)
    elif exact > bound + Fraction(2, 10**6):
        assert found is None


@pytest.mark.parametrize(
    ("last", "value", "expected"),
    [
        (99_999.9, 0.05, 0.15),
        (9_999.95, 0.05, 0.1),
        (999_999.9, 0.0, 0.1),
        (98_999.0, 0.05, None),
        (50_000.0, 0.05, None),
        (99.9, 0.05, None),
    ],
)
def test_a_register_rolls_over_near_its_top(last: float, value: float, expected: float | None) -> None:
    found = rolled(last, value)
    assert found is None if expected is None else found == pytest.approx(expected, abs=1e-6)


def test_a_rollover_is_held_against_the_limit_too() -> None:
    assert increment(99_999.9, 0.04, 15 * SECOND, LIMIT) == pytest.approx(0.14)
    assert increment(99_999.9, 0.06, 15 * SECOND, LIMIT) is None


@given(st.floats(0.001, 1e8))
def test_spacing_is_that_of_four_byte_floats(value: float) -> None:
    (bits,) = struct.unpack("<I", struct.pack("<f", value))
    single, following = struct.unpack("<ff", struct.pack("<II", bits, bits + 1))
    assert following - single in {spacing(single), spacing(value)}


def test_steps_of_four_byte_floats_are_no_faults() -> None:
    # At 20,000 kWh a float goes in steps of 2 Wh: 0.15 kWh may show as 0.152.
    assert increment(20_000.0, 20_000.152, 15 * SECOND, LIMIT) is None
    assert increment(20_000.0, 20_000.151_367, 15 * SECOND, LIMIT, single=True) is not None
    assert increment(20_000.0, 20_000.16, 15 * SECOND, LIMIT, single=True) is None
    # The same register, once rounded up as a float, then as a double: equal, not lower.
    assert increment(20_000.001953125, 20_000.001, 15 * SECOND, LIMIT) == 0.0
    assert increment(20_000.001953125, 19_999.99, 15 * SECOND, LIMIT) is None


def test_three_readings_over_half_a_minute_are_enough() -> None:
    doubt = Doubt(0, 3.0, 0, 3.0)
    for time, value in ((15, 3.01), (29, 3.02)):
        step = doubt.step(time * SECOND, value, LIMIT)
        assert step is not None
        doubt = doubt.grown(time * SECOND, value, step)
        assert not doubt.enough
    assert doubt.step(30 * SECOND, 9.0, LIMIT) is None
    assert doubt.step(29 * SECOND, 3.02, LIMIT) is None
    step = doubt.step(30 * SECOND, 3.02, LIMIT)
    assert step is not None
    doubt = doubt.grown(30 * SECOND, 3.02, step)
    assert doubt.enough
    assert doubt.used == pytest.approx(0.02)
