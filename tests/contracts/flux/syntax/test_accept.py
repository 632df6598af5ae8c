"""The `Accept` header."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wattline.contracts.flux.errors import Refusal
from wattline.contracts.flux.syntax.accept import Format, choose


@pytest.mark.parametrize(
    ("header", "chosen"),
    [
        (None, Format("array")),
        ("", Format("array")),
        ("*/*", Format("array")),
        ("application/json", Format("array")),
        ("Application/JSON; charset=utf-8", Format("array")),
        ("text/html,application/xhtml+xml,*/*;q=0.8", Format("array")),
        ("application/vnd.pgrst.object+json", Format("object")),
        ("application/vnd.pgrst.object;nulls=stripped", Format("object", nulls_stripped=True)),
        ("application/vnd.pgrst.array+json;nulls=stripped", Format("array", nulls_stripped=True)),
        ("text/csv", Format("csv")),
        ("application/json;q=0.5, text/csv", Format("csv")),
        ("application/json;q=0, text/csv;q=0.1", Format("csv")),
        ("application/foo, text/csv, application/json", Format("csv")),
        ("text/csv;q=high, application/json", Format("csv")),
    ],
)
def test_the_best_form(header: str | None, chosen: Format) -> None:
    assert choose(header) == chosen


@pytest.mark.parametrize(
    ("header", "shown"),
    [
        ("application/foo", "application/foo"),
        ("application/xml;q=0.5, application/geo+json", "application/xml, application/geo+json"),
        ('application/vnd.pgrst.plan+json; for="text/csv"', "application/vnd.pgrst.plan+json;for=text/csv"),
        ("application/openapi+json", "application/openapi+json"),
        ("*/*;q=0", "*/*"),
    ],
)
def test_none_of_them(header: str, shown: str) -> None:
    with pytest.raises(Refusal) as caught:
        choose(header)
    assert (caught.value.status, caught.value.code) == (406, "PGRST107")
    assert caught.value.message == f"None of these media types are available: {shown}"


def test_the_root_has_a_document() -> None:
    assert {choose(header, root=True) for header in (None, "*/*", "application/json", "application/openapi+json")} == {
        Format("openapi")
    }
    with pytest.raises(Refusal):
        choose("text/csv", root=True)


@given(
    st.text() | st.lists(st.sampled_from(["text/csv", ";", ",", "q=", "0.1", "9", "*/*", " ", "nulls=stripped"])).map("".join)
)
def test_any_text_is_read_or_refused(header: str) -> None:
    with suppress(Refusal):
        assert choose(header).kind in ("array", "object", "csv")
