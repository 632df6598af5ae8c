"""Which operator PostgreSQL has for which type, and how it says that it has none."""

from __future__ import annotations

import re

from wattline.contracts.flux.catalog import Type
from wattline.contracts.flux.errors import Refusal, sql
from wattline.contracts.flux.syntax.ast import Step

COMPARISONS = frozenset({"eq", "neq", "gt", "gte", "lt", "lte", "isdistinct", "in"})
PATTERNS = frozenset({"like", "ilike", "match", "imatch"})
TEXT_SEARCH = frozenset({"fts", "plfts", "phfts", "wfts"})
SYMBOLS = {
    **{"like": "~~", "ilike": "~~*", "match": "~", "imatch": "~*"},
    **dict.fromkeys(TEXT_SEARCH, "@@"),
    **{"cs": "@>", "cd": "<@", "ov": "&&", "sl": "<<", "sr": ">>", "nxr": "&<", "nxl": "&>", "adj": "-|-"},
}
"""The operators that not every type has."""
INTEGERS = frozenset({Type.INT2, Type.INT4, Type.INT8})
INDEX = re.compile(r"-?[0-9]+\Z")
ADD_CASTS = "You might need to add explicit type casts."


def check(operator: str, kind: Type) -> None:
    """Refuse an operator that does not give a truth value for a column of this type and a literal."""
    if operator in COMPARISONS:
        return
    symbol = SYMBOLS[operator]
    if operator in PATTERNS and kind is Type.TEXT:
        return
    if operator in TEXT_SEARCH:
        # Text and JSON are turned into documents; the query already is one, so its type is known.
        if kind in (Type.TEXT, Type.JSONB):
            return
        raise missing(symbol, kind, "tsquery")
    if operator in ("cs", "cd") and kind is Type.JSONB:
        return
    if operator == "cd":
        hint = f"Could not choose a best candidate operator. {ADD_CASTS}"
        raise sql(400, "42725", f"operator is not unique: {kind.sql} {symbol} unknown", hint=hint)
    if operator in ("sl", "sr") and kind in INTEGERS:
        raise sql(400, "42804", f"argument of WHERE must be type boolean, not type {kind.sql}")
    raise missing(symbol, kind, "unknown")


def check_is(kind: Type, what: str) -> None:
    """Refuse `is.true` and its like on what is no boolean."""
    if kind is not Type.BOOL and what not in ("null", "not_null"):
        raise sql(400, "42804", f"argument of IS {what.upper()} must be type boolean, not type {kind.sql}")


def check_arrow(kind: Type, step: Step) -> Type:
    """The type of what an arrow finds."""
    symbol = "->>" if step.text else "->"
    operand = _index_type(step.key)
    if kind is not Type.JSONB or operand not in ("unknown", "integer"):
        raise missing(symbol, kind, operand)
    return Type.TEXT if step.text else Type.JSONB


def missing(symbol: str, kind: Type, operand: str) -> Refusal:
    """42883."""
    hint = f"No operator matches the given name and argument types. {ADD_CASTS}"
    return sql(404, "42883", f"operator does not exist: {kind.sql} {symbol} {operand}", hint=hint)


def _index_type(key: str) -> str:
    if INDEX.match(key) is None:
        return "unknown"
    if len(key) > 20:
        return "numeric"
    size = abs(int(key))
    return "integer" if size < 2**31 else "bigint" if size < 2**63 else "numeric"
