"""The filter of a binding: `column=[not.]operator.value`, several with commas between them, all of which must hold.

A comma ends a value only where another such condition follows it, so that a text with commas may also be given as it is; in
double quotes, with backslash escapes, a value may hold anything.
"""

from __future__ import annotations

import re
from typing import cast

from wattline.contracts.flux.binding import condition
from wattline.contracts.flux.catalog import RelationType
from wattline.contracts.flux.evaluate.filter import check
from wattline.contracts.flux.expression import Both, Expression
from wattline.contracts.flux.syntax.ast import Condition, Field, Operator

OPERATORS = ("eq", "neq", "lt", "lte", "gt", "gte", "in", "like", "ilike", "is", "match", "imatch", "isdistinct")
MOST_VALUES = 100
"""Values of an `in` list."""
MOST_CONDITIONS = 20
"""Conditions of a filter, each of which may cost a look at every change."""
MOST_LETTERS = 16_384
"""Letters of a filter: room for several lists of the most values."""
WORDS = ("null", "not_null", "true", "false", "unknown")

_HEAD = re.compile(rf"\s*([A-Za-z_]\w*)=(not\.)?({'|'.join(sorted(OPERATORS, key=len, reverse=True))})\.", re.ASCII)
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*+)"\s*(?=[,)]|\Z)', re.DOTALL)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)


class Ungrammatical(Exception):
    """A filter cannot be parsed; the argument says why."""


def parse(text: str) -> tuple[Condition, ...]:
    """The conditions of a filter; none of an empty one. Raises `Ungrammatical`."""
    if len(text) > MOST_LETTERS:
        raise Ungrammatical(f"longer than {MOST_LETTERS} letters")
    found: list[Condition] = []
    at = 0
    while at < len(text):
        if len(found) == MOST_CONDITIONS:
            raise Ungrammatical(f"more than {MOST_CONDITIONS} conditions")
        head = _HEAD.match(text, at)
        if head is None:
            raise Ungrammatical(f"expected column=operator.value at character {at + 1}")
        column, negated, operator = head.groups()
        values, at = _in(text, head.end()) if operator == "in" else _single(text, head.end())
        if operator == "is" and (values := (values[0].lower(),))[0] not in WORDS:
            raise Ungrammatical(f"expected one of {', '.join(WORDS)} after is")
        found.append(Condition(Field(column), cast(Operator, operator), values, negated is not None))
        if at < len(text):
            at += 1
            if at == len(text):
                raise Ungrammatical("a comma at the end")
    return tuple(found)


def bind(relation: RelationType, conditions: tuple[Condition, ...], now: int) -> Expression | None:
    """The conditions against the columns of a relation; None where there is none. Raises `Refusal` in PostgreSQL's words."""
    parts = tuple([condition(relation, each, now) for each in conditions])
    for part in parts:
        check(part)
    return None if not parts else parts[0] if len(parts) == 1 else Both(parts)


def _quoted(text: str, at: int) -> tuple[str, int] | None:
    found = _QUOTED.match(text, at)
    return None if found is None else (_ESCAPED.sub(r"\1", found[1]), found.end())


def _single(text: str, at: int) -> tuple[tuple[str, ...], int]:
    quoted = _quoted(text, at)
    if quoted is not None and text[quoted[1] : quoted[1] + 1] != ")":
        return (quoted[0],), quoted[1]
    end = text.find(",", at)
    while end >= 0 and _HEAD.match(text, end + 1) is None:
        end = text.find(",", end + 1)
    end = len(text) if end < 0 else end
    return (text[at:end],), end


def _in(text: str, at: int) -> tuple[tuple[str, ...], int]:
    if text[at : at + 1] != "(":
        raise Ungrammatical("expected ( after in")
    if text.startswith("()", at):
        raise Ungrammatical("in needs a value")
    values: list[str] = []
    at += 1
    while True:
        quoted = _quoted(text, at)
        if quoted is not None:
            value, at = quoted
        else:
            ends = [end for end in (text.find(",", at), text.find(")", at)) if end >= 0]
            if not ends:
                raise Ungrammatical("expected ) after the values of in")
            value, at = text[at : min(ends)], min(ends)
        values.append(value)
        if text[at : at + 1] == ")":
            break
        if at >= len(text):
            raise Ungrammatical("expected ) after the values of in")
        at += 1
    if len(values) > MOST_VALUES:
        raise Ungrammatical(f"in takes at most {MOST_VALUES} values")
    at += 1
    if at < len(text) and text[at] != ",":
        raise Ungrammatical(f"expected a comma at character {at + 1}")
    return tuple(values), at
