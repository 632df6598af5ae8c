"""A filter that was written, read, bound and evaluated keeps the rows that a real PostgreSQL keeps."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.contracts.flux.binding.planner import OPERATORS, TYPES, Planner, sql
from tests.contracts.flux.syntax.rendering import Writer
from wattline.contracts.flux import binding
from wattline.contracts.flux.catalog import Type
from wattline.contracts.flux.errors import Refusal
from wattline.contracts.flux.evaluate.filter import keep
from wattline.contracts.flux.expression import Expression
from wattline.contracts.flux.syntax import query as syntax
from wattline.contracts.flux.syntax.ast import Condition, Field, Logic, Query, Step, Tree
from wattline.contracts.flux.syntax.operators import QUANTIFIED
from wattline.contracts.flux.values import literal

NOW = 1_704_110_400_000_000
SAMPLES: dict[Type, list[str]] = {
    Type.TIMESTAMPTZ: [
        "2024-01-01 12:00:00+00",
        "2024-01-01 12:00:00.5+00",
        "infinity",
        "1969-12-31 23:59:59+00",
        "2024-01-02",
    ],
    Type.UUID: [
        "123e4567-e89b-12d3-a456-426614174000",
        "00000000-0000-0000-0000-000000000000",
        "F23E4567E89B12D3A456426614174000",
    ],
    Type.FLOAT4: ["415.2", "-25", "0", "-0", "NaN", "Infinity", "1e-5"],
    Type.FLOAT8: ["415.2", "-25", "0", "NaN", "-Infinity", "1e300"],
    Type.INT2: ["0", "1", "-32768", "32767", "7"],
    Type.INT4: ["0", "1", "-5", "2147483647"],
    Type.INT8: ["0", "1", "-5", "9223372036854775807"],
    Type.BOOL: ["true", "false"],
    Type.TEXT: ["WLCE-BESS-01", "wlce_bess%02", "", "a,b", "null", "NULL", "é", " x ", "415.2"],
    Type.JSONB: ['{"a": 1, "b": [1, 2, {"c": "x"}]}', "null", "[]", '"a"', "5", '{"a": "1"}', '{"a": null, "b": {}}', "[1, 2]"],
}
BROKEN = ["abc", "", "1e999", "99999999999999999999", "1.5", "2024-13-01"]
PATTERNS = {
    "like": ["*BESS*", "%b_ss%", "*", "", "W*01", "_", "wlce\\_%"],
    "match": ["BESS", "^[A-Z]", "bess.0[12]$", "a|b", "", "(?i)", "^W.*-0\\d$"],
}
PATTERNS |= {"ilike": PATTERNS["like"], "imatch": PATTERNS["match"]}
PATHS = [
    (),
    (),
    (Step("a", False),),
    (Step("a", True),),
    (Step("b", False), Step("-1", False), Step("c", True)),
    (Step("b", False), Step("0", True)),
]
ROWS = 24
STATES = {"22P02", "22003", "22007", "22008", "42883", "42804", "42725"}
"""What may be wrong; of several faults either side may tell another first."""


def rows() -> list[dict[str, str | None]]:
    """Rows in which every sample occurs, in different company, and nulls."""
    draw = np.random.default_rng(5)
    made: list[dict[str, str | None]] = []
    for number in range(ROWS):
        row = {
            kind: [*texts, None][(number * (place + 1) + int(draw.integers(3))) % (len(texts) + 1)]
            for place, (kind, texts) in enumerate(SAMPLES.items())
        }
        made.append({f"c_{kind.value}": text for kind, text in row.items()})
    return made


@pytest.fixture(scope="module")
def table(planner: Planner) -> pa.Table:
    """The rows in memory; PostgreSQL has them too."""
    planner.connection.execute("TRUNCATE samples")
    names = [column.name for column in TYPES.columns]
    texts = rows()
    for number, row in enumerate(texts):
        places = ", ".join("%s" for _ in range(len(names) + 1))
        planner.connection.execute(f"INSERT INTO samples VALUES ({places})".encode(), [number, *(row[name] for name in names)])
    columns = {
        column.name: pa.array(
            [None if row[column.name] is None else literal.parse(column.type, str(row[column.name]), NOW) for row in texts],
            column.type.arrow,
        )
        for column in TYPES.columns
    }
    return pa.table({"row": pa.array(range(ROWS)), **columns})


def _array(texts: list[str | None]) -> str:
    return "{" + ",".join("NULL" if text is None else json.dumps(text, ensure_ascii=False) for text in texts) + "}"


@st.composite
def conditions(draw: st.DrawFn) -> Condition:
    """A condition on a column of any type, mostly with an operator and a literal that the type has."""
    kind = draw(st.sampled_from(Type))
    path: tuple[Step, ...] = draw(st.sampled_from(PATHS)) if kind is Type.JSONB else ()
    found = Type.TEXT if path and path[-1].text else kind
    texts = st.sampled_from(SAMPLES[found] * 3 + BROKEN)
    operators = ["eq", "neq", "gt", "gte", "lt", "lte", "isdistinct", "in", "is"]
    if found is Type.TEXT:
        operators += ["like", "ilike", "match", "imatch"]
    if found is Type.JSONB:
        operators += ["cs", "cd"]
    operator: Any = draw(st.sampled_from(operators) if draw(st.integers(0, 19)) else st.sampled_from(sorted(OPERATORS)))
    if operator in PATTERNS:
        texts = st.sampled_from(PATTERNS[operator])
    quantifier: Any = draw(st.sampled_from([None, None, "any", "all"])) if operator in QUANTIFIED else None
    if operator == "in":
        values = tuple(draw(st.lists(texts, max_size=3)))
    elif operator == "is":
        values = (draw(st.sampled_from(["null", "not_null", "true", "false", "unknown"] if found is Type.BOOL else ["null"])),)
    elif quantifier is not None:
        values = (_array(draw(st.lists(texts | st.none(), max_size=3))),)
    else:
        values = (draw(texts),)
    if operator in ("like", "ilike"):
        values = tuple(value.replace("*", "%") for value in values)
    return Condition(Field(f"c_{kind.value}", path), operator, values, draw(st.booleans()), quantifier)


trees: st.SearchStrategy[Tree] = st.recursive(
    conditions(),
    lambda inner: st.builds(
        Logic,
        kind=st.sampled_from(["and", "or"]),
        parts=st.lists(inner, min_size=1, max_size=3).map(tuple),
        negated=st.booleans(),
    ),
    max_leaves=5,
)


def where(tree: Tree) -> str:
    if isinstance(tree, Logic):
        inner = f" {tree.kind} ".join(f"({where(part)})" for part in tree.parts)
        return f"NOT ({inner})" if tree.negated else inner
    kind = next(kind for kind in Type if tree.field.name == f"c_{kind.value}")
    return sql(tree, kind)


@settings(deadline=None, max_examples=600)
@given(st.data(), trees)
def test_the_same_rows_are_kept(planner: Planner, table: pa.Table, data: st.DataObject, tree: Tree) -> None:
    text = Writer(data.draw).query(Query(filters=(((), tree),)))
    (((), parsed),) = syntax.parse(text).filters
    assert parsed == tree
    verdict = planner.verdict("samples", where(tree), "row")
    expression = _bound(parsed)
    if isinstance(expression, Refusal):
        assert verdict is not None, f"{where(tree)}: {expression.message}"
        assert verdict[0] in STATES
        assert expression.code in STATES
        return
    assert verdict is None, f"{verdict} for {where(tree)}"
    wanted = planner.connection.execute(f"SELECT row FROM samples WHERE {where(tree)} ORDER BY row".encode()).fetchall()
    assert keep(table, expression)["row"].to_pylist() == [row for (row,) in wanted], where(tree)


def _bound(tree: Tree) -> Expression | Refusal:
    try:
        return binding.condition(TYPES, tree, NOW)
    except Refusal as refusal:
        return refusal
