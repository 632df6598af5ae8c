"""Literals of every type, compared with what PostgreSQL makes of the same text."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wattline.contracts.flux.catalog import Type
from wattline.contracts.flux.errors import Refusal
from wattline.contracts.flux.values import columns, literal

from .conftest import Oracle
from .refusals import BATCH, forms, told

FLOATS = forms("""1|1.5|1e50|1e-60|1e-46|1e-45|7e-46|1.4e-45|3.4028235e38|3.4028236e38|nan|NaN|-nan|+nan|inf|-Infinity|+inf
Infinityx||  1.5 |1_0|0x10|0x1p3|0x1.8p1|.5|5.|.|1e|1e5|+1|--1|abc|1,5|١|0e999|0e-999|1e99999999999|0x1p9999|0|-0|infinit|1e400
16777217|16777217.0000001|0x|\v1|1e-400|in|-|+| |1 2|1d|1.5e3.2|4.5|415.2""")
INTEGERS = forms("""1|-1|+1|4.5|70000|32767|32768|-32768|-32769|0x1F|0x1f|0b101|0o17|017|0_1|1_000|1__0|_1|1_|0x_1F|0x|1e2| 12 |
abc|-0|99999999999999999999999|00012|0B1|0X1|+0x1|-0x8000|- 1|0_x1|0x1_|1 2|9223372036854775807|9223372036854775808|3000000000.5
-9223372036854775808|2147483648|327680x|99999999999999999999999999e5""")
LONG = ["0" * 70 + "1", "1" * 5000, "1" * 5000 + "."]
BOOLS = forms("t|T|tr|tru|true|TRUE|truex|f|fa|false|y|ye|yes|n|no|on|of|off|o|1|0|2|10| true ||offf|nope")
UUIDS = forms("""123E4567-E89B-12D3-A456-426614174000|{123e4567-e89b-12d3-a456-426614174000}|123e4567e89b12d3a456426614174000
123e-4567-e89b-12d3-a456-4266-1417-4000|123e4567-e89b-12d3-a456-42661417400|{123e4567-e89b-12d3-a456-426614174000
123e4567-e89b-12d3-a456-426614174000}| 123e4567-e89b-12d3-a456-426614174000||123e4567--e89b12d3a456426614174000
meter-uuid|123e4567-e89b-12d3-a456-426614174000-|12-3e4567e89b12d3a456426614174000""")
FORMS = [
    (Type.FLOAT4, FLOATS),
    (Type.FLOAT8, FLOATS),
    (Type.INT2, [*INTEGERS, *LONG]),
    (Type.INT4, INTEGERS),
    (Type.INT8, INTEGERS),
    (Type.BOOL, BOOLS),
    (Type.UUID, UUIDS),
    (Type.TEXT, ["", " a ", "é", "'"]),
]


def expected(kind: Type, answer: tuple[str | None, ...]) -> Any:
    """A value as `literal.parse` gives it, or a refusal, of what the oracle says."""
    if len(answer) > 1 or answer[0] is None:
        return answer
    if kind is Type.FLOAT4:
        return float(np.float32(answer[0]))
    if kind is Type.FLOAT8:
        return float(answer[0])
    if kind is Type.BOOL:
        return answer[0] == "true"
    return int(answer[0]) if kind in {Type.INT2, Type.INT4, Type.INT8} else answer[0]


def same(ours: Any, theirs: Any) -> bool:
    """Equal, and of floats also in sign, NaN being equal to itself."""
    if isinstance(ours, float) and isinstance(theirs, float):
        return (math.isnan(ours) and math.isnan(theirs)) or (ours == theirs and str(ours) == str(theirs))
    return bool(ours == theirs) and isinstance(ours, type(theirs))


def compare(oracle: Oracle, kind: Type, texts: list[str]) -> None:
    """Every text by itself, and all that are values as one column."""
    values = []
    for text, answer in zip(texts, oracle.cast(texts, kind.value), strict=True):
        ours, theirs = told(lambda text=text: literal.parse(kind, text, 0)), expected(kind, answer)
        assert same(ours, theirs), (text, ours, theirs)
        if not isinstance(theirs, tuple):
            values.append((text, theirs))
    strings = pa.array([text for text, _ in values] + [None], pa.string())
    column = columns.parse(kind, strings, 0)
    assert column.type == kind.arrow
    assert column[-1].as_py() is None
    for (text, theirs), ours in zip(values, column[:-1].to_pylist(), strict=True):
        assert same(ours, theirs), (text, ours, theirs)


@pytest.mark.parametrize(("kind", "texts"), FORMS, ids=[kind.value for kind, _ in FORMS])
def test_every_form_is_read_as_postgresql_reads_it(oracle: Oracle, kind: Type, texts: list[str]) -> None:
    compare(oracle, kind, texts)


decimals = st.from_regex(r"[+-]?[0-9]{1,12}(\.[0-9]{0,12})?([eE][+-]?[0-9]{1,2})?", fullmatch=True)
halfway = st.integers(2**24, 2**25 - 1).map(lambda whole: f"{2 * whole + 1}e0")
near_halfway = st.tuples(st.integers(2**24, 2**25 - 1), st.sampled_from(["", ".0000000000001", ".00"])).map(
    lambda pair: f"{2 * pair[0] + 1}{pair[1]}"
)


@BATCH
@given(st.lists(st.one_of(decimals, halfway, near_halfway, st.text("0123456789.eE+-xX_ naifty", max_size=8)), min_size=50))
def test_any_number_is_read_as_postgresql_reads_it(session_oracle: Oracle, texts: list[str]) -> None:
    for kind in (Type.FLOAT4, Type.FLOAT8, Type.INT4):
        # PostgreSQL leaves names such as nan(1) to the C library, and they are of no use to anyone.
        compare(session_oracle, kind, [text for text in texts if "nan(" not in text])


def test_an_error_in_a_column_is_that_of_its_first_bad_text() -> None:
    with pytest.raises(Refusal, match='"x"'):
        columns.parse(Type.INT2, pa.array(["1", None, "x", "70000", "y"]), 0)


def test_text_that_is_no_utf8_or_has_a_nul_is_refused() -> None:
    for text, shown in (("a\0b", "0x00"), ("\ud800", "0xed 0xa0 0x80")):
        for kind in (Type.TEXT, Type.JSONB, Type.INT2):
            found = told(lambda text=text, kind=kind: literal.parse(kind, text, 0))
            assert found == ("22021", f'invalid byte sequence for encoding "UTF8": {shown}', None, None)


ARRAYS = forms(
    '{a,b}|{}|{ }|{"a,b"}|{a b, c }|{NULL,null,"NULL"}|{a,}|{,a}|{a,,b}|{"a\\"b",c\\,d}|a|{a|{a}}|{a}x| {a} ||{""}|{a{b}|'
    '{\\ a}|{a\\ }|{"a" , "b"}|null|{\\NULL}|{é}'
)


def test_array_literals_are_read_as_postgresql_reads_them(oracle: Oracle) -> None:
    for text, answer in zip(ARRAYS, oracle.cast(ARRAYS, "text[]"), strict=True):
        theirs: Any = answer
        if len(answer) == 1:
            theirs = tuple(oracle.connection.execute("SELECT %s::text[]", (text,)).fetchone()[0])  # type: ignore[index]
        assert told(lambda text=text: literal.array(Type.TEXT, text, 0)) == theirs


def test_elements_of_an_array_are_of_its_type() -> None:
    assert literal.array(Type.FLOAT4, '{1.1,NULL,"NaN"}', 0)[:2] == (float(np.float32(1.1)), None)
    assert literal.array(Type.TIMESTAMPTZ, "{1970-01-01 00:00:01}", 0) == (1_000_000,)
    with pytest.raises(Refusal, match='uuid: "meter-uuid"'):
        literal.array(Type.UUID, "{meter-uuid}", 0)
    with pytest.raises(Refusal, match="malformed array literal"):
        literal.array(Type.UUID, "{{a}}", 0)
