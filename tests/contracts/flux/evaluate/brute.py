"""Filters evaluated row by row, value by value, from the description of PostgreSQL's operators: slow and plain."""

from __future__ import annotations

import json
import math
import re
from decimal import Decimal
from typing import Any

from wattline.contracts.flux.catalog import Type
from wattline.contracts.flux.expression import (
    Among,
    Both,
    Compare,
    Contains,
    Either,
    Embedded,
    Expression,
    Is,
    Match,
    Not,
    Ref,
)

HOLDS = {
    "eq": lambda sign: sign == 0,
    "neq": lambda sign: sign != 0,
    "gt": lambda sign: sign > 0,
    "gte": lambda sign: sign >= 0,
    "lt": lambda sign: sign < 0,
    "lte": lambda sign: sign <= 0,
}
KINDS = [type(None), str, Decimal, bool, list, dict]


def holds(  # noqa: PLR0911 - one return a kind of expression
    expression: Expression, row: dict[str, Any], embedded: dict[str, bool] | None = None
) -> bool | None:
    """True, false or None for one row."""
    match expression:
        case Not(part):
            inner = holds(part, row, embedded)
            return None if inner is None else not inner
        case Both(parts):
            return every([holds(part, row, embedded) for part in parts])
        case Either(parts):
            return some([holds(part, row, embedded) for part in parts])
        case Embedded(name):
            assert embedded is not None
            return embedded[name]
        case Is(ref, what):
            value = fetch(ref, row)
            return {
                "null": value is None,
                "unknown": value is None,
                "not_null": value is not None,
                "true": value is True,
                "false": value is False,
            }[what]
        case Compare(ref, "isdistinct", wanted):
            value = fetch(ref, row)
            return value is None or sign(ref.type, value, wanted) != 0
        case Compare(ref, operator, wanted):
            return compared(ref.type, fetch(ref, row), operator, wanted)
        case Among(ref, operator, wanted, all_of):
            answers = [compared(ref.type, fetch(ref, row), operator, each) for each in wanted]
            return every(answers) if all_of else some(answers)
        case Match(ref, operator, patterns, all_of):
            value = fetch(ref, row)
            answers = [None if value is None else matches(operator, value, pattern) for pattern in patterns]
            return every(answers) if all_of else some(answers)
        case Contains(ref, operator, wanted):
            value = fetch(ref, row)
            if value is None:
                return None
            outer, inner = (read(value), read(wanted)) if operator == "cs" else (read(wanted), read(value))
            return contained(outer, inner, top=True)
        case _:
            raise AssertionError(expression)


def every(answers: list[bool | None]) -> bool | None:
    """AND."""
    return False if False in answers else None if None in answers else True


def some(answers: list[bool | None]) -> bool | None:
    """OR."""
    return True if True in answers else None if None in answers else False


def read(text: str) -> Any:
    """A document with exact numbers."""
    return json.loads(text, parse_float=Decimal, parse_int=Decimal)


def write(document: Any) -> str:
    """A document whose numbers are exact as text."""
    if isinstance(document, Decimal):
        return str(document)
    if isinstance(document, list):
        return "[" + ", ".join(write(part) for part in document) + "]"
    if isinstance(document, dict):
        return "{" + ", ".join(f"{write(key)}: {write(value)}" for key, value in document.items()) + "}"
    return json.dumps(document, ensure_ascii=False)


def fetch(ref: Ref, row: dict[str, Any]) -> Any:
    """The value of a reference."""
    value = row[ref.column]
    if value is None or not ref.path:
        return value
    document = read(value)
    for step in ref.path:
        try:
            if isinstance(document, dict):
                document = document[step.key]
            else:
                document = (document if isinstance(document, list) else [document])[int(step.key)]
        except (TypeError, KeyError, ValueError, IndexError):
            return None
    if ref.path[-1].text:
        return None if document is None else document if isinstance(document, str) else write(document)
    return write(document)


def compared(kind: Type, value: Any, operator: str, wanted: Any) -> bool | None:
    """A comparison of two values, of which each may be null."""
    return None if value is None or wanted is None else HOLDS[operator](sign(kind, value, wanted))


def sign(kind: Type, one: Any, other: Any) -> int:
    """Below, at or above zero as one value is less than, equal to or greater than another."""
    if kind is Type.JSONB:
        one, other = read(one), read(other)
        if (one == []) != (other == []):
            return -1 if one == [] else 1
        return documents(one, other)
    if kind is Type.TEXT:
        one, other = one.encode(), other.encode()
    if isinstance(one, float) and (math.isnan(one) or math.isnan(other)):
        one, other = math.isnan(one), math.isnan(other)
    return (one > other) - (one < other)


def documents(one: Any, other: Any) -> int:
    """The same for documents."""
    ranks = KINDS.index(type(one)), KINDS.index(type(other))
    if ranks[0] != ranks[1]:
        return ranks[0] - ranks[1]
    if isinstance(one, list | dict) and len(one) != len(other):
        return len(one) - len(other)
    if isinstance(one, list):
        return next((found for pair in zip(one, other, strict=True) if (found := documents(*pair))), 0)
    if isinstance(one, dict):
        mine, theirs = (sorted(each, key=lambda key: (len(key), key)) for each in (one, other))
        for my_key, their_key in zip(mine, theirs, strict=True):
            if found := (my_key > their_key) - (my_key < their_key) or documents(one[my_key], other[their_key]):
                return found
        return 0
    return 0 if one is None else (one > other) - (one < other)


def contained(outer: Any, inner: Any, top: bool = False) -> bool:
    """Whether one document contains another."""
    if isinstance(inner, dict):
        return isinstance(outer, dict) and all(key in outer and contained(outer[key], inner[key]) for key in inner)
    if isinstance(inner, list):
        return isinstance(outer, list) and all(any(contained(mine, wanted) for mine in outer) for wanted in inner)
    if isinstance(outer, list) and top:
        return any(contained(mine, inner) for mine in outer)
    return type(outer) is type(inner) and bool(outer == inner)


def matches(operator: str, text: str, pattern: str) -> bool:
    """Whether a pattern matches. Regular expressions here are of the kind that Python reads as PostgreSQL does."""
    if operator in ("match", "imatch"):
        flags = re.DOTALL | re.ASCII | (re.IGNORECASE if operator == "imatch" else 0)
        return re.search(pattern.replace("$", r"\Z"), text, flags) is not None
    if operator == "ilike":
        text, pattern = text.lower(), pattern.lower()
    return like(text, pattern)


def like(text: str, pattern: str) -> bool:
    """LIKE, letter by letter."""
    if not pattern:
        return not text
    if pattern[0] == "%":
        return any(like(text[skipped:], pattern[1:]) for skipped in range(len(text) + 1))
    if not text:
        return False
    if pattern[0] == "\\":
        return text[0] == pattern[1] and like(text[1:], pattern[2:])
    return pattern[0] in ("_", text[0]) and like(text[1:], pattern[1:])
