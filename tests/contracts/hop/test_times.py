"""Times in and out, as text."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wattline.contracts.hop.times import parse, spell, spell_all, spell_health
from wattline.model.clock import to_micros

PUBLISHED = to_micros(datetime(2026, 6, 11, 14, 32, tzinfo=UTC))


@pytest.mark.parametrize(
    "text",
    [
        "2026-06-11T14:32:00Z",
        "2026-06-11t14:32:00z",
        "2026-06-11 14:32:00+00:00",
        "2026-06-11T14:32:00-00:00",
        "2026-06-11T16:32:00+02:00",
        "2026-06-11T09:02:00-05:30",
        "2026-06-11T14:32:00.000000Z",
        "2026-06-11T14:32:00,0Z",
        "2026-06-11T14:32Z",
        "2026-06-11T14:32:00.0000009Z",
        "20260611T143200Z",
        "20260611T1632+0200",
    ],
)
def test_every_spelling_of_iso_8601_names_the_same_instant(text: str) -> None:
    assert parse(text) == (PUBLISHED, True)


def test_a_time_without_an_offset_is_utc_and_known_to_be_vague() -> None:
    assert parse("2026-06-11T14:32:00") == (PUBLISHED, False)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "now",
        "1781188320",
        "1781188320.5",
        "17811213201",
        "2026-06-11",
        "2026-W24-4T14:32:00Z",
        "2026-06-11X14:32:00Z",
        "2026-06-11T14:32:00Z\x00",
        "2026-06-11T14:32:00 Z",
        " 2026-06-11T14:32:00Z",
        "2026-06-11T24:00:00Z",
        "2026-06-31T14:32:00Z",
        "2016-12-31T23:59:60Z",
        "2026-06-11T14:32:00+24:00",
        "２０２６-06-11T14:32:00Z",
        "2026-06-11T14:32:00." + "0" * 100 + "Z",
    ],
)
def test_anything_else_is_no_time(text: str) -> None:
    with pytest.raises(ValueError, match="time"):
        parse(text)


@given(st.datetimes(min_value=datetime(1970, 1, 1), max_value=datetime(2200, 1, 1)))  # noqa: DTZ001 - made aware below
def test_what_is_spelled_is_read_back_exactly(moment: datetime) -> None:
    micros = to_micros(moment.replace(tzinfo=UTC))
    assert parse(spell(micros)) == (micros, True)


def test_a_query_time_has_a_space_and_no_idle_digits() -> None:
    assert spell(PUBLISHED) == "2026-06-11 14:32:00+00:00"
    assert spell(PUBLISHED + 1) == "2026-06-11 14:32:00.000001+00:00"
    assert spell(PUBLISHED + 500_000) == "2026-06-11 14:32:00.500000+00:00"


@given(st.lists(st.integers(min_value=0, max_value=4 * 10**15)))
def test_many_times_are_spelled_as_each_is(times: list[int]) -> None:
    assert spell_all(times) == [spell(time) for time in times]


def test_the_time_of_health_always_has_six_digits() -> None:
    assert spell_health(PUBLISHED) == "2026-06-11T14:32:00.000000+00:00"
    assert spell_health(PUBLISHED + 1_500) == "2026-06-11T14:32:00.001500+00:00"
