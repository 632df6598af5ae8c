"""The same requests, one after another, here and in PostgreSQL: the same rows, and the same refusals."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from psycopg import sql

from tests.contracts.flux.write.asking import TENANT, Base
from tests.postgres import PostgresServer
from wattline.contracts.flux.catalog import Column, RelationType, Type, Unique
from wattline.contracts.flux.errors import Refusal
from wattline.contracts.flux.write.model import Written

SIGNALS = RelationType(
    "signals",
    (
        Column("a", Type.INT4, nullable=False),
        Column("b", Type.TEXT, nullable=False),
        Column("time", Type.TIMESTAMPTZ),
        Column("n", Type.INT2),
        Column("v", Type.FLOAT4),
    ),
    (
        Unique("signals_pkey", ("a",), primary=True),
        Unique("signals_b_key", ("b",)),
        Unique("signals_time_n_idx", ("time", "n")),
    ),
    order=("a",),
)
DDL = """
    SET TIME ZONE 'UTC';
    CREATE TABLE signals (a int4 PRIMARY KEY, b text NOT NULL, "time" timestamptz, n int2, v real);
    ALTER TABLE signals ADD CONSTRAINT signals_b_key UNIQUE (b);
    CREATE UNIQUE INDEX signals_time_n_idx ON signals ("time", n);
