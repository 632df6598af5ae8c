"""Logic trees: `and(...)` and `or(...)` of conditions and of one another.

Inside a tree `or=(...)` and `and=(...)` mean the same as without the equals sign, which no other parse of them could mean.
"""

from __future__ import annotations

import re
from typing import Literal

from wattline.contracts.flux.syntax.ast import Logic, Tree
from wattline.contracts.flux.syntax.cursor import Cursor
from wattline.contracts.flux.syntax.names import FIELD, field
from wattline.contracts.flux.syntax.operators import condition

NODE = re.compile(r"\s*+(not\.)?+(and|or)\s*+=?\s*+\(")
EXPECTED = f"{FIELD}, negation operator (not) or logic operator (and, or)"


def tree(kind: Literal["and", "or"], negated: bool, text: str) -> Logic:
    """The value of an `and` or `or` parameter, its parentheses included."""
    # A column of a refusal counts from the operator, which belongs to the tree and stands in the key.
    prefix = f"{'not.' if negated else ''}{kind}"
    cursor = Cursor("logic tree", prefix + text, text)
    cursor.position = len(prefix)
    cursor.spaces()
    cursor.expect("(", '"("')
    made = Logic(kind, _parts(cursor), negated)
    cursor.finish()
    return made


def _parts(cursor: Cursor) -> tuple[Tree, ...]:
    cursor.enter()
    parts = [_part(cursor)]
    while cursor.take(","):
        parts.append(_part(cursor))
    cursor.expect(")", '"," or ")"')
    cursor.spaces()
    cursor.leave()
    return tuple(parts)


def _part(cursor: Cursor) -> Tree:
    node = cursor.match(NODE)
    if node is not None:
        return Logic("and" if node[2] == "and" else "or", _parts(cursor), node[1] is not None)
    cursor.spaces()
    if cursor.done or cursor.text[cursor.position] in ",()":
        raise cursor.refusal(EXPECTED)
    column = field(cursor)
    cursor.expect(".", '"." or "->"')
    return condition(cursor, column, nested=True)
