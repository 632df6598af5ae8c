"""The `order` parameter: `column[.asc|.desc][.nullsfirst|.nullslast]` between commas, a column also of a related relation."""

from __future__ import annotations

import re

from wattline.contracts.flux.syntax.ast import Field, Order
from wattline.contracts.flux.syntax.cursor import Cursor
from wattline.contracts.flux.syntax.names import field, name, steps

PLAIN = re.compile(r"([A-Za-z_]\w*+)(\.(?:asc|desc))?+(\.nulls(?:first|last))?+\Z")
TERM = re.compile(r"(\.(?:asc|desc))?+(\.nulls(?:first|last))?+\s*+")
EXPECTED = '"asc", "desc", "nullsfirst" or "nullslast"'


def orders(text: str) -> tuple[Order, ...]:
    """All terms, the most significant first."""
    plain = PLAIN.match(text)
    if plain is not None:
        return (_order(Field(plain[1]), None, plain[2], plain[3]),)
    cursor = Cursor("order", text)
    terms = [_term(cursor)]
    while cursor.take(","):
        terms.append(_term(cursor))
    cursor.finish('","')
    return tuple(terms)


def _term(cursor: Cursor) -> Order:
    first = name(cursor)
    relation = None
    if cursor.take("("):
        relation = first
        column = field(cursor)
        cursor.expect(")", '")"')
    else:
        column = Field(first, steps(cursor))
    found = cursor.match(TERM)
    direction, nulls = found.groups() if found is not None else (None, None)
    if not cursor.done and cursor.text[cursor.position] != ",":
        raise cursor.refusal('","' if nulls else EXPECTED if cursor.take(".") else '"." or ","')
    return _order(column, relation, direction, nulls)


def _order(column: Field, relation: str | None, direction: str | None, nulls: str | None) -> Order:
    return Order(column, direction == ".desc", None if nulls is None else nulls == ".nullsfirst", relation)
