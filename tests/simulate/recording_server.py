"""A real HTTP server on a socket that records what it accepts, can be told to fail, and can go away and come back."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import httptools

Answer = tuple[int, dict[str, str]]


class _Connection(asyncio.Protocol):
    def __init__(self, server: RecordingServer) -> None:
        self._server = server

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._server.connections.add(transport)
        self._parser = httptools.HttpRequestParser(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._server.connections.discard(self._transport)

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_message_begin(self) -> None:
        self._url, self._body, self._headers = b"", b"", {}

    def on_url(self, url: bytes) -> None:
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers[name.decode().lower()] = value.decode()

    def on_body(self, body: bytes) -> None:
        self._body += body

    def on_message_complete(self) -> None:
        status, headers, content = self._server.take(self._url.decode(), self._headers, self._body)
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        head = f"HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {len(content)}\r\n{lines}\r\n"
        self._transport.write(head.encode() + content)


class RecordingServer:
    """`answer(path, attempt)` decides each status; accepted bodies are in `accepted`, in order of acceptance."""

    def __init__(self, answer: Callable[[str, int], Answer] = lambda path, attempt: (200, {})) -> None:
        self._answer = answer
        self.accepted: list[tuple[str, dict[str, Any]]] = []
        self.attempts: list[tuple[str, bytes]] = []
        self.keys: set[str | None] = set()
        self.replies: dict[str, Any] = {}
        self.connections: set[Any] = set()
        self.progress = asyncio.Condition()
        self._server: asyncio.Server | None = None
        self._told: set[asyncio.Task[None]] = set()
        self.port = 0

    async def start(self) -> None:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Connection(self), "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        assert self._server is not None
        self._server.close()
        for connection in list(self.connections):
            connection.abort()
        await self._server.wait_closed()

    def take(self, url: str, headers: dict[str, str], body: bytes) -> tuple[int, dict[str, str], bytes]:
        path = url.partition("?")[0]
        self.keys.add(headers.get("x-api-key"))
        self.attempts.append((path, body))
        status, extra = self._answer(path, len(self.attempts))
        if status == 200 and body:
            self.accepted.append((path, json.loads(body)))
        task = asyncio.ensure_future(self._tell())
        self._told.add(task)
        task.add_done_callback(self._told.discard)
        return status, extra, json.dumps(self.replies.get(path, {})).encode()

    async def _tell(self) -> None:
        async with self.progress:
            self.progress.notify_all()

    async def reached(self, condition: Callable[[], bool]) -> None:
        """Wait until something holds, checked after every request; ten seconds at most."""
        async with self.progress:
            await asyncio.wait_for(self.progress.wait_for(condition), 10)
