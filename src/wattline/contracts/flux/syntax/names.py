"""Names of columns and relations, and paths into JSON.

A bare name is of letters, digits, `_`, `$`, spaces inside and single dashes inside; any other stands in double quotes, where a
backslash escapes the next character.
"""

from __future__ import annotations

import re

from wattline.contracts.flux.errors import sql
from wattline.contracts.flux.syntax.ast import Field, Path, Step
from wattline.contracts.flux.syntax.cursor import Cursor

NAME = re.compile(r'\s*+(?:([\w $]++(?:-(?!>)[\w $]++)*+)|"((?:[^"\\]|\\.)*+)")\s*+', re.DOTALL)
ARROW = re.compile(r"->>?")
KEY = re.compile(r'\s*+(?:"((?:[^"\\]|\\.)*+)"|((?:[^-:.,()>"]|-(?!>))++))\s*+', re.DOTALL)
ESCAPED = re.compile(r"\\(.)", re.DOTALL)
PLAIN = re.compile(r"[A-Za-z_][\w$]*+\Z")

FIELD = "field name (* or [a..z0..9_$])"


def unescape(text: str) -> str:
    """What a quoted text stands for."""
    return ESCAPED.sub(r"\1", text) if "\\" in text else text


def name(cursor: Cursor, expecting: str = FIELD) -> str:
    """A name, without the white space around it."""
    found = NAME.match(cursor.text, cursor.position)
    if found is None:
        cursor.spaces()
        raise cursor.refusal(expecting)
    bare, inner = found.groups()
    if bare is not None:
        text = bare.strip()
        if not text:
            raise cursor.refusal(expecting, found.end())
    elif not inner:
        raise sql(400, "42601", 'zero-length delimited identifier at or near """"')
    else:
        text = unescape(inner)
    cursor.position = found.end()
    return text


def steps(cursor: Cursor) -> tuple[Step, ...]:
    """The arrows that follow a column, none or more."""
    if not cursor.text.startswith("->", cursor.position):
        return ()
    path = []
    while arrow := cursor.match(ARROW):
        found = cursor.match(KEY)
        key = None if found is None else found[2].strip() if found[1] is None else unescape(found[1])
        if found is None or (not key and found[1] is None):
            raise cursor.refusal("key or index of a JSON path")
        path.append(Step(key or "", len(arrow[0]) == 3))
    return tuple(path)


def field(cursor: Cursor) -> Field:
    """A column and the path into it."""
    column = name(cursor)
    return Field(column, steps(cursor))


def tree_path(key: str) -> tuple[Path, Field]:
    """The key of a filter: `embed.embed.column->path`."""
    if PLAIN.match(key):
        return (), Field(key)
    cursor = Cursor("tree path", key)
    names = [name(cursor)]
    while cursor.take("."):
        names.append(name(cursor))
    path = steps(cursor)
    cursor.finish('"." or "->"')
    return tuple(names[:-1]), Field(names[-1], path)


def embed_path(key: str) -> Path:
    """What stands before the last dot of `embed.embed.limit`."""
    cursor = Cursor("tree path", key)
    names = [name(cursor)]
    while cursor.take("."):
        names.append(name(cursor))
    cursor.finish('"."')
    return tuple(names)


def listed(what: str, text: str) -> tuple[str, ...]:
    """Names between commas: `columns` and `on_conflict`."""
    cursor = Cursor(what, text)
    names = [name(cursor)]
    while cursor.take(","):
        names.append(name(cursor))
    cursor.finish('","')
    return tuple(names)
