"""The indices of IEEE 1366: the worked example, and brute force over every minute."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wattline.model.clock import MINUTE, SECOND
from wattline.model.errors import Invalid
from wattline.outages.model import OutageRecord, Status
from wattline.outages.reliability import (
    Interruption,
    customer_micros,
    customers_interrupted,
    indices,
    interruptions,
)


def active(minute: float, customers: int) -> OutageRecord:
    at = round(minute * MINUTE)
    return OutageRecord("OUT-1", "FDR002", customers, Status.ACTIVE, received=at, time=at)


def restored(minute: float, customers: int = 0) -> OutageRecord:
    at = round(minute * MINUTE)
    return OutageRecord("OUT-1", "FDR002", customers, Status.RESTORED, received=at, time=at)


def test_the_worked_example() -> None:
    # 847 customers from 14:35 to 15:48 of a day, with 10,000 served.
    found = indices(interruptions([active(875, 847), restored(948)]), 0, 1440 * MINUTE, 10_000)
    assert found.cmi == 61_831
    assert found.saidi == pytest.approx(6.1831)
    assert found.saifi == pytest.approx(0.0847)
    assert found.caidi == pytest.approx(73)
    assert found.maifi == 0
    assert (found.interruptions, found.momentary) == (1, 0)


def test_step_restoration_weighs_each_step() -> None:
    (episode,) = interruptions([active(0, 800), active(10, 300), restored(30)])
    assert customer_micros(episode, 0, 60 * MINUTE) == (800 * 10 + 300 * 20) * MINUTE
    assert customers_interrupted(episode) == 800


def test_customers_lost_again_count_again() -> None:
    (episode,) = interruptions([active(0, 800), active(10, 400), active(20, 600), restored(30)])
    assert customers_interrupted(episode) == 1000


@pytest.mark.parametrize(("seconds", "sustained"), [(299, False), (300, False), (300.000001, True)])
def test_five_minutes_are_momentary_and_more_is_sustained(seconds: float, sustained: bool) -> None:
    found = indices(interruptions([active(0, 10), restored(seconds / 60)]), 0, 60 * MINUTE, 100)
    assert (found.interruptions, found.momentary) == ((1, 0) if sustained else (0, 1))
    assert (found.ci, found.cmo) == ((10, 0) if sustained else (0, 10))
    assert (found.cmi > 0) is sustained
    assert found.maifi == (0 if sustained else 0.1)


def test_an_outage_that_lasts_is_weighed_up_to_the_end_of_the_period() -> None:
    episodes = interruptions([active(50, 10)])
    assert indices(episodes, 0, 60 * MINUTE, 100).cmi == 100
    young = indices(episodes, 0, 54 * MINUTE, 100)
    assert (young.cmi, young.interruptions, young.momentary) == (0, 0, 0)


def test_an_outage_counts_in_the_period_it_begins_in_and_weighs_in_both() -> None:
    episodes = interruptions([active(50, 10), restored(70)])
    first, second = indices(episodes, 0, 60 * MINUTE, 100), indices(episodes, 60 * MINUTE, 120 * MINUTE, 100)
    assert (first.interruptions, second.interruptions) == (1, 0)
    assert (first.cmi, second.cmi) == (100, 100)
    assert second.caidi is None


def test_a_restore_that_still_names_customers_ends_the_outage() -> None:
    (episode,) = interruptions([active(0, 10), restored(10, customers=5)])
    assert episode == Interruption(0, 10 * MINUTE, ((0, 10),))


def test_without_customers_served_there_are_no_ratios() -> None:
    for served in (None, 0):
        found = indices(interruptions([active(0, 10), restored(10)]), 0, 60 * MINUTE, served)
        assert (found.cmi, found.saidi, found.saifi, found.maifi, found.caidi) == (100, None, None, None, 10)


def test_an_empty_period_is_refused() -> None:
    with pytest.raises(Invalid):
        indices([], 5, 5, None)


TIMED = st.lists(
    st.one_of(st.builds(active, st.integers(0, 60), st.integers(0, 50)), st.builds(restored, st.integers(0, 60))), max_size=10
)


@given(TIMED, st.integers(0, 59), st.integers(1, 60))
def test_brute_force_minute_by_minute(records: list[OutageRecord], start: int, length: int) -> None:
    """Walk the minutes, keeping who is out; every record is on a whole minute, so the walk is exact."""
    end = start + length
    spells: list[dict[int, int]] = []
    out: dict[int, int] | None = None
    for minute in range(121):
        for each in [each for each in records if each.happened == minute * MINUTE and each.status is Status.ACTIVE]:
            if out is None:
                out = {}
                spells.append(out)
            out[minute] = each.customers
        if any(each.happened == minute * MINUTE and each.status is Status.RESTORED for each in records):
            if out is not None:
                out.pop(minute, None)
                if not out:
                    spells.pop()
            out = None
        elif out is not None and minute not in out:
            out[minute] = out[minute - 1]
    expected = sum(
        sum(customers for minute, customers in spell.items() if start <= minute < end)
        for spell in spells
        if min(spell) < end and min(max(spell) + 1, end) - min(spell) > 5
    )
    found = indices(interruptions(records), start * MINUTE, end * MINUTE, None)
    assert found.cmi == pytest.approx(expected)
    assert found.interruptions == sum(
        start <= min(spell) < end and min(max(spell) + 1, end) - min(spell) > 5 for spell in spells
    )


def test_a_second_is_enough_to_weigh() -> None:
    (episode,) = interruptions([active(0, 60), restored(10)])
    assert customer_micros(episode, 0, SECOND) == 60 * SECOND
