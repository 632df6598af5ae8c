"""The process behind the endpoint: ClickHouse's HTTP interface, served from an embedded engine.

Started by `endpoint.ClickHouseEndpoint`, which drives it with one JSON object a line on standard input.
"""

from __future__ import annotations

import argparse
import base64
import gzip
import hmac
import json
import os
import sys
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import lz4.frame
from backports import zstd

from .engine import Answer, Engine, EngineError
from .faults import Fault, Faults
from .statement import DECODERS, Statement, parse

ENCODERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": lambda data: gzip.compress(data, 1),
    "lz4": lz4.frame.compress,
    "zstd": zstd.compress,
}


class Handler(BaseHTTPRequestHandler):
    """One connection. The status line is sent once the first block is there, so that early errors have their own status."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1
    disable_nagle_algorithm = True
    server: Server

    def log_message(self, *_arguments: Any) -> None:
        """The client's log is the one that is read."""

    def do_GET(self) -> None:
        path = urlsplit(self.path)
        if path.path == "/ping" or (path.path == "/" and not path.query):
            self._whole(200, b"Ok.\n", {})
        else:
            self._serve(path.query, b"", read_only=True)

    def do_POST(self) -> None:
        body = self._body()
        encoding = self.headers.get("Content-Encoding", "")
        if encoding in DECODERS:
            body = DECODERS[encoding](body)
        self._serve(urlsplit(self.path).query, body, read_only=False)

    def _serve(self, query_string: str, body: bytes, *, read_only: bool) -> None:
        statement = parse(query_string, body, self.headers.get("Content-Type", ""))
        with self.server.busy():
            fault = self.server.faults.meet(statement.sql)
            try:
                self._authenticate(query_string)
                if fault.mode == "refuse":
                    error = EngineError(f"Code: {fault.code}. DB::Exception: refused on demand. (REFUSED)")
                    error.status = fault.status
                    raise error
                with self.server.engine.run(statement, read_only=read_only) as answer:
                    self._answer(statement, answer, fault)
            except EngineError as error:
                self._refuse(error)

    def _authenticate(self, query_string: str) -> None:
        arguments = parse_qs(query_string)
        user = self.headers.get("X-ClickHouse-User") or arguments.get("user", [""])[0]
        password = self.headers.get("X-ClickHouse-Key") or arguments.get("password", [""])[0]
        scheme, _, credentials = self.headers.get("Authorization", "").partition(" ")
        if scheme == "Basic":
            with suppress(ValueError):
                user, _, password = base64.b64decode(credentials).decode().partition(":")
        given = f"{user or 'default'}:{password}".encode()
        if not hmac.compare_digest(given, f"{self.server.user}:{self.server.password}".encode()):
            raise EngineError(
                f"Code: 516. DB::Exception: {user}: Authentication failed: password is incorrect, "
                "or there is no user with such name. (AUTHENTICATION_FAILED)"
            )

    def _answer(self, statement: Statement, answer: Answer, fault: Fault) -> None:
        first = next(answer.blocks, b"")
        if fault.mode == "lose_answer":
            self.close_connection = True
            return
        tag = uuid.uuid4().hex[:16]
        encoding = self._encoding(statement)
        self.send_response(200)
        self.send_header("Content-Type", "application/octet-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.send_header("X-ClickHouse-Query-Id", statement.transport.get("query_id") or str(uuid.uuid4()))
        self.send_header("X-ClickHouse-Format", answer.format)
        self.send_header("X-ClickHouse-Timezone", "UTC")
        self.send_header("X-ClickHouse-Summary", answer.summary_json())
        self.send_header("X-ClickHouse-Exception-Tag", tag)
        if encoding:
            self.send_header("Content-Encoding", encoding)
        self.end_headers()
        for block in self._blocks(first, answer, tag):
            self._chunk(ENCODERS[encoding](block) if encoding else block)
        self.wfile.write(b"0\r\n\r\n")
        self.wfile.flush()

    def _blocks(self, first: bytes, answer: Answer, tag: str) -> Iterator[bytes]:
        """Every block; an error that comes after the first is written into the body, framed by the tag."""
        yield first
        try:
            yield from answer.blocks
        except Exception as error:
            message = f"{EngineError(str(error))}\n".encode()
            yield f"\r\n__exception__\r\n{tag}\r\n".encode() + message + f"{len(message)} {tag}\r\n__exception__\r\n".encode()

    def _encoding(self, statement: Statement) -> str:
        if statement.transport.get("enable_http_compression") != "1":
            return ""
        accepted = (name.strip() for name in self.headers.get("Accept-Encoding", "").split(","))
        return next((name for name in accepted if name in ENCODERS), "")

    def _chunk(self, data: bytes) -> None:
        if data:
            self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")

    def _refuse(self, error: EngineError) -> None:
        text = f"{error} (version {self.server.engine.version})\n"
        self._whole(error.status, text.encode(), {"X-ClickHouse-Exception-Code": str(error.code)})

    def _whole(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "text/plain; charset=UTF-8")
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", "0")))
        parts = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)


class Server(ThreadingHTTPServer):
    """The listener, and what every connection shares."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, port: int, engine: Engine, user: str, password: str) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.engine = engine
        self.user = user
        self.password = password
        self.faults = Faults()
        self._idle = threading.Condition()
        self._running = 0

    def busy(self) -> _Busy:
        return _Busy(self)

    def count(self, change: int) -> None:
        with self._idle:
            self._running += change
            self._idle.notify_all()

    def wait_idle(self, timeout: float) -> bool:
        with self._idle:
            return self._idle.wait_for(lambda: self._running == 0, timeout)

    def handle_error(self, _request: Any, _client_address: Any) -> None:
        """A client that went away is no news."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(_request, _client_address)


class _Busy:
    def __init__(self, server: Server) -> None:
        self._server = server

    def __enter__(self) -> None:
        self._server.count(1)

    def __exit__(self, *_exception: object) -> None:
        self._server.count(-1)


def obey(server: Server, order: dict[str, Any]) -> object:
    """Carry out one order of the parent process and give what it asked for."""
    if order["do"] == "fault":
        server.faults.set(Fault(**order["fault"]))
        return None
    if order["do"] == "seen":
        return server.faults.seen()
    if order["do"] == "wait_seen":
        return server.faults.wait_seen(order["requests"], order["timeout"])
    raise ValueError(order["do"])


def main() -> None:
    """Serve until standard input ends, then close the engine; the parent's death is therefore ours too."""
    arguments = argparse.ArgumentParser()
    for name in ("--path", "--port", "--user", "--database"):
        arguments.add_argument(name, required=True)
    given = arguments.parse_args()
    password = json.loads(sys.stdin.readline())["password"]
    engine = Engine(Path(given.path))
    if given.database:
        engine.create_database(given.database)
    server = Server(int(given.port), engine, given.user, password)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    print(json.dumps({"port": server.server_port}), flush=True)
    for line in sys.stdin:
        print(json.dumps({"result": obey(server, json.loads(line))}), flush=True)
    server.faults.set(Fault())
    server.shutdown()
    server.server_close()
    if server.wait_idle(10):
        engine.close()
    # Idle keep-alive connections still have a thread each, waiting for a next request that will not come.
    os._exit(0)


if __name__ == "__main__":
    main()
