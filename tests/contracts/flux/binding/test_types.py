"""Operators against types and names against columns, as a real PostgreSQL has them."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.contracts.flux.binding.planner import LITERALS, OPERATORS, SEARCHES, TYPES, Planner, Verdict, sql
from wattline.contracts.flux import binding
from wattline.contracts.flux.catalog import RelationType, Type
from wattline.contracts.flux.errors import Refusal
from wattline.contracts.flux.syntax.ast import Condition, Field, Step
from wattline.contracts.flux.syntax.operators import QUANTIFIED
from wattline.contracts.flux.tables import BESS, METER, RELATIONS

IS = ("null", "not_null", "true", "false", "unknown")
STATUS = {"42883": 404}


def ours(relation: RelationType, condition: Condition) -> Verdict | None:
    try:
        binding.condition(relation, condition, now=0)
    except Refusal as refusal:
        found = refusal
    else:
        return None
    assert found.status == STATUS.get(found.code, 400)
    assert found.details is None
    return found.code, found.message, found.hint


def conditions(kind: Type) -> list[Condition]:
    """Every operator, with a literal that is one of the type's own."""
    field = Field(f"c_{kind.value}")
    text = LITERALS.get(kind, "1")
    return [
        *(Condition(field, operator, (text,)) for operator in (*OPERATORS, *SEARCHES)),  # type: ignore[arg-type]
        *(Condition(field, "is", (word,), negated=negated) for word in IS for negated in (False, True)),
        *(
            Condition(field, operator, ("{" + text + "}" if text != "{}" else '{"{}"}',), quantifier=quantifier)  # type: ignore[arg-type]
            for operator in sorted(QUANTIFIED)
            for quantifier in ("any", "all")
        ),
        Condition(field, "in", (text, text)),
        Condition(field, "in", ()),
    ]


@pytest.mark.parametrize("kind", Type)
def test_every_operator_of_every_type(planner: Planner, kind: Type) -> None:
    for condition in conditions(kind):
        assert ours(TYPES, condition) == planner.verdict("samples", sql(condition, kind)), condition


@pytest.mark.parametrize("kind", Type)
@pytest.mark.parametrize("key", ["a", "0", "-1", "2147483648", "-9223372036854775809", "9" * 30])
@pytest.mark.parametrize("text", [False, True])
def test_paths_into_every_type(planner: Planner, kind: Type, key: str, text: bool) -> None:
    for path in ((Step(key, text),), (Step(key, text), Step("b", False))):
        condition = Condition(Field(f"c_{kind.value}", path), "is", ("null",))
        assert ours(TYPES, condition) == planner.verdict("samples", sql(condition, Type.JSONB)), condition


@pytest.mark.parametrize(
    ("path", "kind"),
    [((), Type.JSONB), ((Step("a", False),), Type.JSONB), ((Step("a", False), Step("0", True)), Type.TEXT)],
)
def test_the_type_of_what_a_path_finds(path: tuple[Step, ...], kind: Type) -> None:
    assert binding.ref(TYPES, Field("c_jsonb", path)).type is kind


@pytest.mark.parametrize(
    ("relation", "name"),
    [
        (BESS, "nope"),
        (BESS, "so"),
        (BESS, "power"),
        (BESS, "target_powr"),
        (BESS, "deviceid"),
        (METER, "current_phase_d"),
        (METER, "power_phase_x_active"),
        (METER, "frequncy"),
        (METER, 'a"b'),
        (METER, "é"),
    ],
)
def test_a_column_that_is_not_there(planner: Planner, relation: RelationType, name: str) -> None:
    condition = Condition(Field(name), "is", ("null",))
    verdict = ours(relation, condition)
    assert verdict is not None
    assert verdict[0] == "42703"
    assert verdict == _qualified(planner, relation, name)


@st.composite
def misspelled(draw: st.DrawFn) -> tuple[RelationType, str]:
    """A column's name with some letters put in, taken out or changed."""
    relation = draw(st.sampled_from(sorted(RELATIONS.values(), key=lambda relation: relation.name)))
    name = list(draw(st.sampled_from(relation.columns)).name)
    for _ in range(draw(st.integers(1, 4))):
        place = draw(st.integers(0, len(name)))
        name[place : place + draw(st.integers(0, 1))] = draw(st.text("abcdeisé_0", max_size=1))
    return relation, "".join(name)


@settings(deadline=None, max_examples=300)
@given(misspelled())
def test_the_column_that_was_meant(planner: Planner, made: tuple[RelationType, str]) -> None:
    relation, name = made
    if name in relation.by_name or name in ("", "row"):
        return
    assert ours(relation, Condition(Field(name), "is", ("null",))) == _qualified(planner, relation, name)


def _qualified(planner: Planner, relation: RelationType, name: str) -> Verdict | None:
    quoted = name.replace('"', '""')
    return planner.verdict(relation.name, f'"{relation.name}"."{quoted}" IS NULL')
