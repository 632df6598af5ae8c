"""Whole tables as JSON and CSV, compared with PostgreSQL's `row_to_json` and records."""

from __future__ import annotations

import csv
import io
import json
from typing import Any, LiteralString
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wattline.contracts.flux.catalog import Type
from wattline.contracts.flux.values import encode, jsonb, times
from wattline.contracts.flux.values.encode import Output
from wattline.contracts.flux.values.scalar import Scalar

from .conftest import Oracle
from .refusals import BATCH

OUTPUTS = [
    Output("t", Type.TIMESTAMPTZ),
    Output("u", Type.UUID),
    Output("r", Type.FLOAT4),
    Output("d", Type.FLOAT8),
    Output("i", Type.INT2),
    Output("b", Type.BOOL),
    Output("s", Type.TEXT),
    Output("j", Type.JSONB),
    Output("r2", Type.FLOAT4),
]
TEXTS = st.one_of(
    st.sampled_from(["", " ", "a b", 'say "x"', "a\\b", "(x)", "a,b", "x\ny", "t\tv", "é", "\x7f", "\x01", "\u2028", "null"]),
    st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=5),
)
VALUES: list[st.SearchStrategy[Any]] = [
    st.one_of(st.integers(-(10**15), 10**16), st.sampled_from([2**63 - 1, -(2**63), 0])),
    st.uuids().map(str),
    st.floats(width=32),
    st.floats(),
    st.integers(-(2**15), 2**15 - 1),
    st.booleans(),
    TEXTS,
    st.recursive(
        st.one_of(st.none(), st.integers(), TEXTS),
        lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(TEXTS, inner, max_size=3)),
        max_leaves=5,
    ).map(lambda value: jsonb.normalise(json.dumps(value))),
    st.floats(1e5, 1e8, width=32),
]
RECORDS = st.lists(st.tuples(*(st.one_of(st.none(), value) for value in VALUES)), min_size=20, max_size=60)


def table(rows: list[tuple[Any, ...]], outputs: list[Output] = OUTPUTS) -> pa.Table:
    columns = [pa.array([row[place] for row in rows], output.kind.arrow) for place, output in enumerate(outputs)]
    return pa.Table.from_arrays(columns, [str(place) for place in range(len(outputs))])


def theirs(oracle: Oracle, rows: list[tuple[Any, ...]], what: LiteralString) -> list[str]:
    """What PostgreSQL makes of each row: an expression over a `record`."""
    given = []
    for number, row in enumerate(rows):
        named = {output.name: repr(v) if isinstance(v, float) else v for output, v in zip(OUTPUTS, row, strict=True)}
        time = None if row[0] is None else times.one(row[0], None, json=False)
        given.append(named | {"t": time, "n": number})
    query = """
        FROM json_to_recordset(%s::json) AS a(
            n int, t timestamptz, u uuid, r float4, d float8, i int2, b bool, s text, j text, r2 float4),
        LATERAL (SELECT a.t, a.u, a.r, a.d, a.i, a.b, a.s, a.j::jsonb AS j, a.r2) AS record ORDER BY n"""
    return [row[0] for row in oracle.connection.execute("SELECT " + what + query, (json.dumps(given),))]


@BATCH
@given(RECORDS)
def test_json_is_that_of_row_to_json(session_oracle: Oracle, rows: list[tuple[Any, ...]]) -> None:
    session_oracle.zone("UTC")
    expected = theirs(session_oracle, rows, "row_to_json(record)::text")
    assert encode.json_rows(table(rows), OUTPUTS).to_pylist() == expected
    assert b"".join(encode.json_array(table(rows), OUTPUTS)).decode() == "[" + ",".join(expected) + "]"


