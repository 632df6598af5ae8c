"""The messages of violated constraints, compared with those of PostgreSQL for a table with the same columns."""

from __future__ import annotations

from typing import Any

import psycopg
import pyarrow as pa
import pytest

from wattline.contracts.flux.catalog import RelationType
from wattline.contracts.flux.tables import BESS, MARKET_TYPES, REGISTRY
from wattline.contracts.flux.values import constraint, literal

from .conftest import Oracle

ID, TIME = "123E4567-E89B-12D3-A456-426614174000", "2024-01-01 13:00:00.250+01"
BESS_ROW = [TIME, ID, ID, "2024-01-01", "65.5", None, "4", None, "-1"]
REGISTRY_ROW = [ID, TIME, "x" * 63 + "é" + "y", "b, c", None, '{"b": 1.50, "a": "long ' + "z" * 60 + '"}', "t"]


def create(oracle: Oracle, relation: RelationType) -> None:
    columns = ", ".join(
        f'"{column.name}" {column.type.value}{"" if column.nullable else " NOT NULL"}' for column in relation.columns
    )
    oracle.connection.execute(f"CREATE TEMP TABLE {relation.name} ({columns})".encode())
    for unique in relation.uniques:
        key = ", ".join(f'"{name}"' for name in unique.columns)
        oracle.connection.execute(f"CREATE UNIQUE INDEX {unique.name} ON {relation.name} ({key})".encode())


def insert(oracle: Oracle, relation: RelationType, row: list[str | None]) -> psycopg.errors.Diagnostic:
    """The complaint about a row."""
    places = ", ".join(f"%s::{column.type.value}" for column in relation.columns)
    with pytest.raises(psycopg.IntegrityError) as refused:
        oracle.connection.execute(f"INSERT INTO {relation.name} VALUES ({places})".encode(), row)
    return refused.value.diag


def table(relation: RelationType, rows: list[list[str | None]]) -> pa.Table:
    columns: list[list[Any]] = [
        [None if row[place] is None else literal.parse(column.type, str(row[place]), 0) for row in rows]
        for place, column in enumerate(relation.columns)
    ]
    return pa.Table.from_arrays(
        [pa.array(c, f.type) for c, f in zip(columns, relation.schema, strict=True)], relation.schema.names
    )


@pytest.mark.parametrize(
    ("relation", "row"),
    [(BESS, [None, *BESS_ROW[1:]]), (BESS, [TIME, ID, None, None, *BESS_ROW[4:]]), (REGISTRY, REGISTRY_ROW)],
)
def test_a_null_is_complained_of_as_postgresql_does(oracle: Oracle, relation: RelationType, row: list[str | None]) -> None:
    oracle.connection.execute(f"DROP TABLE IF EXISTS {relation.name}".encode())
    create(oracle, relation)
    theirs = insert(oracle, relation, row)
    ours = constraint.null_violation(relation, table(relation, [row]))
    assert ours is not None
    assert (ours.code, ours.message, ours.details) == (theirs.sqlstate, theirs.message_primary, theirs.message_detail)
    assert ours.status == 400


@pytest.mark.parametrize(
    ("relation", "row"),
    [(BESS, BESS_ROW), (REGISTRY, [*REGISTRY_ROW[:4], "s", *REGISTRY_ROW[5:]]), (MARKET_TYPES, ["7", "a, b", None, "£", None])],
)
def test_a_duplicate_is_complained_of_as_postgresql_does(oracle: Oracle, relation: RelationType, row: list[str | None]) -> None:
    for unique in relation.uniques:
        oracle.connection.execute(f"DROP TABLE IF EXISTS {relation.name}".encode())
        create(oracle, RelationType(relation.name, relation.columns, (unique,)))
        places = ", ".join(f"%s::{column.type.value}" for column in relation.columns)
        oracle.connection.execute(f"INSERT INTO {relation.name} VALUES ({places})".encode(), row)
        theirs = insert(oracle, relation, row)
        other = [None if column.nullable else text for column, text in zip(relation.columns, row, strict=True)]
        ours = constraint.duplicate(unique, table(relation, [other, row]), relation, row=1)
        assert (ours.code, ours.message, ours.details) == (theirs.sqlstate, theirs.message_primary, theirs.message_detail)
        assert ours.status == 409


def test_the_first_row_with_a_null_and_its_first_column_are_named() -> None:
    rows = [BESS_ROW, [TIME, None, ID, None, *BESS_ROW[4:]], [None, *BESS_ROW[1:]]]
    ours = constraint.null_violation(BESS, table(BESS, rows))
    assert ours is not None
    assert '"device_id"' in ours.message
    assert constraint.null_violation(BESS, table(BESS, [BESS_ROW])) is None


def test_names_are_quoted_where_postgresql_quotes_them(oracle: Oracle) -> None:
    names = ["device_id", "time", "id", "name", "type", "Weird", 'a"b', "a b", "timestamp", "user", "$x", "x$1", "1x"]
    theirs = oracle.column("SELECT quote_ident(x) FROM t", names)
    assert [constraint.key_columns([name]) for name in names] == theirs
