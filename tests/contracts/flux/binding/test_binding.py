"""Names, embeds and orders as they come out bound; and whatever the literal, a refusal or an expression."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.contracts.flux.binding.planner import TYPES
from tests.contracts.flux.syntax.rendering import IS
from wattline.contracts.flux import binding
from wattline.contracts.flux.catalog import RelationType, Type
from wattline.contracts.flux.errors import Refusal
from wattline.contracts.flux.expression import Among, Both, Compare, Either, Embedded, Expression, Is, Match, Not, Ref, Sort
from wattline.contracts.flux.syntax import query as syntax
from wattline.contracts.flux.syntax.ast import Condition, Field, Order, Step
from wattline.contracts.flux.syntax.operators import OPERATORS, QUANTIFIED
from wattline.contracts.flux.tables import BESS, MARKET, REGISTRY

NOW = 1_704_110_400_000_000
NAME = Ref("name", Type.TEXT)
SOE = Ref("soe", Type.FLOAT4)


def bound(relation: RelationType, query: str, *, zone: ZoneInfo | None = None, embeds: tuple[str, ...] = ()) -> Expression:
    (((), tree),) = syntax.parse(query).filters
    return binding.condition(relation, tree, NOW, zone, embeds)


def refused(relation: RelationType, query: str, embeds: tuple[str, ...] = ()) -> Refusal:
    with pytest.raises(Refusal) as caught:
        bound(relation, query, embeds=embeds)
    return caught.value


def test_an_alias_is_the_column_that_it_stands_for() -> None:
    uuid = "123e4567-e89b-12d3-a456-426614174000"
    assert bound(REGISTRY, f"device_id=eq.{uuid.upper()}") == Compare(Ref("id", Type.UUID), "eq", uuid)
    assert binding.ref(REGISTRY, Field("device_id")) == Ref("id", Type.UUID)


def test_literals_are_values() -> None:
    assert bound(BESS, "soe=gt.415.2") == Compare(SOE, "gt", 415.20001220703125)
    assert bound(BESS, "time=gte.2024-01-01T00:00:00Z") == Compare(Ref("time", Type.TIMESTAMPTZ), "gte", 1_704_067_200_000_000)
    assert bound(BESS, "time=lt.now") == Compare(Ref("time", Type.TIMESTAMPTZ), "lt", NOW)
    paris = bound(BESS, "time=eq.2024-01-01T00:00:00", zone=ZoneInfo("Europe/Paris"))
    assert paris == Compare(Ref("time", Type.TIMESTAMPTZ), "eq", 1_704_063_600_000_000)


def test_logic() -> None:
    low, high = Compare(SOE, "lt", 20.0), Compare(SOE, "gt", 80.0)
    assert bound(BESS, "or=(soe.lt.20,soe.gt.80)") == Either((low, high))
    assert bound(BESS, "not.and=(soe.lt.20,or=(soe.not.gt.80))") == Not(Both((low, Not(high))))


def test_lists() -> None:
    assert bound(BESS, "soe=in.(1,2)") == Among(SOE, "eq", (1.0, 2.0))
    assert bound(BESS, "soe=gt(all).{1,NULL}") == Among(SOE, "gt", (1.0, None), every=True)
    assert bound(BESS, "soe=in.()") == Either(()) == bound(BESS, "soe=lt(any).{}")
    assert bound(BESS, "soe=not.in.()") == Not(Either(()))
    assert bound(BESS, "soe=lt(all).{}") == Both(())


def test_lists_of_patterns_with_nulls() -> None:
    null = Among(NAME, "eq", (None,))
    assert bound(REGISTRY, "name=like(any).{*a*,b}") == Match(NAME, "like", ("%a%", "b"))
    assert bound(REGISTRY, "name=match(all).{a,NULL}") == Both(
        (Match(NAME, "match", ("a",), every=True), Among(NAME, "eq", (None,), True))
    )
    assert bound(REGISTRY, "name=like(any).{a,NULL}") == Either((Match(NAME, "like", ("a",)), null))
    assert bound(REGISTRY, "name=like(any).{NULL}") == null
    assert bound(REGISTRY, "name=like(any).{}") == Either(())


def test_whether_an_embedded_relation_has_a_row() -> None:
    there = Embedded("kind")
    assert bound(MARKET, "kind=not.is.null", embeds=("kind",)) == there == bound(MARKET, "kind=is.not_null", embeds=("kind",))
    assert bound(MARKET, "kind=not.is.not_null", embeds=("kind",)) == Not(there)
    assert bound(MARKET, "or=(kind.is.null,value.is.null)", embeds=("kind",)) == Either(
        (Not(there), Is(Ref("value", Type.FLOAT4), "null"))
    )
    assert refused(MARKET, "kind=is.null").code == "42703"


@pytest.mark.parametrize("query", ["kind=eq.1", "kind=is.true", "kind=in.(1)", "kind=not.neq.null", "or=(kind.eq.1)"])
def test_an_embedded_relation_has_no_other_operator(query: str) -> None:
    refusal = refused(MARKET, query, embeds=("kind",))
    assert (refusal.status, refusal.code) == (400, "PGRST120")
    assert refusal.message == "Bad operator on the 'kind' embedded resource"
    assert refusal.details == "Only is null or not is null filters are allowed on embedded resources"


@pytest.mark.parametrize(
    ("query", "status", "code", "message"),
    [
        ("power=gt.0", 400, "42703", "column mg_bess_readings.power does not exist"),
        ("device_id=eq.meter-uuid", 400, "22P02", 'invalid input syntax for type uuid: "meter-uuid"'),
        ("command_source=eq.1.5", 400, "22P02", 'invalid input syntax for type smallint: "1.5"'),
        ("command_source=in.(1,x)", 400, "22P02", 'invalid input syntax for type smallint: "x"'),
        ("soe=eq.1e50", 400, "22003", '"1e50" is out of range for type real'),
        ("time=gte.x", 400, "22007", 'invalid input syntax for type timestamp with time zone: "x"'),
        ("time=gte.2024-13-01", 400, "22008", 'date/time field value out of range: "2024-13-01"'),
        ("soe=like.5*", 404, "42883", "operator does not exist: real ~~ unknown"),
        ("soe=is.true", 400, "42804", "argument of IS TRUE must be type boolean, not type real"),
        ("soe=eq(any).5", 400, "22P02", 'malformed array literal: "5"'),
        ("soe->a=eq.5", 404, "42883", "operator does not exist: real -> unknown"),
    ],
)
def test_what_is_refused(query: str, status: int, code: str, message: str) -> None:
    refusal = refused(BESS, query)
    assert (refusal.status, refusal.code, refusal.message) == (status, code, message)


def test_the_order_of_nulls() -> None:
    field = Field("metadata", (Step("a", False),))
    ref = Ref("metadata", Type.JSONB, field.path)
    assert binding.sort(MARKET, Order(field)) == Sort(ref)
    assert binding.sort(MARKET, Order(field, descending=True)) == Sort(ref, descending=True, nulls_first=True)
    assert binding.sort(MARKET, Order(field, True, False)) == Sort(ref, descending=True)
    assert binding.sort(MARKET, Order(field, False, True)) == Sort(ref, nulls_first=True)
    with pytest.raises(Refusal, match=r"column market_data\.soe does not exist"):
        binding.sort(MARKET, Order(Field("soe")))


texts = st.text(st.characters(exclude_categories=["Cs"])) | st.lists(
    st.sampled_from(
        ["2024", "-", "01", ":", "T", "+", "{", "}", '"', "[", ",", "1e9", "e", ".", "now", "null", "\\", "9" * 30, "inf"]
    )
).map("".join)


@st.composite
def conditions(draw: st.DrawFn) -> Condition:
    """Any operator on any column with any text."""
    operator = draw(st.sampled_from(sorted(OPERATORS)))
    value = draw(st.sampled_from(IS) if operator == "is" else texts)
    quantifier = draw(st.sampled_from([None, "any", "all"])) if operator in QUANTIFIED else None
    name = draw(st.sampled_from([column.name for column in TYPES.columns]))
    return Condition(Field(name), operator, (value,), draw(st.booleans()), quantifier)


@settings(deadline=None, max_examples=500)
@given(conditions())
def test_any_literal_is_a_value_or_is_refused(condition: Condition) -> None:
    try:
        made: Expression | Refusal = binding.condition(TYPES, condition, NOW)
    except Refusal as refusal:
        made = refusal
    assert not isinstance(made, Refusal) or made.status in (400, 404)
