"""A real PostgreSQL to ask what it makes of a value."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, LiteralString

import psycopg
import pytest

from tests.postgres import PostgresServer

TRY = """
CREATE FUNCTION attempt(given text, source text, target text) RETURNS text[] LANGUAGE plpgsql AS $$
DECLARE found text; state text; message text; details text; hint text;
BEGIN
    EXECUTE format('SELECT (($1::%s)::%s)::text', source, target) INTO found USING given;
    RETURN ARRAY[found];
EXCEPTION WHEN others THEN
    GET STACKED DIAGNOSTICS
        state = returned_sqlstate, message = message_text, details = pg_exception_detail, hint = pg_exception_hint;
    RETURN ARRAY[state, message, nullif(details, ''), nullif(hint, '')];
END $$
"""


@dataclass(frozen=True)
class Oracle:
    """Asks many things in one query."""

    connection: psycopg.Connection[Any]

    def zone(self, name: str) -> None:
        """Set the zone of the session."""
        self.connection.execute("SELECT set_config('timezone', %s, false)", (name,))

    def cast(self, texts: Sequence[str], target: str, source: str = "text") -> list[tuple[str | None, ...]]:
        """The text of each (read as `source`) cast to `target`; or SQLSTATE, message, details and hint."""
        query = "SELECT attempt(x, %s, %s) FROM unnest(%s::text[]) WITH ORDINALITY AS t(x, n) ORDER BY n"
        return [tuple(row[0]) for row in self.connection.execute(query, (source, target, list(texts)))]

    def column(self, query: LiteralString, texts: Sequence[str | None]) -> list[Any]:
        """The first column of a query over `t(x, n)`, the numbered texts."""
        whole = "WITH t AS (SELECT * FROM unnest(%s::text[]) WITH ORDINALITY AS t(x, n)) " + query + " ORDER BY n"
        return [row[0] for row in self.connection.execute(whole, (list(texts),))]


@pytest.fixture(scope="session")
def database_of_oracle(postgres: PostgresServer) -> Iterator[psycopg.Connection[Any]]:
    """A connection to a database of this area's own."""
    url = postgres.create("flux_values")
    with psycopg.connect(host=url.query["host"], user=url.username, dbname=url.database, autocommit=True) as connection:
        connection.execute(TRY)
        yield connection


@pytest.fixture(scope="session")
def session_oracle(database_of_oracle: psycopg.Connection[Any]) -> Oracle:
    """PostgreSQL, in whatever zone the last test left it."""
    return Oracle(database_of_oracle)


@pytest.fixture
def oracle(session_oracle: Oracle) -> Oracle:
    """PostgreSQL, in UTC."""
    session_oracle.zone("UTC")
    return session_oracle
