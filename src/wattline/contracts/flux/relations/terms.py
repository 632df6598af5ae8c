"""The part of a filter, and the order, that the market data's store evaluates as they are meant.

A filter becomes the terms of the rows for which it is true. `not` is carried down to the comparisons, where each has an
opposite that is true just where it is false, so that null stays what it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from wattline.contracts.flux.expression import Among, Both, Compare, Either, Expression, Is, Not, Ref, Sort
from wattline.markets.selection import AnyOf, Bound, By, ColumnName, Missing, OneOf, Term

MOST_TERMS = 100
"""Comparisons that are given to the store; a filter of more is evaluated here alone."""
MOST_VALUES = 10_000
COLUMNS: dict[str, ColumnName] = {
    "id": "id", "time": "time", "type": "type", "value": "value", "created_at": "created", "metadata": "metadata",
}  # fmt: skip

Order = Literal["eq", "neq", "gt", "gte", "lt", "lte"]
OPPOSITE: dict[Order, Order] = {"eq": "neq", "neq": "eq", "gt": "lte", "lte": "gt", "gte": "lt", "lt": "gte"}


@dataclass(frozen=True, slots=True)
class Terms:
    """Terms that all hold where a filter is true; `exact`: and nowhere else. `size` counts the comparisons."""

    held: tuple[Term, ...] = ()
    exact: bool = False
    size: int = 0


NEVER = Terms((AnyOf(()),), True, 1)
ALWAYS = Terms((), True, 0)


def terms(where: Expression | None) -> Terms:
    """The terms of a whole filter."""
    if where is None:
        return ALWAYS
    found = _terms(where, negated=False)
    return found if found.size <= MOST_TERMS else Terms()


def order(wanted: Sequence[Sort]) -> tuple[By, ...] | None:
    """The order in the store's terms; None where it has none for it."""
    if not all(_ordered(term.ref) for term in wanted):
        return None
    return tuple(By(COLUMNS[term.ref.column], term.descending, term.nulls_first) for term in wanted)


def _terms(where: Expression, *, negated: bool) -> Terms:
    match where:
        case Not(part):
            return _terms(part, negated=not negated)
        case Both(parts) | Either(parts):
            every = isinstance(where, Both) is not negated
            found = [_terms(part, negated=negated) for part in parts]
            return _all(found) if every else _any(found)
        case Compare(ref, _, value) if _ordered(ref) and value is not None:
            return _compared(where, negated=negated)
        case Among(ref, "eq", values, False) if _ordered(ref):
            return _among(COLUMNS[ref.column], values, negated=negated)
        case Is(ref, "null" | "not_null" as what) if not ref.path:
            return Terms((Missing(COLUMNS[ref.column], negated=(what == "not_null") is not negated),), True, 1)
        case _:
            return Terms()


def _ordered(ref: Ref) -> bool:
    """Whether the store compares what a filter compares."""
    return not ref.path and ref.column != "metadata"


def _compared(where: Compare, *, negated: bool) -> Terms:
    column, value = COLUMNS[where.ref.column], where.value
    if where.operator == "isdistinct":
        differs = AnyOf(((Bound(column, "neq", value),), (Missing(column),)))
        return Terms((Bound(column, "eq", value) if negated else differs,), True, 2)
    operator = OPPOSITE[where.operator] if negated else where.operator
    return Terms((Bound(column, operator, value),), True, 1)


def _among(column: ColumnName, values: Sequence[object], *, negated: bool) -> Terms:
    known = tuple(value for value in values if value is not None)
    if len(known) > MOST_VALUES:
        return Terms()
    if negated and len(known) < len(values):
        return NEVER
    if not known:
        return ALWAYS if negated else NEVER
    return Terms((OneOf(column, known, negated),), True, 1)


def _all(found: Sequence[Terms]) -> Terms:
    return Terms(
        tuple(term for each in found for term in each.held),
        all(each.exact for each in found),
        sum(each.size for each in found),
    )


def _any(found: Sequence[Terms]) -> Terms:
    free = [each for each in found if not each.held]
    if free:
        return Terms((), any(each.exact for each in free), 0)
    size = sum(each.size for each in found)
    if size > MOST_TERMS:
        return Terms()
    return Terms((AnyOf(tuple(each.held for each in found)),), all(each.exact for each in found), max(size, 1))