@BATCH
@given(RECORDS)
def test_nulls_are_stripped_from_rows_as_postgresql_strips_them(session_oracle: Oracle, rows: list[tuple[Any, ...]]) -> None:
    session_oracle.zone("UTC")
    rows = [*rows, tuple(None for _ in OUTPUTS)]
    expected = [
        json.loads(text, parse_float=str)
        for text in theirs(session_oracle, rows, "json_strip_nulls(row_to_json(record))::text")
    ]
    found = encode.json_rows(table(rows), OUTPUTS, None, stripped=True).to_pylist()
    assert [json.loads(text, parse_float=str) for text in found] == expected
    assert [list(json.loads(text)) for text in found] == [list(row) for row in expected]


@BATCH
@given(RECORDS)
def test_csv_is_that_of_records(session_oracle: Oracle, rows: list[tuple[Any, ...]]) -> None:
    session_oracle.zone("Asia/Kathmandu")
    lines = theirs(session_oracle, rows, "substring(record::text, 2, length(record::text) - 2)")
    expected = "\n".join(["t,u,r,d,i,b,s,j,r2", *lines])
    assert b"".join(encode.csv(table(rows), OUTPUTS, ZoneInfo("Asia/Kathmandu"))).decode() == expected


def test_csv_is_read_back_by_any_reader() -> None:
    texts = ['say "x"', "a,b", "x\ny", "", None]
    made = b"".join(encode.csv(pa.table({"s": pa.array(texts)}), [Output('na"me', Type.TEXT)])).decode()
    assert list(csv.reader(io.StringIO(made)))[:5] == [['na"me'], ['say "x"'], ["a,b"], ["x\ny"], [""]]


def test_answers_without_rows_or_columns() -> None:
    empty = table([])
    assert b"".join(encode.json_array(empty, OUTPUTS)) == b"[]"
    assert b"".join(encode.json_array(empty, OUTPUTS, None, stripped=True)) == b"[]"
    assert b"".join(encode.csv(empty, OUTPUTS)) == b"\n"
    assert encode.json_rows(empty, OUTPUTS).to_pylist() == []
    two = pa.table({"a": [1, 2]}).select([])
    assert b"".join(encode.json_array(two, [])) == b"".join(encode.json_array(two, [], None, stripped=True)) == b"[{},{}]"
    assert encode.json_rows(two, []).to_pylist() == ["{}", "{}"]


def test_keys_are_escaped_and_may_repeat() -> None:
    made = pa.Table.from_arrays([pa.array([1]), pa.array([2])], ["a", "b"])
    outputs = [Output('a"b', Type.INT8), Output('a"b', Type.INT8)]
    assert b"".join(encode.json_array(made, outputs)) == b'[{"a\\"b":1,"a\\"b":2}]'


def test_embedded_json_is_taken_as_it_is() -> None:
    made = pa.table({"m": ['[{"z":1e+06,"a":null}]', None]})
    assert b"".join(encode.json_array(made, [Output("m", Scalar.JSON)])) == b'[{"m":[{"z":1e+06,"a":null}]},{"m":null}]'
    assert b"".join(encode.json_array(made, [Output("m", Scalar.JSON)], None, stripped=True)) == b'[{"m":[{"z":1e+06}]},{}]'


@pytest.mark.parametrize("rows", [1, encode.SLICE, encode.SLICE + 1, 3 * encode.SLICE - 1])
def test_a_long_answer_comes_in_pieces_of_bounded_size(rows: int) -> None:
    values = np.arange(rows)
    # In several chunks whose borders are not those of the pieces.
    chunks = pa.chunked_array([values[: rows // 3], values[rows // 3 :]])
    made = pa.table({"n": chunks, "r": pa.array(values.astype(np.float32))})
    outputs = [Output("n", Type.INT8), Output("r", Type.FLOAT4)]
    pieces = list(encode.json_array(made, outputs))
    assert len(pieces) == -(-rows // encode.SLICE) + 1
    assert json.loads(b"".join(pieces)) == [{"n": number, "r": number} for number in range(rows)]
    lines = b"".join(encode.csv(made, outputs)).decode().split("\n")
    assert lines == ["n,r", *(f"{number},{number}" for number in range(rows))]
