"""A small HTTP/1.1 client over one kept connection: just enough protocol to cost little beside a fast server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import httptools


class Connection(asyncio.Protocol):
    """One request at a time; `post` and `get` return status and body."""

    def __init__(self, key: str, header: str) -> None:
        self._credential = f"{header}: {key}"
        self._transport: asyncio.Transport | None = None
        self._parser = httptools.HttpResponseParser(self)
        self._parts: list[bytes] = []
        self._answer: asyncio.Future[tuple[int, bytes]] | None = None

    @classmethod
    async def open(cls, port: int, key: str, header: str = "X-API-Key") -> Connection:
        """Connect to a server on this machine; the key goes into this header of every request."""
        _, connection = await asyncio.get_running_loop().create_connection(lambda: cls(key, header), "127.0.0.1", port)
        return connection

    def close(self) -> None:
        """Hang up."""
        if self._transport is not None:
            self._transport.close()

    async def post(self, path: str, body: bytes, media: str = "application/json", **headers: str) -> tuple[int, bytes]:
        """Send a body; the answer's status and body. `headers` are further ones, with _ for - in their names."""
        return await self.call("POST", path, body, media, **headers)

    async def call(
        self, method: str, path: str, body: bytes, media: str = "application/json", **headers: str
    ) -> tuple[int, bytes]:
        """The same by another method."""
        head = f"{method} {path} HTTP/1.1\r\nHost: localhost\r\n{self._credential}\r\nContent-Type: {media}\r\n"
        head += "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
        return await self._send(head.encode() + b"Content-Length: %d\r\n\r\n" % len(body) + body)

    async def get(self, path: str) -> tuple[int, bytes]:
        """The answer's status and body."""
        return await self._send(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n{self._credential}\r\n\r\n".encode())

    async def _send(self, data: bytes) -> tuple[int, bytes]:
        if self._transport is None:
            raise ConnectionError("not connected")
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(data)
        return await self._answer

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_body(self, body: bytes) -> None:
        self._parts.append(body)

    def on_message_complete(self) -> None:
        body, self._parts = b"".join(self._parts), []
        if self._answer is not None and not self._answer.done():
            self._answer.set_result((self._parser.get_status_code(), body))
        self._parser = httptools.HttpResponseParser(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(ConnectionError("the server hung up"))


async def server_sent_events(port: int, key: str, path: str) -> AsyncIterator[tuple[str, str]]:
    """The (event, data) pairs of an SSE stream, as they come; begins with ("open", "") once the stream is there."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=2**22)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nX-API-Key: {key}\r\nAccept: text/event-stream\r\n\r\n".encode())
    try:
        head = await reader.readuntil(b"\r\n\r\n")
        if b" 200 " not in head.split(b"\r\n", 1)[0]:
            raise ConnectionError(head.decode(errors="replace"))
        yield "open", ""
        chunked = b"transfer-encoding: chunked" in head.lower()
        event, data = "message", ""
        async for line in _lines(reader, chunked):
            if not line:
                if data:
                    yield event, data
                event, data = "message", ""
            elif line.startswith("event:"):
                event = line[6:].strip()
            elif line.startswith("data:"):
                data += line[5:].strip()
    finally:
        writer.close()


async def _lines(reader: asyncio.StreamReader, chunked: bool) -> AsyncIterator[str]:
    rest = b""
    while True:
        if chunked:
            size = int((await reader.readline()).strip() or b"0", 16)
            if size == 0:
                return
            block = await reader.readexactly(size)
            await reader.readexactly(2)
        else:
            block = await reader.read(65536)
            if not block:
                return
        *lines, rest = (rest + block).replace(b"\r\n", b"\n").split(b"\n")
        for line in lines:
            yield line.decode()
