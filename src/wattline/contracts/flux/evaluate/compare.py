"""Comparisons of a column with values, as PostgreSQL's operators of each type make them."""

from __future__ import annotations

import math
import operator as python
from collections.abc import Callable, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from wattline.contracts.flux.catalog import Type
from wattline.contracts.flux.evaluate import documents
from wattline.contracts.flux.expression import Comparison

COLUMNS = {
    "eq": pc.equal,
    "neq": pc.not_equal,
    "gt": pc.greater,
    "gte": pc.greater_equal,
    "lt": pc.less,
    "lte": pc.less_equal,
}
VALUES: dict[str, Callable[[Any, Any], bool]] = {
    "eq": python.eq,
    "neq": python.ne,
    "gt": python.gt,
    "gte": python.ge,
    "lt": python.lt,
    "lte": python.le,
}


def constant(column: pa.Array, value: bool) -> pa.BooleanArray:
    """One answer for every row that is not null."""
    return pc.if_else(pc.is_valid(column), pa.scalar(value), pa.scalar(None, pa.bool_()))


def unknown(rows: int) -> pa.BooleanArray:
    """Null for every row."""
    return pa.nulls(rows, pa.bool_())


def always(rows: int, value: bool) -> pa.BooleanArray:
    """One answer for every row."""
    return pa.repeat(pa.scalar(value), rows)


def compare(column: pa.Array, kind: Type, operator: Comparison, value: Any) -> pa.BooleanArray:
    """`column operator value`; null where either is, except for `isdistinct`."""
    if operator == "isdistinct":
        if value is None:
            return pc.is_valid(column)
        return pc.fill_null(compare(column, kind, "neq", value), True)
    if value is None:
        return unknown(len(column))
    if kind is Type.JSONB:
        wanted, holds = documents.order_key(documents.parse(value)), VALUES[operator]
        return documents.distinct(column, lambda text: holds(documents.order_key(documents.parse(text)), wanted), pa.bool_())
    if pa.types.is_floating(column.type):
        return _floats(column, operator, value)
    return COLUMNS[operator](column, pa.scalar(value, column.type))


def _floats(column: pa.Array, operator: Comparison, value: float) -> pa.BooleanArray:
    """NaN equals NaN and is greater than all else."""
    if not math.isnan(value):
        found = COLUMNS[operator](column, pa.scalar(value, column.type))
        return pc.or_(found, pc.is_nan(column)) if operator in ("gt", "gte") else found
    match operator:
        case "eq" | "gte":
            return pc.is_nan(column)
        case "neq" | "lt":
            return pc.invert(pc.is_nan(column))
        case _:
            return constant(column, operator == "lte")


def among(column: pa.Array, kind: Type, operator: Comparison, values: Sequence[Any], every: bool) -> pa.BooleanArray:
    """`column operator any (values)`, or `all` of them: a null among them makes unknown what the others do not decide."""
    if not values:
        return always(len(column), every)
    known = _distinct(kind, [value for value in values if value is not None])
    if not known:
        return unknown(len(column))
    found = _decided(column, kind, operator, known, every)
    if any(value is None for value in values):
        return (pc.and_kleene if every else pc.or_kleene)(found, unknown(len(column)))
    return found


def _decided(column: pa.Array, kind: Type, operator: Comparison, known: list[Any], every: bool) -> pa.BooleanArray:
    """The same for values that are different and not null, the least first."""
    least, greatest = known[0], known[-1]
    match operator:
        case "gt" | "gte":
            return compare(column, kind, operator, greatest if every else least)
        case "lt" | "lte":
            return compare(column, kind, operator, least if every else greatest)
        case "eq" if every:
            return compare(column, kind, "eq", least) if len(known) == 1 else constant(column, False)
        case "neq" if not every:
            return compare(column, kind, "neq", least) if len(known) == 1 else constant(column, True)
        case "eq":
            return _any_of(column, kind, known)
        case "neq":
            return pc.invert(_any_of(column, kind, known))
        case _:
            raise ValueError(f"{operator} has no any or all")


def _any_of(column: pa.Array, kind: Type, known: list[Any]) -> pa.BooleanArray:
    if len(known) == 1:
        return compare(column, kind, "eq", known[0])
    if kind is Type.JSONB:
        keys = {documents.order_key(documents.parse(value)) for value in known}
        return documents.distinct(column, lambda text: documents.order_key(documents.parse(text)) in keys, pa.bool_())
    if 0.0 in known and pa.types.is_floating(column.type):
        known = [*known, -0.0, 0.0]
    found = pc.is_in(column, value_set=pa.array(known, column.type))
    return pc.if_else(pc.is_valid(column), found, pa.scalar(None, pa.bool_())) if column.null_count else found


def _distinct(kind: Type, values: list[Any]) -> list[Any]:
    """Each value once, in the order of its type."""
    if kind is Type.JSONB:
        by_key = {documents.order_key(documents.parse(value)): value for value in values}
        return [by_key[key] for key in sorted(by_key)]
    plain = sorted({value for value in values if not _is_nan(value)})
    return [*plain, math.nan] if any(map(_is_nan, values)) else plain


def _is_nan(value: Any) -> bool:
    return isinstance(value, float) and math.isnan(value)
