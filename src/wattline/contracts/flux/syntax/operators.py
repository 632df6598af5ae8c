"""Operators with their values: `[not.]op[(any|all)].value`, on their own or inside a logic tree."""

from __future__ import annotations

import re
from typing import cast, get_args

from wattline.contracts.flux.syntax.ast import Condition, Field, Operator, Quantifier
from wattline.contracts.flux.syntax.cursor import Cursor
from wattline.contracts.flux.syntax.names import unescape

OPERATION = re.compile(r"(not\.)?+([a-z]++)(?:\(([^()]*+)\))?+\.")
WORD = re.compile(r"[a-z]*+")
LANGUAGE = re.compile(r"\w++\Z")
OPERATORS = frozenset(get_args(Operator))
QUANTIFIED = frozenset({"eq", "like", "ilike", "gt", "gte", "lt", "lte", "match", "imatch"})
TEXT_SEARCH = frozenset({"fts", "plfts", "phfts", "wfts"})
IS = re.compile(r"(not_null|null|true|false|unknown)(?![\w])\s*+", re.IGNORECASE)
IS_EXPECTED = "isVal: (null, not_null, true, false, unknown)"

QUOTED = re.compile(r'"((?:[^"\\]|\\.)*+)"\s*+(?=[,)])', re.DOTALL)
ARRAY = re.compile(r'(\{(?:[^{}"\\]|\\.|"(?:[^"\\]|\\.)*+")*+\})\s*+(?=[,)])', re.DOTALL)
RAW = re.compile(r"[^,)]*+")
OPEN = re.compile(r"\s*+\(\s*+")
COMMA = re.compile(r",\s*+")
CLOSE = re.compile(r"\)\s*+")
EMPTY = re.compile(r"\s*+\)\s*+")


def condition(cursor: Cursor, field: Field, *, nested: bool) -> Condition:
    """What follows a field. `nested` in a logic tree, where a value ends at a comma or a parenthesis."""
    found = OPERATION.match(cursor.text, cursor.position)
    if found is None or found[2] not in OPERATORS:
        raise _unknown(cursor)
    negated, operator, modifier = found.groups()
    quantifier = language = None
    if modifier is not None:
        if operator in QUANTIFIED and modifier in ("any", "all"):
            quantifier = cast(Quantifier, modifier)
        elif operator in TEXT_SEARCH and LANGUAGE.match(modifier):
            language = modifier
        else:
            wanted = '"any" or "all"' if operator in QUANTIFIED else "language" if operator in TEXT_SEARCH else '"."'
            shift = 1 if wanted != '"."' else 0
            raise cursor.refusal(wanted, found.end(2) + shift)
    cursor.position = found.end()
    if operator == "in":
        values = _elements(cursor)
    elif operator == "is":
        word = cursor.match(IS)
        if word is None:
            raise cursor.refusal(IS_EXPECTED)
        values = (word[1].lower(),)
    else:
        value = _single(cursor) if nested else cursor.text[cursor.position :]
        if not nested:
            cursor.position = len(cursor.text)
        if operator in ("like", "ilike"):
            value = value.replace("*", "%")
        values = (value,)
    return Condition(field, cast(Operator, operator), values, negated is not None, quantifier, language)


def filtered(field: Field, text: str) -> Condition:
    """A filter's whole value, as it stands behind the `=` of a parameter."""
    cursor = Cursor("filter", text)
    made = condition(cursor, field, nested=False)
    cursor.finish()
    return made


def _unknown(cursor: Cursor) -> Exception:
    expecting = '"not" or operator (eq, gt, ...)'
    if cursor.take("not."):
        expecting = "operator (eq, gt, ...)"
    start = cursor.position
    word = cursor.match(WORD)
    if word is None or word[0] not in OPERATORS:
        return cursor.refusal(expecting, start)
    if word[0] in QUANTIFIED | TEXT_SEARCH:
        return cursor.refusal('"." or "("')
    return cursor.refusal('"."')


def _elements(cursor: Cursor) -> tuple[str, ...]:
    if cursor.match(OPEN) is None:
        cursor.spaces()
        raise cursor.refusal('"("')
    if cursor.match(EMPTY):
        return ()
    values = []
    while True:
        quoted = cursor.match(QUOTED)
        if quoted is not None:
            values.append(unescape(quoted[1]))
        else:
            raw = cast("re.Match[str]", cursor.match(RAW))
            values.append(raw[0])
        if cursor.match(COMMA):
            continue
        if cursor.match(CLOSE):
            return tuple(values)
        raise cursor.refusal('"," or ")"')


def _single(cursor: Cursor) -> str:
    quoted = cursor.match(QUOTED)
    if quoted is not None:
        return unescape(quoted[1])
    array = cursor.match(ARRAY)
    if array is not None:
        return array[1]
    return cast("re.Match[str]", cursor.match(RAW))[0]
