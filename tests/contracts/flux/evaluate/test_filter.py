"""The evaluator against a row-by-row one and against PostgreSQL itself."""

from __future__ import annotations

import psycopg
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import sql

from tests.contracts.flux.evaluate.brute import holds
from tests.contracts.flux.evaluate.oracle import condition
from tests.contracts.flux.evaluate.specimens import FILTERS, TABLE, VALUES
from wattline.contracts.flux.catalog import Type
from wattline.contracts.flux.errors import Refusal
from wattline.contracts.flux.evaluate.filter import check, keep, mask
from wattline.contracts.flux.expression import Among, Both, Compare, Contains, Either, Embedded, Expression, Match, Not, Ref

LISTED = [dict(zip(VALUES, row, strict=True)) for row in zip(*VALUES.values(), strict=True)]


@given(FILTERS)
@settings(max_examples=300)
def test_columns_give_what_rows_give(expression: Expression) -> None:
    assert mask(TABLE, expression).to_pylist() == [holds(expression, row) for row in LISTED]


@given(FILTERS)
@settings(max_examples=50)
def test_an_empty_table_has_an_empty_mask(expression: Expression) -> None:
    assert len(mask(TABLE.slice(0, 0), expression)) == 0


@given(st.lists(FILTERS, min_size=60, max_size=60))
@settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck))
def test_columns_give_what_postgresql_gives(specimens: psycopg.Connection, expressions: list[Expression]) -> None:
    columns = sql.SQL(", ").join(map(condition, expressions))
    answers = specimens.execute(sql.SQL("SELECT {} FROM specimens ORDER BY row").format(columns)).fetchall()
    for place, expression in enumerate(expressions):
        assert mask(TABLE, expression).to_pylist() == [row[place] for row in answers], expression


def test_both_zeros_are_one_value_among_several() -> None:
    table = pa.table({"f": pa.array([0.0, -0.0, 1.0, 2.0, float("nan"), None], pa.float32())})
    for zero in (0.0, -0.0):
        among = Among(Ref("f", Type.FLOAT4), "eq", (zero, 2.0, float("nan")))
        assert mask(table, among).to_pylist() == [True, True, False, True, True, None]


def test_only_rows_that_are_true_are_kept() -> None:
    table = pa.table({"f": pa.array([1, None, 3], pa.float32())})
    greater = Compare(Ref("f", Type.FLOAT4), "gt", 2.0)
    assert keep(table, greater)["f"].to_pylist() == [3]
    assert keep(table, Not(greater))["f"].to_pylist() == [1]
    assert keep(table, None) is table


def test_a_filter_on_embeds_goes_by_what_is_told_of_them() -> None:
    table = pa.table({"f": pa.array([1, 2, None], pa.float32())})
    there = {"types": pa.array([True, False, True])}
    one = Compare(Ref("f", Type.FLOAT4), "eq", 1.0)
    assert mask(table, Embedded("types"), there).to_pylist() == [True, False, True]
    assert mask(table, Both((Not(Embedded("types")), one)), there).to_pylist() == [False, False, False]
    assert mask(table, Either((Embedded("types"), one)), there).to_pylist() == [True, False, True]


def test_columns_in_several_chunks_are_read_whole() -> None:
    column = pa.chunked_array([[1.0], [2.0, None]], pa.float32())
    assert mask(pa.table({"f": column}), Compare(Ref("f", Type.FLOAT4), "gte", 2.0)).to_pylist() == [False, True, None]


def test_documents_too_deep_to_walk_are_refused() -> None:
    deep = "[" * 900 + "]" * 900
    wanted = Contains(Ref("j", Type.JSONB), "cs", deep)
    with pytest.raises(Refusal) as refused:
        mask(pa.table({"j": [deep]}), wanted)
    assert (refused.value.status, refused.value.code) == (400, "54001")


@pytest.mark.parametrize(("operator", "pattern", "code"), [("match", "(", "2201B"), ("like", "a\\", "22025")])
def test_a_pattern_is_checked_without_a_row(operator: str, pattern: str, code: str) -> None:
    with pytest.raises(Refusal) as refused:
        check(Not(Both((Match(Ref("s", Type.TEXT), operator, ("ok", pattern)),))))  # type: ignore[arg-type]
    assert (refused.value.status, refused.value.code) == (400, code)
