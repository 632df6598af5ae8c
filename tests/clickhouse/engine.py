"""Run statements on the embedded engine, and say what went wrong as a server does."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import chdb

from .statement import Statement

# Blocks of these formats may be sent one after the other; the rest have a head or a tail and are sent whole.
STREAMABLE = frozenset({"Native", "TabSeparated", "TSV", "CSV", "RowBinary", "JSONEachRow"})
CODE = re.compile(r"Code: (\d+)\.")
STATUS = {
    60: 404,  # UNKNOWN_TABLE
    46: 404,  # UNKNOWN_FUNCTION
    47: 404,  # UNKNOWN_IDENTIFIER
    50: 404,  # UNKNOWN_TYPE
    81: 404,  # UNKNOWN_DATABASE
    115: 404,  # UNKNOWN_SETTING
    62: 400,  # SYNTAX_ERROR
    27: 400,  # CANNOT_PARSE_INPUT_ASSERTION_FAILED
    53: 400,  # TYPE_MISMATCH
    117: 400,  # INCORRECT_DATA
    457: 400,  # BAD_QUERY_PARAMETER
    516: 403,  # AUTHENTICATION_FAILED
    48: 501,  # NOT_IMPLEMENTED
}


class EngineError(Exception):
    """The engine refused. `code` is its own number, `status` the HTTP status a server answers with."""

    def __init__(self, message: str) -> None:
        start = message.find("Code: ")
        super().__init__(message[start:] if start > 0 else message)
        found = CODE.search(message)
        self.code = int(found.group(1)) if found else 1000
        self.status = STATUS.get(self.code, 500)


@dataclass(slots=True)
class Answer:
    """The blocks of the answer, and what the engine counted (known only once the blocks are complete)."""

    blocks: Iterator[bytes]
    format: str
    summary: dict[str, int] = field(default_factory=dict)

    def summary_json(self) -> str:
        return json.dumps({name: str(value) for name, value in self.summary.items()})


def _quote(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


class Engine:
    """One data directory. Every request gets a connection of its own, so no setting outlives it; a session keeps its own."""

    def __init__(self, path: Path) -> None:
        self._path = str(path)
        self._keeper = chdb.connect(self._path)
        self._sessions: dict[str, tuple[Any, threading.Lock]] = {}
        self._lock = threading.Lock()
        self.version = self._keeper.query("SELECT version()", "TabSeparated").bytes().decode().strip()

    def create_database(self, name: str) -> None:
        self._keeper.query(f"CREATE DATABASE IF NOT EXISTS `{name}`", "TabSeparated")

    def close(self) -> None:
        for connection, _ in self._sessions.values():
            connection.close()
        self._keeper.close()

    @contextmanager
    def _connection(self, session: str | None) -> Iterator[Any]:
        if not session:
            connection = chdb.connect(self._path)
            try:
                yield connection
            finally:
                connection.close()
            return
        with self._lock:
            if session not in self._sessions:
                self._sessions[session] = (chdb.connect(self._path), threading.Lock())
            connection, lock = self._sessions[session]
        if not lock.acquire(blocking=False):
            raise EngineError(
                f"Code: 373. DB::Exception: Session {session} is locked by a concurrent client. (SESSION_IS_LOCKED)"
            )
        try:
            yield connection
        finally:
            lock.release()

    @contextmanager
    def run(self, statement: Statement, *, read_only: bool) -> Iterator[Answer]:
        """Run one statement; raises `EngineError` here, or, once an answer has begun to stream, from its blocks."""
        try:
            with self._connection(statement.transport.get("session_id")) as connection:
                if database := statement.transport.get("database"):
                    connection.query(f"USE `{database.replace('`', '')}`", "TabSeparated")
                if read_only and not statement.reads:
                    raise EngineError("Code: 164. DB::Exception: Cannot execute query in readonly mode. (READONLY)")
                with _settings(connection, statement):
                    yield _answer(connection, statement)
        except RuntimeError as error:
            raise EngineError(str(error)) from error
        except chdb.ChdbError as error:
            raise EngineError(str(error)) from error


def _set(connection: Any, settings: Mapping[str, str]) -> None:
    for name, value in settings.items():
        connection.query(f"SET `{name.replace('`', '')}` = {_quote(value)}", "TabSeparated")


@contextmanager
def _settings(connection: Any, statement: Statement) -> Iterator[None]:
    """Settings of the query string hold for one request, also in a session; what SET changed in the session stays."""
    if not statement.transport.get("session_id"):
        _set(connection, statement.settings)
        yield
        return
    names = ", ".join(_quote(name) for name in ("", *statement.settings))
    query = f"SELECT name, value, changed FROM system.settings WHERE name IN ({names})"
    before = [json.loads(line) for line in connection.query(query, "JSONEachRow").bytes().splitlines()]
    _set(connection, statement.settings)
    try:
        yield
    finally:
        _set(connection, {row["name"]: row["value"] for row in before if row["changed"]})
        for row in before:
            if not row["changed"]:
                connection.query(f"SET `{row['name']}` = DEFAULT", "TabSeparated")


def _answer(connection: Any, statement: Statement) -> Answer:
    if statement.data is not None:
        inserter = connection.send_insert(statement.sql.decode(), statement.data_format)
        if statement.data:
            inserter.append(statement.data)
        result = inserter.finish()
        return Answer(iter(()), statement.format, {"written_rows": result.rows_written, "written_bytes": result.bytes_written})
    streams = statement.transport.get("wait_end_of_query") != "1" and statement.format in STREAMABLE
    if statement.selects and streams:
        return Answer(_stream(connection, statement), statement.format)
    result = connection.query(statement.sql, statement.format, params=statement.parameters)
    summary = {"read_rows": result.rows_read(), "read_bytes": result.bytes_read(), "written_rows": result.rows_written()}
    return Answer(iter((result.bytes(),)), statement.format, summary)


def _stream(connection: Any, statement: Statement) -> Iterator[bytes]:
    with connection.send_query(statement.sql, statement.format, params=statement.parameters) as stream:
        for block in stream:
            yield block.bytes()
