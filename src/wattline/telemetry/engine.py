"""Connections to ClickHouse: embedded in this process (`chdb://`) or a server (`http://`, `https://`), by URL alone."""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar
from urllib.parse import parse_qs, unquote, urlsplit

import clickhouse_connect
import pyarrow as pa
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError

from wattline.model.errors import Unavailable

T = TypeVar("T")

READERS = 3
INSERT_SETTINGS = {"max_partitions_per_insert_block": 0}
# Said once a connection: embedded, a setting of one call costs three statements more than the call itself.
READ_SETTINGS = {
    "do_not_merge_across_partitions_select_final": 1,
    "enable_alp_codec": 1,
    "output_format_arrow_string_as_string": 1,
    "output_format_arrow_compression_method": "none",
}


class Location:
    """Where a telemetry URL points: the engine, and the database in it.

    `chdb:///DIRECTORY?database=NAME` or `http(s)://USER:PASSWORD@HOST:PORT/NAME?timeout=SECONDS`; user and password are
    percent-encoded, and the timeout (30) is how long one answer may take.
    """

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        query = parse_qs(parts.query)
        self.embedded = parts.scheme == "chdb"
        if self.embedded:
            self.path = parts.path
            self.database = query.get("database", ["wattline"])[0]
        elif parts.scheme in {"http", "https"} and parts.hostname:
            self.database = parts.path.strip("/") or "wattline"
            self.options: dict[str, Any] = {
                "interface": parts.scheme,
                "host": parts.hostname,
                "port": parts.port or (8443 if parts.scheme == "https" else 8123),
                "username": unquote(parts.username or "default"),
                "password": unquote(parts.password or ""),
                "connect_timeout": 5,
                "send_receive_timeout": float(query.get("timeout", ["30"])[0]),
                "autogenerate_session_id": False,
                "dedicated_pool": True,
            }
        else:
            raise ValueError("the telemetry URL begins with chdb:///, http:// or https://")
        if not self.database.replace("_", "").isalnum():
            raise ValueError("the telemetry database name is made of letters, digits and underscores")

    def connect(self, database: str | None) -> Client:
        """A new client; `database` None is the engine's own default, for creating ours."""
        settings = dict(READ_SETTINGS)
        if self.embedded:
            return clickhouse_connect.get_client(
                interface="chdb", path=self.path, database=database or "default", settings=settings
            )
        return clickhouse_connect.get_client(**self.options, database=database or "default", settings=settings)


class Engine:
    """One writing client and a pool of reading clients, each call on a thread of its own kind.

    Every failure of the store surfaces as `Unavailable`; whether a failed insert took effect is unknown to the caller,
    so inserts must be safe to repeat.
    """

    def __init__(self, url: str) -> None:
        self.location = Location(url)
        self._writer: Client | None = None
        self._write_thread = ThreadPoolExecutor(1, thread_name_prefix="telemetry-write")
        self._read_threads = ThreadPoolExecutor(READERS, thread_name_prefix="telemetry-read")
        self._idle: queue.SimpleQueue[Client] = queue.SimpleQueue()
        self._every: list[Client] = []
        self._guard = threading.Lock()

    def _client(self) -> Client:
        client = self.location.connect(self.location.database)
        with self._guard:
            self._every.append(client)
        return client

    def _guarded(self, work: Callable[[], T]) -> T:
        try:
            return work()
        except (ClickHouseError, OSError, ConnectionError) as error:
            raise Unavailable(f"the telemetry store cannot answer now ({type(error).__name__})") from error

    def _write(self, work: Callable[[Client], T]) -> T:
        def run() -> T:
            if self._writer is None:
                bootstrap = self.location.connect(None)
                try:
                    bootstrap.command(f"CREATE DATABASE IF NOT EXISTS {self.location.database}")
                finally:
                    bootstrap.close()
                self._writer = self._client()
            return work(self._writer)

        return self._guarded(run)

    def _read(self, work: Callable[[Client], T]) -> T:
        def run() -> T:
            try:
                client = self._idle.get_nowait()
            except queue.Empty:
                client = self._client()
            try:
                return work(client)
            finally:
                self._idle.put(client)

        return self._guarded(run)

    async def command(self, sql: str, parameters: Mapping[str, Any] | None = None) -> None:
        """Run a statement on the writing client: DDL, INSERT ... SELECT."""
        bound = dict(parameters) if parameters else None
        await asyncio.get_running_loop().run_in_executor(
            self._write_thread, self._write, lambda c: c.command(sql, parameters=bound, settings=INSERT_SETTINGS)
        )

    async def insert(self, table: str, rows: pa.Table) -> None:
        """Insert one block; on return it is on disk."""
        await asyncio.get_running_loop().run_in_executor(
            self._write_thread, self._write, lambda c: c.insert_arrow(table, rows, settings=INSERT_SETTINGS)
        )

    async def query(self, sql: str, parameters: Mapping[str, Any] | None = None) -> pa.Table:
        """Run a query on an idle reading client; the answer is one Arrow table."""
        bound = dict(parameters) if parameters else None
        return await asyncio.get_running_loop().run_in_executor(
            self._read_threads, self._read, lambda c: pa.ipc.open_file(c.raw_query(sql, bound, fmt="Arrow")).read_all()
        )

    async def close(self) -> None:
        """Finish what runs and close every client."""

        def shut() -> None:
            self._write_thread.shutdown()
            self._read_threads.shutdown()
            for client in self._every:
                client.close()

        await asyncio.get_running_loop().run_in_executor(None, shut)
