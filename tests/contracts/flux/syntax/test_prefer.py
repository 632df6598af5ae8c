"""The `Prefer` header."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wattline.contracts.flux.syntax.prefer import Preferences, parse


def test_several_headers_and_lists_and_the_first_of_each_kind() -> None:
    preferences = parse(["return=minimal,count=exact", "return=representation, resolution=merge-duplicates"])
    assert preferences == Preferences(returning="minimal", count="exact", resolution="merge-duplicates")


def test_every_kind() -> None:
    assert parse(
        [
            "resolution=ignore-duplicates, missing=default, return=headers-only, count=planned, tx=rollback,",
            "handling=strict, timezone=Europe/London, max-affected=10",
        ]
    ) == Preferences("ignore-duplicates", "default", "headers-only", "planned", "rollback", "strict", "Europe/London", 10)


@pytest.mark.parametrize(
    "text",
    [
        "foo",
        "return=all",
        "count",
        "timezone=Nowhere/Town",
        "timezone=../../etc/passwd",
        "max-affected=-1",
        "max-affected=ten",
        "max-affected=" + "9" * 5000,
        "params=single-object",
        "RETURN=minimal",
    ],
)
def test_words_that_mean_nothing_are_told(text: str) -> None:
    assert parse([text]) == Preferences(unknown=(text,))


def test_a_meaningless_word_does_not_hide_a_later_one_of_its_kind() -> None:
    assert parse(["return=all, return=minimal"]) == Preferences(returning="minimal", unknown=("return=all",))


def test_nothing_said() -> None:
    assert parse([]) == parse([""]) == parse([" , "]) == Preferences()


@given(st.lists(st.text()))
def test_any_text_is_read(values: list[str]) -> None:
    preferences = parse(values)
    assert all(word.strip() == word for word in preferences.unknown)
