"""How messages about a violated constraint print rows and keys."""

from __future__ import annotations

import re
from collections.abc import Sequence
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa

from wattline.contracts.flux import errors
from wattline.contracts.flux.catalog import RelationType, Unique
from wattline.contracts.flux.errors import Refusal
from wattline.contracts.flux.values.columns import valid
from wattline.contracts.flux.values.render import print_text

_PLAIN = re.compile(r"[a-z_][a-z0-9_]*")
_KEYWORDS = frozenset({"time", "timestamp", "values", "user", "order", "group", "table", "column", "default", "interval"})
"""Words that a column may be called and PostgreSQL quotes."""


def null_violation(relation: RelationType, table: pa.Table, zone: ZoneInfo | None = None) -> Refusal | None:
    """23502 for the first row (and its first column) of a table of every column that has a null where none may be."""
    first: tuple[int, str] | None = None
    for column in relation.columns:
        held = table.column(column.name)
        if column.nullable or not held.null_count:
            continue
        row = int(np.argmin(valid(held.combine_chunks())))
        if first is None or row < first[0]:
            first = row, column.name
    if first is None:
        return None
    return errors.null_violation(relation.name, first[1], row_text(relation, table, first[0], zone))


def row_text(relation: RelationType, table: pa.Table, row: int, zone: ZoneInfo | None = None) -> str:
    """The values of a row in the order of the relation's columns, as `Failing row contains` lists them."""
    names = [column.name for column in relation.columns]
    return ", ".join(_cut(text) for text in _texts(relation, table, names, row, zone))


def duplicate(unique: Unique, key: pa.Table, relation: RelationType, row: int = 0, zone: ZoneInfo | None = None) -> Refusal:
    """23505 for a row of a table that has the key's columns."""
    values = ", ".join(_texts(relation, key, unique.columns, row, zone))
    return errors.duplicate(unique.name, key_columns(unique.columns), values)


def key_columns(names: Sequence[str]) -> str:
    """Column names as PostgreSQL lists them: quoted where a name is a keyword or not plain."""
    return ", ".join(map(_identifier, names))


def _identifier(name: str) -> str:
    if _PLAIN.fullmatch(name) and name not in _KEYWORDS:
        return name
    return '"' + name.replace('"', '""') + '"'


def _texts(relation: RelationType, table: pa.Table, names: Sequence[str], row: int, zone: ZoneInfo | None) -> list[str]:
    one = table.slice(row, 1)
    texts = []
    for name in names:
        text = print_text(one.column(name).combine_chunks(), relation.by_name[name].type, zone)[0].as_py()
        texts.append("null" if text is None else text)
    return texts


def _cut(text: str) -> str:
    """A failing row shows no more than 64 bytes of a value."""
    coded = text.encode()
    return text if len(coded) <= 64 else coded[:64].decode(errors="ignore") + "..."
