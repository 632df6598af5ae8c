"""Regular expressions: what is translated matches what PostgreSQL matches, and the rest is refused."""

from __future__ import annotations

import psycopg
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from wattline.contracts.flux.errors import Refusal
from wattline.contracts.flux.evaluate.pattern import match

TEXTS = [
    "", "a", "ab", "aab", "b", "A", "a\nb", "\n", "foo bar", "foo", "foobar", "bar foo", "WLCE-BESS-01",
    "x_1", "12", "a.b", "a+b", "[x]",
    "\\", "\x08", "\t", "(a)", "a{2}", "é", "-", "^", "]", "aaa", "ba", " ",
]  # fmt: skip
ATOMS = [
    "a", "b", "foo", ".", "^", "$", "|", "(", ")", "(?:", "*", "+", "?", "*?", "+?", "??", "{2}", "{1,2}",
    "{1,}", "{1,2}?", "{", "}",
    "[ab]", "[^a]", "[a-c]", "[]a]", "[^]a]", "[a-]", "[[:digit:]]", "[^[:alpha:]_]", r"[\d]", r"[\w-]",
    r"[a\]]", r"[\\]", "[.]",
    r"\d", r"\D", r"\w", r"\W", r"\s", r"\S", r"\y", r"\Y", r"\A", r"\Z", r"\mfoo", r"foo\M", r"a\M", r"\b",
    r"\B", r"\.", r"\(",
    r"\\", r"\t", r"\n", r"\x61", r"\u0061", "-", "_", " ", "é", "[[:<:]]foo", "foo[[:>:]]", "(?#note)",
]  # fmt: skip
PATTERNS = st.lists(st.sampled_from(ATOMS), min_size=1, max_size=4).map("".join)
PREFIXES = st.sampled_from(["", "", "", "(?i)", "(?n)", "(?s)", "***:", "***=", "(?q)"])


def ours(pattern: str, operator: str = "match") -> list[bool] | str:
    """Which texts match, or the code of the refusal."""
    try:
        return match(pa.array(TEXTS), operator, (pattern,), every=False).to_pylist()  # type: ignore[arg-type]
    except Refusal as refusal:
        return refusal.code if refusal.status == 400 else f"{refusal.status} {refusal.code}"


def theirs(connection: psycopg.Connection, pattern: str, operator: str = "~") -> list[bool] | str | None:
    """The same by PostgreSQL."""
    try:
        statement = f"SELECT t {operator} %s FROM unnest(%s::text[]) WITH ORDINALITY u (t, n) ORDER BY n"
        return [row[0] for row in connection.execute(statement.encode(), (pattern, TEXTS))]
    except psycopg.DataError as error:
        return error.sqlstate


@given(PREFIXES, PATTERNS, st.sampled_from([("match", "~"), ("imatch", "~*")]))
@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
def test_patterns_match_what_they_match_in_postgresql(
    specimens: psycopg.Connection, prefix: str, body: str, operators: tuple[str, str]
) -> None:
    pattern = prefix + body
    found, expected = ours(pattern, operators[0]), theirs(specimens, pattern, operators[1])
    # What RE2 has no word for may be refused; nothing may be matched in another sense.
    assert found in (expected, "2201B"), pattern


@pytest.mark.parametrize(
    "atom", [atom for atom in ATOMS if atom not in ("(", ")", "(?:", "*", "+", "?", "*?", "+?", "??", "(?#note)")]
)
def test_every_atom_is_understood(specimens: psycopg.Connection, atom: str) -> None:
    pattern = f"b{atom}" if atom.startswith(("{1", "{2")) else atom
    assert ours(pattern) == theirs(specimens, pattern)


@pytest.mark.parametrize(
    "pattern",
    [r"(a)\1", "(?=a)", "(?!a)", "(?<=a)b", "(?<!a)b", "[[.a.]]", "[[=a=]]", r"\m", r"\M", r"\m.", "(?x)a b", "a{256}"],
)
def test_what_re2_cannot_say_is_refused(pattern: str) -> None:
    assert ours(pattern) == "2201B"


@pytest.mark.parametrize(
    "pattern",
    ["(", ")", "[", "[a", "*", "a**", "a{2,1}", "a{1", "(?P<n>a)", "\\", "[[:nosuch:]]", "[b-a]", "(*)", "|*", r"\x", r"\u12"],
)
def test_what_is_wrong_is_refused_as_postgresql_refuses_it(specimens: psycopg.Connection, pattern: str) -> None:
    assert ours(pattern) == theirs(specimens, pattern) == "2201B"


def test_a_pattern_that_would_take_too_much_memory_is_refused() -> None:
    assert ours("(" * 20 + "a{2}" + "){2}" * 20) == "2201B"
