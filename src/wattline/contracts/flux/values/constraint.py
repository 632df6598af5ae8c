"""How messages about a violated constraint print rows and keys."""

from __future__ import annotations

from collections.abc import Sequence
from zoneinfo import ZoneInfo

import pyarrow as pa

from wattline.contracts.flux.catalog import RelationType, Unique
from wattline.contracts.flux.errors import Refusal


def null_violation(relation: RelationType, table: pa.Table, zone: ZoneInfo | None = None) -> Refusal | None:
    """23502 for the first row (and its first column) of a table of every column that has a null where none may be."""
    raise NotImplementedError


def duplicate(unique: Unique, key: pa.Table, relation: RelationType, row: int = 0, zone: ZoneInfo | None = None) -> Refusal:
    """23505 for a row of a table that has the key's columns."""
    raise NotImplementedError


def key_columns(names: Sequence[str]) -> str:
    """Column names as PostgreSQL lists them: quoted where a name is a keyword or not plain."""
    raise NotImplementedError
