"""Full text against PostgreSQL's `simple` configuration, on texts of plain words."""

from __future__ import annotations

import psycopg
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from wattline.contracts.flux.errors import Refusal
from wattline.contracts.flux.evaluate.search import parse, search

WORDS = ["a", "ab", "b", "bess", "Battery", "two"]
TEXTS = [
    "", "a", "A b", "a, b. Two!", "ab a b", "b a", "two b a", "bess", "The Battery (bess) a", "battery two",
    "BESS two a b ab", "abc b c",
]  # fmt: skip
FUNCTIONS = {"fts": "to_tsquery", "plfts": "plainto_tsquery", "phfts": "phraseto_tsquery", "wfts": "websearch_to_tsquery"}
PLAIN = st.lists(st.sampled_from(WORDS), max_size=3).map(" ".join)
OPERANDS = st.sampled_from([*WORDS, "ab:*", "b:*", "'two'", "a <-> b", "a <2> b", "two <-> b:*", "a <-> b <-> ab"])
TREES = st.recursive(
    OPERANDS,
    lambda parts: st.one_of(
        parts.map(lambda part: f"!({part})"),
        st.tuples(parts, st.sampled_from([" & ", "|"]), parts).map(lambda three: f"({three[0]}){three[1]}({three[2]})"),
        st.tuples(parts, parts, parts).map(lambda three: f"{three[0]} & {three[1]} | {three[2]}"),
    ),
    max_leaves=4,
)
WEB = st.lists(st.sampled_from([*WORDS, '"a b"', "-a", '-"two b"', "or", "OR"]), max_size=5).map(" ".join)


def ours(kind: str, query: str) -> list[bool]:
    """Which texts match."""
    return search(pa.array(TEXTS), parse(kind, query, None)).to_pylist()


def theirs(connection: psycopg.Connection, kind: str, query: str) -> list[bool]:
    """The same by PostgreSQL."""
    made = f"{FUNCTIONS[kind]}('simple', %s)"
    statement = f"SELECT to_tsvector('simple', t) @@ {made} FROM unnest(%s::text[]) WITH ORDINALITY u (t, n) ORDER BY n"
    return [row[0] for row in connection.execute(statement.encode(), (query, TEXTS))]


@given(st.one_of(*(st.tuples(st.just(kind), PLAIN) for kind in ("plfts", "phfts")), st.tuples(st.just("fts"), TREES)))
@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
def test_queries_find_what_postgresql_finds(specimens: psycopg.Connection, asked: tuple[str, str]) -> None:
    assert ours(*asked) == theirs(specimens, *asked)


@given(WEB)
@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
def test_web_queries_find_what_postgresql_finds(specimens: psycopg.Connection, query: str) -> None:
    assert ours("wfts", query) == theirs(specimens, "wfts", query)


@pytest.mark.parametrize("query", ["a b", "a &", "& a", "(a", "a)", "!", "a <-> ", "'"])
def test_a_malformed_query_is_a_syntax_error(specimens: psycopg.Connection, query: str) -> None:
    with pytest.raises(psycopg.Error) as error:
        theirs(specimens, "fts", query)
    with pytest.raises(Refusal) as refused:
        parse("fts", query, None)
    assert (refused.value.status, refused.value.code) == (400, error.value.sqlstate)


@pytest.mark.parametrize(("query", "language"), [("cat", "english"), ("(a | b) <-> c", None), ("a <65> b", None)])
def test_what_is_not_offered_is_refused(query: str, language: str | None) -> None:
    with pytest.raises(Refusal) as refused:
        parse("fts", query, language)
    assert (refused.value.status, refused.value.code) == (400, "PGRST127")


@pytest.mark.parametrize(
    ("query", "code"),
    [("(" * 5000 + "a" + ")" * 5000, "54001"), ("!" * 5000 + "a", "54001"), (" <64> ".join("a" * 200), "54000")],
    ids=["parentheses", "negations", "phrase"],
)
def test_what_is_too_large_is_refused(query: str, code: str) -> None:
    with pytest.raises(Refusal) as refused:
        parse("fts", query, None)
    assert (refused.value.status, refused.value.code) == (400, code)


def test_of_null_nothing_is_known() -> None:
    assert search(pa.array(["a", None]), parse("fts", "!a", "simple")).to_pylist() == [False, None]
    assert search(pa.array(["a", None]), parse("fts", "", None)).to_pylist() == [False, None]
