"""Which rows of the market data a reader wants, in terms that the state database evaluates as they are meant."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import sqlalchemy as sa

from wattline.markets.store import market_data

ColumnName = Literal["id", "time", "type", "value", "created", "metadata"]
"""Metadata has no order: it is only there or `Missing`."""


@dataclass(frozen=True, slots=True)
class Bound:
    """A comparison with a value that is not None; a row without one does not match. NaN equals NaN and is the greatest."""

    column: ColumnName
    operator: Literal["eq", "neq", "gt", "gte", "lt", "lte"]
    value: Any


@dataclass(frozen=True, slots=True)
class OneOf:
    """The column is one of the values, or with `negated` none of them; a row without a value does not match."""

    column: ColumnName
    values: tuple[Any, ...]
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Missing:
    """The column has no value, or with `negated` it has one."""

    column: ColumnName
    negated: bool = False


@dataclass(frozen=True, slots=True)
class AnyOf:
    """At least one of the alternatives holds, each of which is terms that hold together."""

    alternatives: tuple[tuple[Term, ...], ...]


Term: TypeAlias = Bound | OneOf | Missing | AnyOf


@dataclass(frozen=True, slots=True)
class By:
    """One term of an order."""

    column: ColumnName
    descending: bool = False
    nulls_first: bool = False


@dataclass(frozen=True, slots=True)
class Selection:
    """The rows of one tenant for which every term holds, in order; rows that are equal in it as they came. At most `most`.

    `columns` are the fields of `model.Signal` that are wanted, in the order in which they are.
    """

    columns: tuple[str, ...]
    where: tuple[Term, ...] = ()
    order: tuple[By, ...] = ()
    most: int | None = None


def clause(term: Term) -> sa.ColumnElement[bool]:
    """The term as a condition with bound values."""
    if isinstance(term, AnyOf):
        return sa.or_(sa.false(), *(sa.and_(sa.true(), *map(clause, terms)) for terms in term.alternatives))
    column = market_data.c[term.column]
    if isinstance(term, Bound):
        return _compared(column, term)
    if isinstance(term, OneOf):
        known = column.is_not(None)
        return sa.and_(known, column.not_in(term.values)) if term.negated else sa.and_(known, column.in_(term.values))
    return column.is_not(None) if term.negated else column.is_(None)


def _compared(column: sa.ColumnElement[Any], term: Bound) -> sa.ColumnElement[bool]:
    value = term.value
    compared: dict[str, sa.ColumnElement[bool]] = {
        "eq": column == value,
        "neq": column != value,
        "gt": column > value,
        "gte": column >= value,
        "lt": column < value,
        "lte": column <= value,
    }
    return compared[term.operator]


def order_by(order: Sequence[By]) -> list[sa.ColumnElement[Any]]:
    """The terms of an ORDER BY, the row's own number last."""
    terms: list[sa.ColumnElement[Any]] = []
    for by in order:
        column = market_data.c[by.column]
        term = column.desc() if by.descending else column.asc()
        if by.column == "value":
            term = term.nulls_first() if by.nulls_first else term.nulls_last()
        terms.append(term)
    return [*terms, market_data.c.row.asc()]


def differs(old: float, new: float) -> bool:
    """Whether a market's new value is another: by more than a millionth. What cannot be subtracted differs."""
    distance = abs(old - new)
    return math.isnan(distance) or distance > 1e-6
