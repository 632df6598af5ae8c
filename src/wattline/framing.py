"""How answers to small devices are written on the wire: a head as they read it, and one chunk.

Their readers look for header names in their usual case, where the server writes lower case. The routes of devices get a
transport of their own for the length of a request; every other route, and a WebSocket, is written as the server does it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

RECORD_BYTES = 512
"""The most that is written at once under TLS, so that a record fits the receive buffer of a device (1 KiB)."""
REMEMBERED = 256
_UNUSUAL = {b"www-authenticate": b"WWW-Authenticate"}


def canonical(head: bytes) -> bytes:
    """A head whose header names are written as in `Content-Type`; the values are left alone."""
    status, *lines = head.split(b"\r\n")
    parts = [line.partition(b":") for line in lines]
    return b"\r\n".join([status, *(_UNUSUAL.get(name, name.title()) + colon + value for name, colon, value in parts)])


class _Framed:
    """What a request's cycle writes to, in place of the transport: the head is held back and goes out with the body."""

    __slots__ = ("_begun", "_heads", "_held", "_holds", "_pieces", "_transport")

    def __init__(self, transport: asyncio.Transport, heads: dict[bytes, bytes], *, holds: bool, pieces: bool) -> None:
        self._transport = transport
        self._heads = heads
        self._holds = holds
        self._pieces = pieces
        self._begun = False
        self._held = b""

    def write(self, data: bytes) -> None:
        if self._begun:
            held, self._held = self._held, b""
            self._send(held + data)
        elif data.startswith(b"HTTP/1.1 100"):
            self._transport.write(data)
        else:
            self._begun = True
            head = self._head(data)
            if self._holds:
                self._held = head
            else:
                self._send(head)

    def _head(self, head: bytes) -> bytes:
        # A head is the same for all answers of one kind within a second.
        found = self._heads.get(head)
        if found is None:
            if len(self._heads) >= REMEMBERED:
                self._heads.clear()
            found = self._heads[head] = canonical(head)
        return found

    def _send(self, data: bytes) -> None:
        if self._pieces:
            for at in range(0, len(data), RECORD_BYTES):
                self._transport.write(data[at : at + RECORD_BYTES])
        else:
            self._transport.write(data)

    def close(self) -> None:
        if self._held:
            self._send(self._held)
            self._held = b""
        self._transport.close()

    def is_closing(self) -> bool:
        return self._transport.is_closing()


def framed(paths: Collection[str]) -> type[HttpToolsProtocol]:
    """The server's HTTP protocol, with answers of these exact paths framed for devices."""
    chosen = frozenset(paths)
    heads: dict[bytes, bytes] = {}

    class Protocol(HttpToolsProtocol):
        def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
            if cycle.scope["path"] in chosen:
                # The answer to HEAD has no body that its head could wait for.
                holds, pieces = cycle.scope["method"] != "HEAD", self.scheme == "https"
                cycle.transport = _Framed(cycle.transport, heads, holds=holds, pieces=pieces)  # type: ignore[assignment]
            super()._start_asgi_task(cycle, app)

    return Protocol
