"""Whatever can be asked can be written and is read back the same; whatever is written is read or refused."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.contracts.flux.syntax.rendering import Writer, queries
from wattline.contracts.flux.errors import Refusal
from wattline.contracts.flux.syntax import query as syntax
from wattline.contracts.flux.syntax.ast import Query

PIECES = [
    *'()[]{}"\\.,:!*=&+%-> \t\n\0é$',
    *("select=", "order=", "limit=", "offset=", "and=", "or=", "columns=", "on_conflict=", "not.", "soe=", "time=", "rel."),
    *("eq.", "in.(", "is.", "like(any).{", "fts(english).", "and(", "or=(", "not.and(", "->>", "->", "...", "::", "count()"),
    *("!inner", ".desc", ".nullsfirst", ".avg()", "null", "50", "%22", "%2C", "%ff", "%00", "%", "&"),
]
scraps = st.lists(st.sampled_from(PIECES), max_size=30).map("".join)


def parsed(query: str, *, function: bool = False) -> Query | Refusal:
    try:
        return syntax.parse(query, function=function)
    except Refusal as refusal:
        return refusal


@settings(deadline=None, max_examples=250)
@given(st.data(), queries)
def test_what_is_written_is_read_back(data: st.DataObject, query: Query) -> None:
    assert syntax.parse(Writer(data.draw).query(query)) == query


@settings(deadline=None, max_examples=400)
@given(scraps | st.text(), st.booleans())
def test_any_text_is_read_or_refused(text: str, function: bool) -> None:
    answer = parsed(text, function=function)
    if isinstance(answer, Refusal):
        assert answer.status == 400
        assert answer.code in ("PGRST100", "22021", "22003", "42601")
        assert answer.code != "PGRST100" or str(answer.details).startswith("unexpected ")
        assert b'"hint"' in answer.body


@settings(deadline=None, max_examples=100)
@given(st.data(), queries, st.integers(0, 400), scraps)
def test_a_damaged_query_is_read_or_refused(data: st.DataObject, query: Query, place: int, scrap: str) -> None:
    whole = Writer(data.draw).query(query)
    answer = parsed(whole[:place] + scrap + whole[place + len(scrap) :])
    assert isinstance(answer, Query) or answer.status == 400


@pytest.mark.parametrize(
    "hostile",
    [
        "or=" + "(and" * 20_000,
        "or=(" + "or(" * 20_000 + "a.eq.1" + ")" * 20_001,
        "select=" + "a(" * 30_000,
        "select=" + "a" * 60_000,
        "select=" + "-a" * 30_000,
        "select=" + "a-" * 30_000,
        "select=" + "a:" * 30_000,
        "select=" + "a," * 30_000,
        "select=a" + "->b" * 20_000,
        "select=" + '"' * 60_001,
        "select=" + '"\\' * 30_000,
        "order=" + " " * 60_000,
        "order=" + "a.desc," * 8_000,
        "a=in.(" + '"' * 60_001,
        "a=in.(" + '"a,' * 20_000,
        "a=in.(" + " " * 60_000,
        "a=in.(" + " ,x" * 20_000,
        "or=(" + "a.eq.{," * 8_000,
        "or=(" + 'a.eq.{",' * 8_000,
        "or=(" + 'a.eq.{"\\' * 8_000,
        "or=(" + 'a.eq.",' * 8_000,
        "or=(" + "a.eq.1, " * 8_000,
        "or=(" + " not." * 12_000,
        "a=" + "not." * 15_000,
        "a=eq(" * 12_000,
        "a=1&" * 16_000,
        "a.b" * 20_000 + "=eq.1",
        "limit=" + "9" * 60_000,
        "limit=" + "9" * 60_000 + "x",
        "a=eq." + "%41" * 20_000,
        "a=fts(" + "x" * 60_000,
    ],
)
def test_long_input_takes_no_longer_than_its_length_asks_for(hostile: str) -> None:
    started = time.process_time()
    parsed(hostile)
    parsed(hostile, function=True)
    # What takes as long as its square or more does not end within minutes; how fast the rest is, is for the benches.
    assert time.process_time() - started < 30
