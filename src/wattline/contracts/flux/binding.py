"""A parsed filter or order against the columns of a relation: names to columns, literals to values, operators to types.

What PostgreSQL would refuse when it plans the statement is refused here, in its words: a column that is not there, an operator
that its type has not, a literal that is no value of the type.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, cast
from zoneinfo import ZoneInfo

from wattline.contracts.flux.binding_names import column
from wattline.contracts.flux.binding_operators import PATTERNS, TEXT_SEARCH, check, check_arrow, check_is
from wattline.contracts.flux.catalog import RelationType, Type
from wattline.contracts.flux.errors import Refusal
from wattline.contracts.flux.expression import (
    Among,
    Both,
    Compare,
    Comparison,
    Contains,
    Either,
    Embedded,
    Expression,
    Is,
    Match,
    Not,
    Pattern,
    Ref,
    Search,
    Sort,
)
from wattline.contracts.flux.syntax.ast import Condition, Field, Logic, Order, Tree
from wattline.contracts.flux.values import literal


def ref(relation: RelationType, field: Field) -> Ref:
    """The column, or what the path finds in it. Raises `Refusal` 42703, or 42883 for a path into what is no JSON."""
    found = column(relation, field.name)
    kind = found.type
    for step in field.path:
        kind = check_arrow(kind, step)
    return Ref(found.name, kind, field.path)


def sort(relation: RelationType, order: Order) -> Sort:
    """One term of an order. `relation` is the one that the term is about: the related one where it names one."""
    nulls_first = order.descending if order.nulls_first is None else order.nulls_first
    return Sort(ref(relation, order.field), order.descending, nulls_first)


def condition(
    relation: RelationType, tree: Tree, now: int, zone: ZoneInfo | None = None, embeds: Collection[str] = ()
) -> Expression:
    """A filter. `now` (us) and `zone` are what literal times go by; `embeds` the aliases or names of what is embedded here.

    Raises `Refusal`: 42703 no such column, 42883, 42725 or 42804 no such operator for its type, 22xxx no value of the type,
    PGRST120 an embed asked for anything but whether it is there.
    """
    return _Binder(relation, now, zone, embeds).tree(tree)


@dataclass(frozen=True, slots=True)
class _Binder:
    relation: RelationType
    now: int
    zone: ZoneInfo | None
    embeds: Collection[str]

    def tree(self, tree: Tree) -> Expression:
        """A condition, or a tree of them."""
        made: Expression
        if isinstance(tree, Logic):
            parts = tuple([self.tree(part) for part in tree.parts])
            made = parts[0] if len(parts) == 1 else Both(parts) if tree.kind == "and" else Either(parts)
        elif tree.field.name in self.embeds and not tree.field.path:
            return _embedded(tree)
        else:
            made = self._condition(tree, ref(self.relation, tree.field))
        return Not(made) if tree.negated else made

    def _condition(self, tree: Condition, subject: Ref) -> Expression:
        operator: Any = tree.operator
        text = tree.values[0] if tree.values else ""
        if operator == "is":
            check_is(subject.type, text)
            return Is(subject, cast(Any, text))
        check(operator, subject.type)
        if tree.quantifier is not None:
            values = literal.array(subject.type, text, self.now, self.zone)
            return (_match if operator in PATTERNS else _among)(subject, operator, values, every=tree.quantifier == "all")
        if operator in TEXT_SEARCH:
            return Search(subject, operator, text, tree.language)
        if operator == "in":
            return _among(subject, "eq", tuple([self._literal(subject.type, element) for element in tree.values]), every=False)
        if operator in PATTERNS:
            return Match(subject, operator, (text,))
        value = self._literal(subject.type, text)
        return Contains(subject, operator, value) if operator in ("cs", "cd") else Compare(subject, operator, value)

    def _literal(self, kind: Type, text: str) -> Any:
        return literal.parse(kind, text, self.now, self.zone)


def _embedded(tree: Condition) -> Expression:
    if tree.operator != "is" or tree.values[0] not in ("null", "not_null"):
        raise Refusal(
            400,
            "PGRST120",
            f"Bad operator on the '{tree.field.name}' embedded resource",
            "Only is null or not is null filters are allowed on embedded resources",
        )
    there = Embedded(tree.field.name)
    return there if (tree.values[0] == "not_null") is not tree.negated else Not(there)


def _among(subject: Ref, operator: Comparison, values: tuple[Any, ...], *, every: bool) -> Expression:
    # Any of none is false and all of none is true, also where the column is null.
    if not values:
        return Both(()) if every else Either(())
    return Among(subject, operator, values, every)


def _match(subject: Ref, operator: Pattern, values: tuple[str | None, ...], *, every: bool) -> Expression:
    patterns = tuple([value for value in values if value is not None])
    nulls = _among(subject, "eq", (None,) * (len(values) - len(patterns)), every=every)
    if not patterns:
        return nulls
    matched = Match(subject, operator, patterns, every)
    if len(patterns) == len(values):
        return matched
    return Both((matched, nulls)) if every else Either((matched, nulls))
