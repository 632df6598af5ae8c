"""Filters made up from the grammar of operators, and how a query string writes them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from hypothesis import strategies as st

from tests.contracts.flux.clients.brute import Condition, Group, Kind, Operand

ORDERED = ("eq", "neq", "gt", "gte", "lt", "lte", "in", "isdistinct")
PATTERNS = ("like", "ilike", "match", "imatch")
MODIFIED = frozenset(("eq", "gt", "gte", "lt", "lte", *PATTERNS))
RESERVED = frozenset(' ,.:()"\\{}')
NULLS = ("null", "not_null", "NULL", "Not_Null")
OTHERS = {
    Kind.FLOAT: ("0", "-0", "1e1", "50.000", "0.1", "1e-05", "NaN", "Infinity", "-Infinity", "33554433"),
    Kind.WHOLE: ("-5", "-1", "0", "1", "4"),
    Kind.TIME: ("2024-01-02", "2024-01-01T12:00:00+01:00", "2024-01-01 11:00:00.5Z"),
    Kind.TRUTH: ("true", "false", "t", "f", "yes", "no", "on", "off", "1", "0", "TRUE"),
    Kind.JSON: ("null", "true", "false", "5", "-1.5", "50", '"a"', '"b,"', "5.0"),
}
TRUTHS = (*NULLS, "true", "false", "unknown", "TRUE")


def _texts() -> st.SearchStrategy[str]:
    return st.text("aAbB,.()\"\\ {}é%_*'", min_size=1, max_size=4)


@st.composite
def _patterns(draw: st.DrawFn, known: Sequence[str]) -> str:
    """A text that is there with a wildcard for a part of it, or any row of letters and wildcards."""
    if draw(st.booleans()):
        return "".join(draw(st.lists(st.sampled_from([*"abABé,.() {}'\"", "*", "%", "_", "\\%", "\\_", "\\\\"]), max_size=5)))
    text = draw(st.sampled_from(known))
    start, end = sorted((draw(st.integers(0, len(text))), draw(st.integers(0, len(text)))))
    escaped = [re.sub(r"[%_\\]", r"\\\g<0>", part) for part in (text[:start], text[end:])]
    return draw(st.sampled_from("*%_")).join(escaped)


def _expressions() -> st.SearchStrategy[str]:
    piece = st.sampled_from([*"abABé,", ".", "[ab]", "[^ab]", "a*", "b+", "(a|b)", "a?", "\\.", "\\(", "a{2}"])
    middle = st.lists(piece, min_size=1, max_size=3).map("".join)
    return st.tuples(st.sampled_from(["", "^"]), middle, st.sampled_from(["", "$"])).map("".join)


def literals(kind: Kind, known: Sequence[str]) -> st.SearchStrategy[str]:
    """Literals of a kind: of what is there, and of what is not."""
    found = st.sampled_from(known)
    if kind is Kind.UUID:
        spelt = st.sampled_from([str.lower, str.upper, lambda text: text.replace("-", "")])
        return st.builds(lambda spell, text: spell(text), spelt, found)
    return found | _texts() if kind is Kind.TEXT else found | st.sampled_from(OTHERS[kind])


@st.composite
def conditions(draw: st.DrawFn, known: Mapping[Operand, Sequence[str]]) -> Condition:
    """One comparison of a column, with literals of its type."""
    operand = draw(st.sampled_from(sorted(known, key=lambda each: each.written)))
    negated = draw(st.booleans())
    # Texts are compared in half of the cases, and matched in the others.
    operator = draw(st.sampled_from(("is", *ORDERED, *(2 * PATTERNS if operand.kind is Kind.TEXT else ()))))
    if operator == "is":
        words = TRUTHS if operand.kind is Kind.TRUTH else NULLS
        return Condition(operand, "is", (draw(st.sampled_from(words)).lower(),), None, negated)
    values = literals(operand.kind, known[operand])
    if operator in PATTERNS:
        values = _patterns(known[operand]) if "like" in operator else _expressions()
    if operator == "in":
        return Condition(operand, "in", tuple(draw(st.lists(values, max_size=4))), None, negated)
    modifier = draw(st.sampled_from((None, None, "any", "all"))) if operator in MODIFIED else None
    several = draw(st.lists(values, min_size=1, max_size=3)) if modifier else [draw(values)]
    return Condition(operand, operator, tuple(several), modifier, negated)


def groups(known: Mapping[Operand, Sequence[str]]) -> st.SearchStrategy[Group]:
    """Nested logic, three deep at most."""
    leaf = conditions(known)
    tree = st.recursive(leaf, _group, max_leaves=6)
    return _group(tree)


def _group(parts: st.SearchStrategy[Condition] | st.SearchStrategy[Condition | Group]) -> st.SearchStrategy[Group]:
    return st.builds(Group, st.booleans(), st.lists(parts, min_size=1, max_size=3).map(tuple), st.booleans())


def parameter(part: Condition | Group) -> tuple[str, str]:
    """The name and the value of a query parameter, before percent-encoding."""
    if isinstance(part, Condition):
        return part.operand.written, _operation(part, top=True)
    return f"{'not.' if part.negated else ''}{'or' if part.any else 'and'}", f"({','.join(map(_inner, part.parts))})"


def _inner(part: Condition | Group) -> str:
    if isinstance(part, Condition):
        return f"{part.operand.written}.{_operation(part, top=False)}"
    name, value = parameter(part)
    return f"{name}{value}"


def _operation(condition: Condition, *, top: bool) -> str:
    prefix = f"{'not.' if condition.negated else ''}{condition.operator}"
    if condition.operator == "in":
        return f"{prefix}.({','.join(map(_quoted, condition.values))})"
    if condition.modifier is not None:
        return f"{prefix}({condition.modifier}).{{{','.join(_element(value) for value in condition.values)}}}"
    return f"{prefix}.{condition.values[0] if top else _quoted(condition.values[0])}"


def _quoted(text: str) -> str:
    """In quotes where something in it would end it."""
    if text and not RESERVED.intersection(text):
        return text
    return _element(text)


def _element(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
