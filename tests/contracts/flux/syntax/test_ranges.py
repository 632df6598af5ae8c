"""The `Range` header with `limit` and `offset`."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wattline.contracts.flux.errors import Refusal
from wattline.contracts.flux.syntax.ast import Window
from wattline.contracts.flux.syntax.ranges import MOST, intersect, parse

bounds = st.none() | st.integers(0, 12)
windows = st.builds(Window, limit=bounds, offset=bounds)


@pytest.mark.parametrize(
    ("header", "window"),
    [
        (None, Window()),
        ("0-9", Window(10, 0)),
        (" 10-19 ", Window(10, 10)),
        ("5-5", Window(1, 5)),
        ("10-", Window(None, 10)),
        ("", Window()),
        ("-5", Window()),
        ("items=0-9", Window()),
        ("0-9,20-29", Window()),
        ("a-b", Window()),
        ("٠-٩", Window()),
        ("5-" + "9" * 5000, Window(MOST - 4, 5)),
        ("9" * 5000 + "-", Window(None, MOST)),
    ],
)
def test_a_header(header: str | None, window: Window) -> None:
    assert parse(header) == window


def test_a_range_backwards() -> None:
    with pytest.raises(Refusal) as caught:
        parse("9-0")
    assert (caught.value.status, caught.value.code, caught.value.message) == (
        416,
        "PGRST103",
        "Requested range not satisfiable",
    )
    assert caught.value.details == ("The lower boundary must be lower than or equal to the upper boundary in the Range header.")


def test_a_negative_limit() -> None:
    with pytest.raises(Refusal) as caught:
        intersect(Window(), Window(limit=-1))
    assert (caught.value.status, caught.value.code) == (416, "PGRST103")
    assert caught.value.details == "Limit should be greater than or equal to zero."


def rows(window: Window, of: int = 40) -> set[int]:
    first = window.offset or 0
    return set(range(of)[first : None if window.limit is None else first + window.limit])


@given(windows.filter(lambda window: window.limit != 0), windows)
def test_what_both_ask_for(header: Window, query: Window) -> None:
    try:
        both = intersect(header, query)
    except Refusal:
        assert query.limit != 0
        assert not rows(header) & rows(query)
    else:
        assert query.limit == 0 or rows(header, 99) & rows(query, 99)
        assert rows(both) == rows(header) & rows(query)
        assert (both.limit is None) == (header.limit is None and query.limit is None)


@given(st.text())
def test_any_text_is_read_or_refused(header: str) -> None:
    with suppress(Refusal):
        assert isinstance(parse(header), Window)