"""
TIMES = ("2024-01-01T00:00:00Z", "2024-01-01T00:00:00.5Z")
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "a": st.sampled_from([1, 2, 3, 4, "5", None, "x", 2**31]),
    "b": st.sampled_from(["p", "q", "r", "s, t", "", 7, None]),
    "time": st.sampled_from([*TIMES, None, "yesterdays", "2024-13-01"]),
    "n": st.sampled_from([1, 2, None, 70000, 4.5]),
    "v": st.sampled_from([1, 1.5, -0.0, "NaN", None, 1e50]),
}
USUAL: dict[str, st.SearchStrategy[Any]] = {
    "a": st.integers(1, 6),
    "b": st.sampled_from("pqrstu"),
    "time": st.sampled_from([*TIMES, None]),
    "n": st.sampled_from([1, 2, None]),
    "v": st.sampled_from([1, 2, None]),
}


@st.composite
def bodies(draw: st.DrawFn, most: int = 4) -> tuple[list[str], list[dict[str, Any]]]:
    """Objects with the same keys, now and then with a value that is refused."""
    keys = draw(st.lists(st.sampled_from(list(USUAL)), min_size=1, unique=True) | st.permutations(list(USUAL)))
    odd = draw(st.integers(0, 3)) == 0
    return keys, draw(
        st.lists(st.fixed_dictionaries({key: (VALUES if odd else USUAL)[key] for key in keys}), min_size=1, max_size=most)
    )


FILTERS = st.sampled_from(
    [("", "true"), ("a=eq.1", "a = 1"), ("a=gt.2", "a > 2"), ("b=in.(p,q)", "b IN ('p', 'q')"), ("v=is.null", "v IS NULL")]
)
CONFLICTS = st.sampled_from([None, ("a",), ("b",), ("time", "n"), ("n", "time"), ("a", "b"), ("v",), ("nope",)])


class Postgres:
    """The statements that PostgREST makes of requests, in a database of its own."""

    def __init__(self, connection: psycopg.Connection) -> None:
        self._connection = connection

    def records(self, keys: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> sql.Composable:
        """The body as rows."""
        kinds = {column.name: column.type.sql for column in SIGNALS.columns}
        typed = sql.SQL(", ").join(
            sql.SQL("{} {}").format(sql.Identifier(key), sql.SQL(kinds[key])) for key in kinds if key in keys
        )
        return sql.SQL("json_to_recordset({}::json) AS body({})").format(sql.Literal(json.dumps(rows)), typed)

    def insert(
        self, keys: Sequence[str], rows: Sequence[Mapping[str, Any]], target: Sequence[str] | None, merges: bool
    ) -> list[tuple[Any, ...]]:
        """INSERT, or with a target an upsert. Of a row whether it is new, and its values."""
        names = sql.SQL(", ").join(map(sql.Identifier, keys))
        conflict: sql.Composable = sql.SQL("")
        if target is not None:
            sets = sql.SQL(", ").join(sql.SQL("{0} = EXCLUDED.{0}").format(sql.Identifier(key)) for key in keys)
            action = sql.SQL("UPDATE SET {}").format(sets) if merges else sql.SQL("NOTHING")
            columns = sql.SQL(", ").join(map(sql.Identifier, target))
            conflict = sql.SQL("ON CONFLICT ({}) DO {}").format(columns, action)
        return self._done(
            sql.SQL("INSERT INTO signals ({0}) SELECT {0} FROM {1} {2} RETURNING xmax = 0, signals.*").format(
                names, self.records(keys, rows), conflict
            )
        )

    def update(self, keys: Sequence[str], row: Mapping[str, Any], where: str) -> list[tuple[Any, ...]]:
        """UPDATE. A body is refused for what is in it also where there is no row to change."""
        self._done(sql.SQL("SELECT * FROM {}").format(self.records(keys, [row])))
        sets = sql.SQL(", ").join(sql.SQL("{0} = body.{0}").format(sql.Identifier(key)) for key in keys)
        return self._done(
            sql.SQL("UPDATE signals SET {} FROM {} WHERE {} RETURNING signals.*").format(
                sets, self.records(keys, [row]), sql.SQL("signals." + where if where != "true" else where)
            )
        )

    def delete(self, where: str) -> list[tuple[Any, ...]]:
        """DELETE."""
        return self._done(sql.SQL("DELETE FROM signals WHERE {} RETURNING *").format(sql.SQL(where)))

    def rows(self) -> list[tuple[Any, ...]]:
        """All of them."""
        return self._done(sql.SQL("SELECT * FROM signals"))

    def _done(self, statement: sql.Composable) -> list[tuple[Any, ...]]:
        return [tuple(map(_us, row)) for row in self._connection.execute(statement).fetchall()]


def _us(value: Any) -> Any:
    return round(value.timestamp() * 1e6) if hasattr(value, "timestamp") else value


def _of(table: Any) -> list[tuple[Any, ...]]:
    return [tuple(row.values()) for row in table.to_pylist()]


def _sorted(rows: Sequence[tuple[Any, ...]]) -> list[str]:
    return sorted(map(repr, rows))


class Both(RuleBasedStateMachine):
    """Every step is taken here and there."""

    connection: psycopg.Connection

    @initialize()
    def begin(self) -> None:
        """Both are empty."""
        self.connection.execute("DELETE FROM signals")
        self.there = Postgres(self.connection)
        self.base = Base(SIGNALS)

    @rule(body=bodies(), conflict=CONFLICTS, resolution=st.sampled_from(["merge", "ignore", None]))
    def post(self, body: Any, conflict: tuple[str, ...] | None, resolution: str | None) -> None:
        """Insert or upsert."""
        keys, rows = body
        target = "signals" + ("" if conflict is None else f"?on_conflict={','.join(conflict)}")
        expected, refused = self.expect(
            lambda: self.there.insert(
                keys, rows, (conflict or ("a",)) if resolution is not None else None, resolution == "merge"
            )
        )
        written = self.ask("POST", target, rows, "" if resolution is None else f"resolution={resolution}-duplicates", refused)
        if written is not None:
            assert repr(_of(written.rows)) == repr([row[1:] for row in expected])
            assert written.inserted == sum(row[0] for row in expected)
            assert written.updated == len(expected) - written.inserted

    @rule(body=bodies(most=1), where=FILTERS)
    def patch(self, body: Any, where: tuple[str, str]) -> None:
        """Change rows. Which of several rows a refusal names is open."""
        keys, (row,) = body
        expected, refused = self.expect(lambda: self.there.update(keys, row, where[1]))
        written = self.ask("PATCH", f"signals?{where[0]}", row, "", refused, whole=False)
        if written is not None:
            assert _sorted(_of(written.rows)) == _sorted(expected)

    @rule(where=FILTERS)
    def delete(self, where: tuple[str, str]) -> None:
        """Delete rows."""
        expected, _ = self.expect(lambda: self.there.delete(where[1]))
        written = self.ask("DELETE", f"signals?{where[0]}", None, "", None)
        assert written is not None
        assert _sorted(_of(written.rows)) == _sorted(expected)

    @invariant()
    def same_rows(self) -> None:
        """Both hold the same."""
        table = self.base.members["signals"].rows.get(TENANT)
        assert _sorted([] if table is None else _of(table)) == _sorted(self.there.rows())

    def expect(self, act: Any) -> tuple[list[tuple[Any, ...]], psycopg.Error | None]:
        """The rows, or the refusal."""
        try:
            return act(), None
        except psycopg.Error as error:
            return [], error

    def ask(
        self, method: str, target: str, body: object, header: str, refused: psycopg.Error | None, whole: bool = True
    ) -> Written | None:
        """Do the same here; refused with the same code, message, details and hint."""
        body = json.dumps(body).encode()
        if refused is None:
            return asyncio.run(self.base(method, target, body, header))
        mine: Refusal | None = None
        with suppress(AssertionError):
            mine = asyncio.run(self.base.refusal(method, target, body, header))
        assert mine is not None, f"not refused: {refused}"
        assert mine.code == refused.sqlstate
        if whole:
            assert (mine.message, mine.details, mine.hint) == (
                refused.diag.message_primary,
                refused.diag.message_detail,
                refused.diag.message_hint,
            )
        return None


@pytest.fixture
def connection(postgres: PostgresServer) -> Iterator[psycopg.Connection]:
    """A database with an empty table."""
    url = postgres.create("flux_write")
    with psycopg.connect(host=url.query["host"], user=url.username, dbname=url.database, autocommit=True) as connection:
        connection.execute(DDL)
        yield connection
    postgres.drop("flux_write")


def test_both(connection: psycopg.Connection) -> None:
    Both.connection = connection
    run_state_machine_as_test(
        Both,
        settings=settings(
            max_examples=60,
            stateful_step_count=15,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow],
            # To shrink takes minutes, and the steps of a failure are few.
            phases=[Phase.explicit, Phase.reuse, Phase.generate],
            report_multiple_bugs=False,
        ),
    )
