"""Requests and answers as bytes on a socket."""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import dataclass

PATIENCE = 10
PROTOBUF = b"application/x-protobuf"


@dataclass
class Raw:
    """An answer: its status line, its header lines as written, and the bytes behind them."""

    status: bytes
    lines: list[bytes]
    rest: bytes

    @property
    def headers(self) -> dict[bytes, bytes]:
        """By their names as written."""
        found = dict(line.split(b": ", 1) for line in self.lines)
        assert len(found) == len(self.lines), "a header was written twice"
        return found

    @property
    def chunk(self) -> bytes:
        """The body, which must be one chunk and the end."""
        size, _, rest = self.rest.partition(b"\r\n")
        body = rest[: int(size, 16)]
        assert self.rest == b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
        return body


def request(path: str, body: bytes = b"", *, method: str = "POST", version: str = "1.1", headers: str = "") -> bytes:
    """A request with a Content-Length."""
    return f"{method} {path} HTTP/{version}\r\nHost: h\r\nContent-Length: {len(body)}\r\n{headers}\r\n".encode() + body


def split(data: bytes) -> Raw:
    """One answer, and whatever is behind its head."""
    head, _, rest = data.partition(b"\r\n\r\n")
    status, *lines = head.split(b"\r\n")
    return Raw(status, lines, rest)


async def said(port: int, sent: bytes, *, tls: ssl.SSLContext | None = None) -> bytes:
    """Everything that the server says until it hangs up; what is sent must make it do so."""
    reader, writer = await asyncio.open_connection("localhost", port, ssl=tls)
    writer.write(sent)
    try:
        return await asyncio.wait_for(reader.read(), PATIENCE)
    finally:
        writer.close()
        await writer.wait_closed()


CLOSE = "Connection: close\r\n"
