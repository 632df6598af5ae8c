"""Pages against brute force, whatever is made and removed between two of them."""

from __future__ import annotations

import contextlib
from typing import Any
from urllib.parse import parse_qs, urlsplit

from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request

from wattline.contracts.joulepoint import etags, paging
from wattline.contracts.joulepoint.paging import Asked
from wattline.contracts.joulepoint.problem import Problem
from wattline.model.errors import Stale

ROWS = st.sets(st.integers(1, 60), max_size=25)


def page(rows: set[int], asked: Asked) -> dict[str, Any]:
    scope = {"type": "http", "path": "/api/energy/meters", "query_string": b"limit=3&kind=grid", "headers": [(b"host", b"h")]}
    return paging.page(Request(scope), sorted(rows), lambda row: row, asked, lambda row: row)


def follow(link: str, limit: int) -> Asked:
    query = parse_qs(urlsplit(link).query)
    assert query["kind"] == ["grid"]
    return Asked(limit, paging.read(query["cursor"][0]))


@given(ROWS, st.integers(1, 9), st.lists(st.tuples(ROWS, ROWS), max_size=12))
def test_every_row_that_stays_is_on_one_page_whichever_way_one_goes(
    rows: set[int], limit: int, changes: list[tuple[set[int], set[int]]]
) -> None:
    for step in ("next", "previous"):
        present, ever = set(rows), set(rows)
        asked = Asked(limit, None if step == "next" else paging.Cursor((paging.LARGEST,), True))
        seen: list[int] = []
        coming = iter(changes)
        while True:
            found = page(present, asked)
            results = found["results"]
            assert found["count"] == len(present)
            assert set(results) <= present
            assert len(results) <= limit
            seen = seen + results if step == "next" else results + seen
            if found[step] is None:
                break
            asked = follow(found[step], limit)
            made, removed = next(coming, (set(), set()))
            present, ever = (present | made) - removed, ever & ((present | made) - removed)
        assert seen == sorted(set(seen))
        assert ever <= set(seen)


@given(st.text(max_size=80))
def test_a_text_is_a_cursor_or_a_problem(text: str) -> None:
    with contextlib.suppress(Problem):
        found = paging.read(text)
        assert paging.read(found.text()) == found


TAGS = st.lists(st.tuples(st.booleans(), st.integers(1, 5)), max_size=5)


@given(TAGS, st.integers(1, 5))
def test_a_condition_is_met_by_the_present_version_alone(tags: list[tuple[bool, int]], version: int) -> None:
    text = ", ".join(f'{"W/" if weak else ""}"{number}"' for weak, number in tags)
    strong = any(not weak and number == version for weak, number in tags)
    either = any(number == version for _, number in tags)
    assert etags.unchanged({"if-none-match": text}, version) == either
    try:
        assert etags.expected({"if-match": text}, version) == version
    except Stale:
        assert not strong
    else:
        assert strong
    try:
        assert etags.expected({"if-none-match": text}, version) is None
    except Stale:
        assert either
    else:
        assert not either
