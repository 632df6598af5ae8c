"""The grammar of filters, and that whom the index finds is whom the filter means."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wattline.contracts.flux.evaluate.filter import mask
from wattline.contracts.flux.expression import Expression
from wattline.contracts.flux.realtime import filters
from wattline.contracts.flux.realtime.bindings import Binding, Kind, Shape
from wattline.contracts.flux.realtime.filters import MOST_CONDITIONS, MOST_LETTERS, MOST_VALUES, OPERATORS, Ungrammatical
from wattline.contracts.flux.realtime.index import Index, split
from wattline.contracts.flux.syntax.ast import Condition, Field
from wattline.contracts.flux.tables import BESS, REGISTRY

from .service import device


def one(text: str) -> tuple[object, ...]:
    [found] = filters.parse(text)
    return found.field.name, found.operator, found.values, found.negated


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("name=eq.a,b", ("name", "eq", ("a,b",), False)),
        ('name=eq."a,soe=eq.1"', ("name", "eq", ("a,soe=eq.1",), False)),
        ('name=eq."a\\"b\\\\"', ("name", "eq", ('a"b\\',), False)),
        ('name=eq."a"b', ("name", "eq", ('"a"b',), False)),
        ("name=eq.", ("name", "eq", ("",), False)),
        ("name=eq. a ", ("name", "eq", (" a ",), False)),
        ("name=not.in.(a,\"b,c\",d e)", ("name", "in", ("a", "b,c", "d e"), True)),
        ("name=in.(,)", ("name", "in", ("", ""), False)),
        ("name=is.NULL", ("name", "is", ("null",), False)),
        ("name=not.is.null", ("name", "is", ("null",), True)),
        ("name=eq.not.x", ("name", "eq", ("not.x",), False)),
        ("time=gte.2024-01-01T00:00:00Z", ("time", "gte", ("2024-01-01T00:00:00Z",), False)),
        ("name=eq.(x)", ("name", "eq", ("(x)",), False)),
        ("name=match.^a{1,2}$", ("name", "match", ("^a{1,2}$",), False)),
    ],
)  # fmt: skip
def test_one_condition(text: str, wanted: tuple[object, ...]) -> None:
    assert one(text) == wanted


def test_no_condition() -> None:
    assert filters.parse("") == ()


NAMES = st.sampled_from(["soe", "name", "device_id", "x9"])
RESERVED = set(',()"\\')


def quoted(text: str) -> str:
    """A value as the clients write it."""
    if not text or RESERVED & set(text) or text != text.strip():
        return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return text


@given(
    st.lists(
        st.tuples(NAMES, st.sampled_from([o for o in OPERATORS if o not in ("in", "is")]), st.booleans(), st.text(max_size=12))
        | st.tuples(NAMES, st.just("in"), st.booleans(), st.lists(st.text(max_size=6), min_size=1, max_size=4)),
        max_size=4,
    )
)
def test_what_a_client_builds_is_what_is_parsed(conditions: list[tuple[str, str, bool, str | list[str]]]) -> None:
    parts, wanted = [], []
    for name, operator, negated, value in conditions:
        values = (value,) if isinstance(value, str) else tuple(value)
        shown = quoted(value) if isinstance(value, str) else f"({','.join(map(quoted, value))})"
        parts.append(f"{name}={'not.' * negated}{operator}.{shown}")
        wanted.append(Condition(Field(name), operator, values, negated))  # type: ignore[arg-type]
    assert filters.parse(",".join(parts)) == tuple(wanted)


@given(st.text(alphabet='soe=.,()"\\in not.eq1 ', max_size=40))
def test_any_text_is_parsed_or_refused(text: str) -> None:
    try:
        filters.parse(text)
    except Ungrammatical:
        return


def test_so_much_and_no_more() -> None:
    listed = ",".join(["1"] * MOST_VALUES)
    assert len(one(f"soe=in.({listed})")[2]) == MOST_VALUES  # type: ignore[arg-type]
    assert len(filters.parse(",".join(["soe=gt.1"] * MOST_CONDITIONS))) == MOST_CONDITIONS
    for text in (f"soe=in.({listed},1)", ",".join(["soe=gt.1"] * (MOST_CONDITIONS + 1)), "name=eq." + "x" * MOST_LETTERS):
        with pytest.raises(Ungrammatical):
            filters.parse(text)


SOES = [None, 0.0, 1.5, 2.0, float("nan")]
CLAUSES = st.one_of(
    st.sampled_from([f"device_id=eq.{device(n)}" for n in range(4)]),
    st.sampled_from([f"device_id=in.({device(0)},{device(n)})" for n in range(4)]),
    st.sampled_from([f"device_id=neq.{device(1)}", "command_source=eq.1", "command_source=in.(1,2)", "command_source=is.null"]),
    st.sampled_from([f"soe={o}.1.5" for o in ("eq", "neq", "gt", "gte", "lt", "lte", "isdistinct", "not.gt")]),
)
ROW = st.tuples(st.integers(0, 3), st.sampled_from(SOES), st.sampled_from([None, 1, 2, 3]))


@given(
    st.lists(st.tuples(st.lists(CLAUSES, max_size=3), st.sampled_from(["INSERT", "UPDATE", "*"])), max_size=8),
    st.lists(ROW, min_size=1, max_size=6),
    st.sets(st.integers(0, 7)),
    st.sampled_from(["INSERT", "UPDATE"]),
)
def test_the_index_finds_whom_the_filters_mean(
    asked: list[tuple[list[str], str]], rows: list[tuple[int, float | None, int | None]], gone: set[int], kind: Kind
) -> None:
    lines = [{"time": 0, "device_id": device(n), "soe": soe, "command_source": source} for n, soe, source in rows]
    table = pa.Table.from_pylist([{name: line.get(name) for name in BESS.schema.names} for line in lines], BESS.schema)
    index: Index[int] = Index(BESS)
    bindings: dict[int, Binding] = {}
    for number, (clauses, event) in enumerate(asked):
        where = filters.bind(BESS, filters.parse(",".join(clauses)), 0)
        bindings[number] = Binding(1, event, Shape("flux"), {BESS.name: where}, None)
        index.add(number, bindings[number])
    for number in gone & bindings.keys():
        index.remove(number, bindings.pop(number))
    found = [(number, row) for group, positions in index.match(kind, table) for number, _ in group.members for row in positions]
    wanted = []
    for number, binding in bindings.items():
        if binding.event in (kind, "*"):
            where = binding.conditions[BESS.name]
            kept = [True] * len(rows) if where is None else mask(table, where).to_pylist()
            wanted += [(number, row) for row, keeps in enumerate(kept) if keeps]
    assert sorted(found) == sorted(wanted)
    for number, binding in bindings.items():
        index.remove(number, binding)
    assert len(index) == 0
    assert list(index.match(kind, table)) == []


def test_the_column_that_tells_most_apart_is_looked_up() -> None:
    where: Expression | None = filters.bind(BESS, filters.parse(f"command_source=eq.1,device_id=eq.{device(1)},soe=gt.1"), 0)
    asked = split(BESS, where, "*")
    assert (asked.column, asked.values) == ("device_id", {device(1)})
    assert split(REGISTRY, filters.bind(REGISTRY, filters.parse("active=eq.true,metadata=eq.1"), 0), "*").column is None
