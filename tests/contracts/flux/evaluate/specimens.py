"""A table with every kind of value that has a trap in it, and filters on it."""

from __future__ import annotations

import struct
from typing import Any

import pyarrow as pa
from hypothesis import strategies as st

from wattline.contracts.flux.catalog import Type
from wattline.contracts.flux.expression import (
    Among,
    Both,
    Compare,
    Contains,
    Either,
    Expression,
    Is,
    Match,
    Not,
    Ref,
)
from wattline.contracts.flux.syntax.ast import Step

NAN, INFINITY = float("nan"), float("inf")


def real(value: float) -> float:
    """A number as a float4 holds it."""
    return float(struct.unpack("f", struct.pack("f", value))[0])


REALS = [0.0, -0.0, 1.0, -2.5, real(415.2), NAN, INFINITY, -INFINITY, real(1e-40), real(3e38)]
INTEGERS = [0, 1, -1, 7, 2**31 - 1, -(2**31)]
TEXTS = [
    "",
    "a",
    "B",
    "ab",
    "aB",
    "a\nb",
    "WLCE-BESS-01",
    "a%b",
    "a_b",
    "a\\b",
    "é",
    "ß",
    "zz",
    "Z",
    "\U0001f50b",
    "\uffff",
    "1 2",
]
DOCUMENTS = [
    "null", "true", "false", "0", "1", "1.0", "-1.5", "100", '""', '"a"', '"B"', '"aa"', "[]", "{}", "[1]", "[1, 2]",
    "[2]", '["a"]', "[[1, 2], 3]", '[{"a": 1}]', '{"a": 1}', '{"a": 2}', '{"b": 1}', '{"a": 1.00, "b": 2}',
    '{"b": 1, "aa": 1}', '{"a": null}', '{"a": [1, 2]}', '{"a": {"b": "x"}}', '{"a": {"b": "x", "c": [true, false]}}',
    '{"a": "1"}', "[null]", "[[]]", "[[1]]", '{"a": []}',
]  # fmt: skip
TIMES = [0, 1, -1, 1_704_110_400_000_000, 1_704_110_400_500_000, 2**63 - 1, -(2**63)]
COLUMNS = {
    "f": (Type.FLOAT4, REALS),
    "d": (Type.FLOAT8, [0.1, 1e300, NAN, -1.0, 0.0]),
    "i": (Type.INT4, INTEGERS),
    "s": (Type.TEXT, TEXTS),
    "b": (Type.BOOL, [True, False]),
    "j": (Type.JSONB, DOCUMENTS),
    "t": (Type.TIMESTAMPTZ, TIMES),
}
ROWS = 70


def _rows() -> dict[str, list[Any]]:
    # Each column goes round its values, with a null behind them; their lengths have few common factors.
    return {name: [(*values, None)[row % (len(values) + 1)] for row in range(ROWS)] for name, (_, values) in COLUMNS.items()}


VALUES = _rows()
TABLE = pa.table({name: pa.array(VALUES[name], kind.arrow) for name, (kind, _) in COLUMNS.items()})

STEPS = st.sampled_from([Step("a", text=False), Step("b", text=False), Step("0", text=False), Step("-1", text=False)])
TAILS = st.sampled_from([Step("a", text=True), Step("b", text=True), Step("0", text=True), Step("zz", text=True)])


@st.composite
def _paths(draw: st.DrawFn) -> Ref:
    steps = draw(st.lists(STEPS, max_size=2))
    if draw(st.booleans()):
        return Ref("j", Type.TEXT, (*steps, draw(TAILS)))
    return Ref("j", Type.JSONB, tuple(steps))


REFS = st.one_of(st.sampled_from([Ref(name, kind) for name, (kind, _) in COLUMNS.items()]), _paths())


def values(ref: Ref) -> st.SearchStrategy[Any]:
    """Literals to compare a reference with."""
    return st.sampled_from(dict(COLUMNS.values())[ref.type])


COMPARISONS = st.sampled_from(["eq", "neq", "gt", "gte", "lt", "lte", "isdistinct"])
LIKES = st.lists(st.sampled_from(["%", "_", "a", "b", "B", "-", "\\%", "\\_", "\\\\", "\n", "é", "."]), max_size=5).map("".join)
REGULARS = st.sampled_from(
    ["^a", "b$", "a.b", "^$", "[a-c]+", "a|z", "[^a]", "(a|b){2}", r"\d", r"^\w+$", r"\s", "S+-0", "", "z*"]
)


@st.composite
def _leaves(draw: st.DrawFn) -> Expression:
    ref = draw(REFS)
    choice = draw(st.integers(0, 5))
    if choice == 0:
        return Is(
            ref, draw(st.sampled_from(["null", "not_null", *(["true", "false", "unknown"] if ref.type is Type.BOOL else [])]))
        )
    if choice == 1:
        listed = st.lists(st.one_of(values(ref), st.none()), max_size=4).map(tuple)
        operator = draw(st.sampled_from(["eq", "neq", "gt", "gte", "lt", "lte"]))
        return Among(ref, operator, draw(listed), draw(st.booleans()))
    if choice == 2 and ref.type is Type.TEXT:
        operator = draw(st.sampled_from(["like", "ilike"]))
        return Match(ref, operator, tuple(draw(st.lists(LIKES, min_size=1, max_size=2))), draw(st.booleans()))
    if choice == 3 and ref.type is Type.TEXT:
        operator = draw(st.sampled_from(["match", "imatch"]))
        return Match(ref, operator, tuple(draw(st.lists(REGULARS, min_size=1, max_size=2))), draw(st.booleans()))
    if ref.type is Type.JSONB and choice in (2, 3):
        return Contains(ref, draw(st.sampled_from(["cs", "cd"])), draw(values(ref)))
    return Compare(ref, draw(COMPARISONS), draw(values(ref)))


def _nested(parts: st.SearchStrategy[Expression]) -> st.SearchStrategy[Expression]:
    several = st.lists(parts, max_size=3).map(tuple)
    return st.one_of(parts.map(Not), several.map(Both), several.map(Either))


FILTERS: st.SearchStrategy[Expression] = st.recursive(_leaves(), _nested, max_leaves=5)
