"""The `select` parameter: columns, JSON paths, casts, aggregates, and related relations with what to select of them."""

from __future__ import annotations

import re
from typing import Any, cast

from wattline.contracts.flux.syntax.ast import Embed, Field, Item
from wattline.contracts.flux.syntax.cursor import Cursor
from wattline.contracts.flux.syntax.names import FIELD, name, steps

PLAIN = re.compile(r"[A-Za-z_]\w*+(?:,[A-Za-z_]\w*+)*+\Z")
STAR = re.compile(r"\s*+\*\s*+")
SPREAD = re.compile(r"\s*+\.\.\.")
COUNT = re.compile(r"\s*+count\(\)")
ALIAS = re.compile(r":(?!:)")
AGGREGATE = re.compile(r"\.(avg|sum|min|max|count)\(\)\s*+")
CAST = re.compile(r"::([\w $]++)")
PARAMETERS = '"!", "(" or name of a foreign key'
NEXT = '"->", "::", ".", "," or end of input'


def selected(text: str) -> tuple[Item | Embed, ...]:
    """What to select of the relation itself. A blank text is all columns."""
    if not text:
        return (Item(Field("*")),)
    if PLAIN.match(text):
        return tuple([Item(Field(column)) for column in text.split(",")])
    cursor = Cursor("select parameter", text)
    items = _items(cursor)
    cursor.finish(NEXT)
    return items


def _items(cursor: Cursor) -> tuple[Item | Embed, ...]:
    items = [_item(cursor)]
    while cursor.take(","):
        items.append(_item(cursor))
    return tuple(items)


def _item(cursor: Cursor) -> Item | Embed:
    if cursor.match(SPREAD):
        return _embed(cursor, name(cursor), alias=None, spread=True)
    if cursor.match(STAR):
        return Item(Field("*"))
    if cursor.match(COUNT):
        return _count(cursor, None)
    first = name(cursor, f"{FIELD}, alias or embedded relation")
    if cursor.match(ALIAS) is None:
        return _named(cursor, first, None)
    if cursor.match(COUNT):
        return _count(cursor, first)
    return _named(cursor, name(cursor), first)


def _named(cursor: Cursor, first: str, alias: str | None) -> Item | Embed:
    if first == "*":
        # Only a quoted name can be this one, and `Field("*")` means all columns.
        raise cursor.refusal("name of a column", cursor.position - 1)
    if cursor.text.startswith(("!", "("), cursor.position):
        return _embed(cursor, first, alias, spread=False)
    field = Field(first, steps(cursor))
    kind = _cast(cursor)
    aggregate = cursor.match(AGGREGATE)
    if aggregate is None:
        return Item(field, alias, kind)
    return Item(field, alias, kind, cast(Any, aggregate[1]), _cast(cursor))


def _count(cursor: Cursor, alias: str | None) -> Item:
    kind = _cast(cursor)
    cursor.spaces()
    return Item(Field(""), alias, None, "count", kind)


def _cast(cursor: Cursor) -> str | None:
    found = cursor.match(CAST)
    if found is None:
        if cursor.take("::"):
            raise cursor.refusal("type")
        return None
    kind = found[1].strip()
    if not kind:
        raise cursor.refusal("type")
    return kind


def _embed(cursor: Cursor, relation: str, alias: str | None, *, spread: bool) -> Embed:
    hint = join = None
    while cursor.take("!"):
        start = cursor.position
        word = name(cursor, "hint or join type (inner, left)")
        if word in ("inner", "left") and join is None:
            join = word
        elif hint is None:
            hint = word
        else:
            raise cursor.refusal('"("', start)
    cursor.expect("(", '"("' if hint and join else PARAMETERS)
    cursor.enter()
    cursor.spaces()
    items: tuple[Item | Embed, ...] = ()
    if not cursor.text.startswith(")", cursor.position):
        items = _items(cursor)
    cursor.expect(")", f'{NEXT.removesuffix(" or end of input")} or ")"')
    cursor.spaces()
    cursor.leave()
    return Embed(relation, items, alias, hint, cast(Any, join), spread)
