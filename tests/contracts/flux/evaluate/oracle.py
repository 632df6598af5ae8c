"""Filters as SQL, to ask a real PostgreSQL."""

from __future__ import annotations

import math
from typing import Any

from psycopg import sql

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

OPERATORS = {
    "eq": "=", "neq": "<>", "gt": ">", "gte": ">=", "lt": "<", "lte": "<=", "isdistinct": "IS DISTINCT FROM",
    "like": "LIKE", "ilike": "ILIKE", "match": "~", "imatch": "~*",
}  # fmt: skip


def column(ref: Ref) -> sql.Composable:
    """A reference."""
    whole: sql.Composable = sql.Identifier(ref.column)
    for step in ref.path:
        number = step.key.lstrip("-").isdecimal()
        key = sql.SQL("({})").format(sql.Literal(int(step.key))) if number else sql.Literal(step.key)
        whole = sql.SQL("({} {} {})").format(whole, sql.SQL("->>" if step.text else "->"), key)
    return whole


def value(kind: Type, held: Any) -> sql.Composable:
    """A value as this table holds it, as one of PostgreSQL's."""
    if held is None:
        return sql.SQL("NULL::{}").format(sql.SQL(kind.sql))
    if kind is Type.TIMESTAMPTZ:
        if abs(held) >= 2**63 - 1:
            return sql.SQL("timestamptz '{}infinity'").format(sql.SQL("-" if held < 0 else ""))
        return sql.SQL("(timestamptz 'epoch' + {} * interval '1 microsecond')").format(sql.Literal(held))
    text = str(held).lower() if isinstance(held, bool) or (isinstance(held, float) and not math.isfinite(held)) else str(held)
    return sql.SQL("{}::text::{}").format(sql.Literal(text), sql.SQL(kind.sql))


def condition(expression: Expression) -> sql.Composable:  # noqa: PLR0911 - one return a kind of expression
    """A filter."""
    match expression:
        case Not(part):
            return sql.SQL("(NOT {})").format(condition(part))
        case Both(parts) | Either(parts):
            every = isinstance(expression, Both)
            if not parts:
                return sql.SQL("true" if every else "false")
            return sql.SQL("({})").format(sql.SQL(" AND " if every else " OR ").join(map(condition, parts)))
        case Is(ref, what):
            return sql.SQL("({} IS {})").format(column(ref), sql.SQL(what.replace("_", " ")))
        case Compare(ref, operator, wanted):
            return _operated(column(ref), operator, value(ref.type, wanted))
        case Among(ref, operator, wanted, every):
            return _quantified(column(ref), operator, [value(ref.type, each) for each in wanted], every, ref.type)
        case Match(ref, operator, patterns, every):
            return _quantified(column(ref), operator, [value(Type.TEXT, each) for each in patterns], every, Type.TEXT)
        case Contains(ref, operator, wanted):
            sign = sql.SQL("@>" if operator == "cs" else "<@")
            return sql.SQL("({} {} {})").format(column(ref), sign, value(Type.JSONB, wanted))
        case _:
            raise AssertionError(expression)


def _operated(left: sql.Composable, operator: str, right: sql.Composable) -> sql.Composable:
    return sql.SQL("({} {} {})").format(left, sql.SQL(OPERATORS[operator]), right)


def _quantified(left: sql.Composable, operator: str, listed: list[sql.Composable], every: bool, kind: Type) -> sql.Composable:
    array = sql.SQL("{} (ARRAY[{}]::{}[])").format(
        sql.SQL("ALL" if every else "ANY"), sql.SQL(", ").join(listed), sql.SQL(kind.sql)
    )
    return _operated(left, operator, array)
