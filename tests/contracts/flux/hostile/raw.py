"""HTTP as bytes: what no proper client sends can be sent, and what comes back is told as it came."""

from __future__ import annotations

import socket
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

PATIENCE_SECONDS = 20


@dataclass(frozen=True)
class Reply:
    """An answer; `headers` by lower-case name, `seconds` from the last byte sent to the last one received."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    seconds: float


class Line:
    """One connection at a time to a server, opened again when it was closed."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        assert parts.hostname is not None
        assert parts.port is not None
        self._address = (parts.hostname, parts.port)
        self._socket: socket.socket | None = None
        self._rest = bytearray()

    def open(self) -> socket.socket:
        """The connection."""
        if self._socket is None:
            self._socket = socket.create_connection(self._address, PATIENCE_SECONDS)
            self._rest = bytearray()
        return self._socket

    def close(self) -> None:
        """Hang up, whatever is on the way."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def ask(self, method: bytes, target: bytes, headers: Sequence[tuple[bytes, bytes]] = (), body: bytes = b"") -> Reply:
        """Send a request and read its whole answer. Raises OSError where the server hangs up before it."""
        lines = [b"%b %b HTTP/1.1" % (method, target), b"Host: localhost"]
        lines += [b"%b: %b" % header for header in headers]
        if body or method in (b"POST", b"PUT", b"PATCH"):
            lines.append(b"Content-Length: %d" % len(body))
        sent = b"\r\n".join(lines) + b"\r\n\r\n" + body
        kept = self._socket is not None
        try:
            return self._exchange(method, sent)
        except ConnectionError:
            self.close()
            # A kept connection may have been closed after the answer before.
            if not kept:
                raise
            return self._exchange(method, sent)

    def _exchange(self, method: bytes, sent: bytes) -> Reply:
        link = self.open()
        link.sendall(sent)
        started = time.monotonic()
        head = self._until(b"\r\n\r\n").decode("latin-1").split("\r\n")
        status = int(head[0].split(" ")[1])
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:])}
        body = b"" if method == b"HEAD" or status in (204, 304) else self._body(headers)
        reply = Reply(status, headers, body, time.monotonic() - started)
        if headers.get("connection", "").lower() == "close":
            self.close()
        return reply

    def _body(self, headers: Mapping[str, str]) -> bytes:
        if headers.get("transfer-encoding") == "chunked":
            parts = []
            while size := int(self._until(b"\r\n"), 16):
                parts.append(self._exactly(size))
                self._until(b"\r\n")
            self._until(b"\r\n")
            return b"".join(parts)
        return self._exactly(int(headers.get("content-length", "0")))

    def _more(self) -> None:
        assert self._socket is not None
        part = self._socket.recv(1 << 16)
        if not part:
            raise ConnectionResetError
        self._rest += part

    def _until(self, mark: bytes) -> bytes:
        while (at := self._rest.find(mark)) < 0:
            self._more()
        found = bytes(self._rest[:at])
        del self._rest[: at + len(mark)]
        return found

    def _exactly(self, size: int) -> bytes:
        while len(self._rest) < size:
            self._more()
        found = bytes(self._rest[:size])
        del self._rest[:size]
        return found
