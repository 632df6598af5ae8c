"""A condition that a column is one of some numbers, however many: more than a few are one parameter, as a JSON list."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

FEW = 500
"""So many are parameters of their own: the database looks each up in an index, which it does not do for a list."""


class Among(FunctionElement[bool]):
    """Made by `among`."""

    name = "among"
    type = sa.Boolean()
    inherit_cache = True


def among(column: sa.Column[int], numbers: Collection[int]) -> sa.ColumnElement[bool]:
    """Whether the column is one of these numbers. A database takes some ten thousand parameters, and a caller may see more."""
    if len(numbers) <= FEW:
        return column.in_(sorted(numbers))
    return Among(column, sa.literal(json.dumps(sorted(numbers)), sa.Text))


@compiles(Among, "sqlite")
def _in_sqlite(element: Among, compiler: SQLCompiler, **options: Any) -> str:
    column, numbers = (compiler.process(each, **options) for each in element.clauses)
    return f"{column} IN (SELECT value FROM json_each({numbers}))"  # noqa: S608 - compiled parts


@compiles(Among, "postgresql")
def _in_postgresql(element: Among, compiler: SQLCompiler, **options: Any) -> str:
    column, numbers = (compiler.process(each, **options) for each in element.clauses)
    table = f"json_array_elements_text(CAST({numbers} AS JSON))"
    return f"{column} IN (SELECT CAST(value AS BIGINT) FROM {table})"  # noqa: S608 - compiled parts
