"""Register arithmetic: the cases that users of meters complain of, and a slow reader of registers that must agree."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from wattline.metering.energy.register import Rule, Sign, Steps, steps
from wattline.model.clock import HOUR, MINUTE

QUARTER = 15 * MINUTE


def read(values: list[float], rule: Rule | None = None, every: int = QUARTER) -> Steps:
    """The steps of readings that are evenly spaced."""
    times = np.arange(len(values), dtype=np.int64) * every
    return steps(times, np.array(values, float), rule or Rule())


def total(values: list[float], rule: Rule | None = None) -> float:
    return float(read(values, rule).energy.sum())


def test_a_register_that_only_rises_is_its_differences() -> None:
    found = read([10.0, 10.5, 10.5, 12.0])
    assert found.energy.tolist() == [0.5, 0.0, 1.5]
    assert not found.sign.any()


def test_rollover_counts_through_the_top() -> None:
    found = read([99999.8, 99999.9, 0.3, 0.5], Rule(span_kwh=100_000.0))
    assert found.energy.tolist() == pytest.approx([0.1, 0.4, 0.2])
    assert found.sign.tolist() == [Sign.NONE, Sign.ROLLOVER, Sign.NONE]


def test_a_rollover_needs_no_following_reading() -> None:
    assert total([99999.9, 0.3], Rule(span_kwh=100_000.0)) == pytest.approx(0.4)


@pytest.mark.parametrize("span", [None, 1_000_000.0])
def test_a_fall_from_the_middle_of_a_register_is_no_rollover(span: float | None) -> None:
    found = read([99999.8, 99999.9, 0.3, 0.5], Rule(span_kwh=span))
    assert found.energy.tolist() == pytest.approx([0.1, 0.3, 0.2])
    assert Sign.RESET in found.sign.tolist()


def test_reset_in_the_middle_of_a_day_counts_from_zero() -> None:
    found = read([1500.0, 1510.0, 2.0, 5.0, 6.0])
    assert found.energy.tolist() == [10.0, 2.0, 3.0, 1.0]
    assert found.sign.tolist() == [Sign.NONE, Sign.RESET, Sign.NONE, Sign.NONE]


def test_a_reset_that_nothing_confirms_yet_is_held_at_zero() -> None:
    found = read([1500.0, 1510.0, 2.0])
    assert found.energy.tolist() == [10.0]
    assert found.stop.tolist() == [QUARTER]


def test_one_zero_between_readings_adds_nothing_and_loses_nothing() -> None:
    found = read([100.0, 101.0, 0.0, 103.0, 104.0])
    assert found.energy.tolist() == [1.0, 2.0, 1.0]
    assert found.sign.tolist() == [Sign.NONE, Sign.GLITCH, Sign.NONE]
    assert found.stop.tolist() == [QUARTER, 3 * QUARTER, 4 * QUARTER]


@pytest.mark.parametrize("rule", [Rule(), Rule(most_kw=20.0)])
def test_one_reading_far_too_high_adds_nothing(rule: Rule) -> None:
    found = read([100.0, 101.0, 5000.0, 102.0, 103.0], rule)
    assert found.energy.tolist() == [1.0, 1.0, 1.0]
    assert found.withheld.tolist() == [0.0, 0.0, 0.0]


def test_a_step_beyond_the_rated_power_is_kept_apart() -> None:
    rule = Rule.rated(None, 3 * 230.0 * 32.0)
    found = read([1000.0, 1001.0, 1100.25, 1101.25], rule)
    assert found.energy.tolist() == [1.0, 0.0, 1.0]
    assert found.withheld.tolist() == [0.0, 99.25, 0.0]
    assert found.sign.tolist() == [Sign.NONE, Sign.IMPLAUSIBLE, Sign.NONE]


def test_half_more_than_rated_is_still_true() -> None:
    rule = Rule.rated(None, 4000.0)
    assert read([0.0001, 1.5001], rule).withheld.sum() == 0
    assert read([0.0001, 1.6001], rule).withheld.sum() == pytest.approx(1.6)


def test_whole_kilowatt_hours_may_fall_close_together() -> None:
    assert total_of_close_steps([500.0, 501.0, 501.0, 502.0]) == (2.0, 0.0)
    assert total_of_close_steps([500.0, 503.0, 503.0, 503.0]) == (0.0, 3.0)


def total_of_close_steps(values: list[float]) -> tuple[float, float]:
    found = read(values, Rule(most_kw=10.0), every=10 * MINUTE // 60)
    return float(found.energy.sum()), float(found.withheld.sum())


def test_a_meter_that_was_exchanged_goes_on_from_where_it_is() -> None:
    found = read([1000.0, 1001.0, 400.0, 401.0, 402.5])
    assert found.energy.tolist() == [1.0, 0.0, 1.0, 1.5]
    assert found.sign.tolist() == [Sign.NONE, Sign.EXCHANGED, Sign.NONE, Sign.NONE]


def test_a_single_dip_is_waited_out() -> None:
    assert total([1000.0, 1001.0, 400.0, 1003.0]) == 3.0


def test_no_reading_and_one_reading_are_no_energy() -> None:
    assert len(read([])) == 0
    assert len(read([5.0])) == 0


def slowly(
    times: list[int], values: list[float], span: float | None, most_kw: float | None
) -> list[tuple[int, int, float, float]]:
    """Every reading in turn, by the words of the rules; steps as begin, stop, energy, withheld energy."""

    def fits(energy: float, a: float, b: float, elapsed: int) -> bool:
        if most_kw is None:
            return True
        allowed = most_kw * elapsed / HOUR
        for step in (1, 0.1, 0.01, 0.001):
            if all(abs(x / step - round(x / step)) < 1e-6 for x in (a, b)):
                return energy <= max(allowed, allowed + step)
        return energy <= allowed

    def rolls(a: float, b: float) -> bool:
        return span is not None and 0.9 * span < a <= span and b < 0.1 * span

    found = []
    base = 0
    for i in range(1, len(values)):
        a, b, elapsed = values[base], values[i], times[i] - times[base]
        nxt = values[i + 1] if i + 1 < len(values) else None
        after = values[i + 2] if i + 2 < len(values) else None
        if b >= a:
            gone_again = nxt is not None and a <= nxt < b and not rolls(b, nxt)
            if gone_again:
                assert nxt is not None
                like_a_reset = nxt < 0.1 * b and fits(b - a, a, b, elapsed)
                if not (like_a_reset and (most_kw is not None or 2 * a < nxt)):
                    continue
            energy, scale = b - a, a
        elif rolls(a, b):
            assert span is not None
            energy, scale = span - a + b, a
        elif nxt is None or not b <= nxt < a:
            continue
        elif b < 0.1 * a:
            energy, scale = b, 0.0
        elif after is not None and nxt <= after < a:
            found.append((times[base], times[i], 0.0, 0.0))
            base = i
            continue
        else:
            continue
        found.append(
            (times[base], times[i], energy, 0.0) if fits(energy, scale, b, elapsed) else (times[base], times[i], 0.0, energy)
        )
        base = i
    return found


LEVELS = st.one_of(
    st.integers(0, 1000).map(float), st.floats(0, 1000).map(lambda x: round(x, 3)), st.floats(0, 20).map(lambda x: round(x, 1))
)


@st.composite
def rising(draw: st.DrawFn) -> list[float]:
    """Readings that mostly rise, and now and then do anything."""
    value = draw(LEVELS)
    found = [value]
    for _ in range(draw(st.integers(0, 14))):
        kind = draw(st.integers(0, 9))
        if kind < 7:
            value = round(value + draw(st.sampled_from([0.0, 0.1, 0.25, 1.0, 3.0])), 3)
            found.append(value)
        elif kind == 7:
            found.append(draw(LEVELS))
        else:
            value = draw(LEVELS)
            found.append(value)
    return found


FEW = st.lists(st.integers(0, 12).map(float), min_size=5, max_size=12)
"""Of few values a register falls and rises all the time, comes back to what it showed, and may never settle."""
NEAR = st.lists(st.sampled_from([0.0, 0.5, 9.0, 9.5, 92.0, 96.0, 99.9, 100.0, 930.0, 999.9]), max_size=12)
"""Close to where a register of 100 or 1000 kWh rolls over, or is taken for having begun again."""
GAPS = st.lists(st.sampled_from([MINUTE, QUARTER, HOUR, 3 * HOUR]), min_size=15, max_size=15)
SPANS = st.sampled_from([None, 1000.0, 100.0])
MOST = st.sampled_from([None, 1.0, 12.0])


def agrees(values: list[float], gaps: list[int], rule: Rule) -> None:
    """See that the steps are those of the slow reader."""
    times = np.cumsum([0, *gaps])[: len(values)].astype(np.int64)
    found = steps(times, np.array(values, float), rule)
    told = list(zip(found.begin.tolist(), found.stop.tolist(), found.energy.tolist(), found.withheld.tolist(), strict=True))
    assert told == slowly(times.tolist(), values, rule.span_kwh, rule.most_kw)
    assert (found.energy >= 0).all()
    assert (found.withheld >= 0).all()


@settings(deadline=None)
@given(rising(), GAPS, SPANS, MOST)
def test_the_same_as_reading_by_reading(
    values: list[float], gaps: list[int], span: float | None, most_kw: float | None
) -> None:
    agrees(values, gaps, Rule(span, most_kw))


@settings(deadline=None, max_examples=300)
@given(FEW, GAPS, MOST)
@example([7.0, 2.0, 5.0, 2.0, 6.0], [QUARTER] * 15, None)
def test_the_same_where_a_register_never_settles(values: list[float], gaps: list[int], most_kw: float | None) -> None:
    agrees(values, gaps, Rule(None, most_kw))


@settings(deadline=None)
@given(NEAR, GAPS, SPANS, MOST)
def test_the_same_near_the_ends_of_a_register(
    values: list[float], gaps: list[int], span: float | None, most_kw: float | None
) -> None:
    agrees(values, gaps, Rule(span, most_kw))
