"""jsonb in a column: paths into it, its order, and what contains what.

A column holds the text that PostgreSQL prints. Each distinct text is read once, however many rows have it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

import pyarrow as pa

from wattline.contracts.flux.syntax.ast import Step

NULL, STRING, NUMBER, BOOLEAN, ARRAY, OBJECT = range(6)
EMPTY_ARRAY = (-1,)
MISSING = object()
INDEX = re.compile("-?[0-9]{1,9}")


def parse(text: str) -> Any:
    """A document; its numbers are exact, and its keys stay in their order."""
    return json.loads(text, parse_float=Decimal, parse_int=Decimal)


def text_of(document: Any) -> str:
    """A document as PostgreSQL prints it, given keys in PostgreSQL's order."""
    match document:
        case Decimal():
            return format(document, "f")
        case list():
            return f"[{', '.join(map(text_of, document))}]"
        case dict():
            return f"{{{', '.join(f'{text_of(key)}: {text_of(part)}' for key, part in document.items())}}}"
        case _:
            return json.dumps(document, ensure_ascii=False)


def order_key(document: Any) -> tuple[Any, ...]:
    """What sorts as PostgreSQL sorts jsonb: by kind, then arrays and objects by their size, then part by part.

    A top-level empty array comes before everything, as it does there.
    """
    return EMPTY_ARRAY if document == [] else _key(document)


def _key(document: Any) -> tuple[Any, ...]:
    match document:
        case None:
            return (NULL,)
        case bool():
            return (BOOLEAN, document)
        case str():
            return (STRING, document)
        case list():
            return (ARRAY, len(document), *map(_key, document))
        case dict():
            # Keys are stored, and so compared, the shorter first.
            pairs = sorted(document.items(), key=lambda pair: (len(pair[0].encode()), pair[0].encode()))
            return (OBJECT, len(document), *(part for name, value in pairs for part in (name, _key(value))))
        case _:
            return (NUMBER, document)


def contains(outer: Any, inner: Any) -> bool:
    """PostgreSQL's `outer @> inner`: a top-level array also contains the plain values in it."""
    if isinstance(outer, list) and not isinstance(inner, list | dict):
        inner = [inner]
    return _contains(outer, inner)


def _contains(outer: Any, inner: Any) -> bool:
    if isinstance(inner, dict):
        return isinstance(outer, dict) and all(name in outer and _contains(outer[name], value) for name, value in inner.items())
    if isinstance(inner, list):
        return isinstance(outer, list) and all(any(_contains(mine, value) for mine in outer) for value in inner)
    return not isinstance(outer, list | dict) and _key(outer) == _key(inner)


def follow(document: Any, path: Sequence[Step]) -> Any:
    """What a path finds: `MISSING` where it leads nowhere."""
    for step in path:
        if isinstance(document, dict):
            document = document.get(step.key, MISSING)
        elif document is not MISSING and INDEX.fullmatch(step.key):
            # A plain value is to PostgreSQL an array of one.
            elements = document if isinstance(document, list) else [document]
            at = int(step.key)
            document = elements[at] if -len(elements) <= at < len(elements) else MISSING
        else:
            return MISSING
    return document


def distinct(column: pa.Array, of: Callable[[str], Any], made: pa.DataType) -> pa.Array:
    """A function of each distinct text of a column; null of null."""
    coded = column.dictionary_encode()
    return pa.array([of(text) for text in coded.dictionary.to_pylist()], made).take(coded.indices)


def at_path(column: pa.Array, path: Sequence[Step]) -> pa.Array:
    """What a path finds in every row, as the text of a jsonb or, after `->>`, as text."""
    as_text = path[-1].text

    def found(text: str) -> str | None:
        value = follow(parse(text), path)
        if value is MISSING or (as_text and value is None):
            return None
        return value if as_text and isinstance(value, str) else text_of(value)

    return distinct(column, found, pa.string())


def ranks(column: pa.Array) -> pa.Array:
    """Numbers that sort as the documents do, equal for equal ones."""
    coded = column.dictionary_encode()
    keys = [order_key(parse(text)) for text in coded.dictionary.to_pylist()]
    places = {key: place for place, key in enumerate(sorted(set(keys)))}
    return pa.array([places[key] for key in keys], pa.int64()).take(coded.indices)
