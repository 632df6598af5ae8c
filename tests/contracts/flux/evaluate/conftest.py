"""A PostgreSQL table with the same rows as the specimens."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
from psycopg import sql

from tests.contracts.flux.evaluate.oracle import value
from tests.contracts.flux.evaluate.specimens import COLUMNS, ROWS, VALUES
from tests.postgres import PostgresServer


@pytest.fixture(scope="session")
def specimens(postgres: PostgresServer) -> Iterator[psycopg.Connection]:
    """A connection to a database with the table `specimens`, numbered by `row`."""
    url = postgres.create("flux_evaluate")
    with psycopg.connect(host=url.query["host"], user=url.username, dbname=url.database, autocommit=True) as connection:
        columns = ", ".join(f"{name} {kind.sql}" for name, (kind, _) in COLUMNS.items())
        connection.execute(f"CREATE TABLE specimens (row int, {columns})".encode())
        for row in range(ROWS):
            held = [value(kind, VALUES[name][row]) for name, (kind, _) in COLUMNS.items()]
            connection.execute(sql.SQL("INSERT INTO specimens VALUES ({}, {})").format(row, sql.SQL(", ").join(held)))
        yield connection
