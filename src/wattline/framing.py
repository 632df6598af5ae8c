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
SHORT = 32
"""Bytes of an answer that many devices get; a longer one, such as a token, is for one alone and is not kept."""
_UNUSUAL = {b"www-authenticate": b"WWW-Authenticate"}


def canonical(head: bytes) -> bytes:
    """A head whose header names are written as in `Content-Type`; the values are left alone."""
    status, *lines = head.split(b"\r\n")
    parts = [line.partition(b":") for line in lines]
    return b"\r\n".join([status, *(_UNUSUAL.get(name, name.title()) + colon + value for name, colon, value in parts)])


class _Framed:
    """What a request's cycle writes to, in place of the transport: the head is held back and goes out with the body."""

    __slots__ = ("_begun", "_held", "_holds", "_pieces", "_transport", "sent")

    def __init__(self, transport: asyncio.Transport, *, holds: bool, pieces: bool) -> None:
        self._transport = transport
        self._holds = holds
        self._pieces = pieces
        self._begun = False
        self._held = b""
        self.sent = b""
        """What went out last, all at once."""

    def write(self, data: bytes) -> None:
        if self._begun:
            held, self._held = self._held, b""
            self.send(held + data)
        elif data.startswith(b"HTTP/1.1 100"):
            self._transport.write(data)
        else:
            self._begun = True
            head = canonical(data)
            if self._holds:
                self._held = head
            else:
                self.send(head)

    def send(self, data: bytes) -> None:
        self.sent = data
        if self._pieces:
            for at in range(0, len(data), RECORD_BYTES):
                self._transport.write(data[at : at + RECORD_BYTES])
        else:
            self._transport.write(data)

    def close(self) -> None:
        if self._held:
            self.send(self._held)
            self._held = b""
        self._transport.close()

    def is_closing(self) -> bool:
        return self._transport.is_closing()


class _Answers:
    """Whole answers as they were written within this second; many devices get the same one."""

    __slots__ = ("_defaults", "_written")

    def __init__(self) -> None:
        self._written: dict[tuple[Any, ...], bytes] = {}
        self._defaults: object = None

    def found(self, cycle: RequestResponseCycle, key: tuple[Any, ...]) -> bytes | None:
        # With the date, the server makes these headers anew every second.
        if cycle.default_headers is not self._defaults:
            self._defaults = cycle.default_headers
            self._written.clear()
        return self._written.get(key)

    def keep(self, key: tuple[Any, ...], written: bytes) -> None:
        if len(self._written) >= REMEMBERED:
            self._written.clear()
        self._written[key] = written


class _Sender:
    """The `send` of one cycle: an answer in one piece on a connection that stays open is looked up, every other made."""

    __slots__ = ("_answers", "_cycle", "_framed", "_make", "_start")

    def __init__(self, cycle: RequestResponseCycle, make: Any, framed: _Framed, answers: _Answers) -> None:
        self._cycle = cycle
        self._make = make
        self._framed = framed
        self._answers = answers
        self._start: Any = None

    async def __call__(self, message: Any) -> None:
        if message["type"] == "http.response.start":
            self._start = message
            return
        start, self._start = self._start, None
        cycle = self._cycle
        if start is None or message.get("more_body", False) or not cycle.keep_alive or cycle.scope["method"] == "HEAD":
            if start is not None:
                await self._make(start)
            await self._make(message)
            return
        key = (start["status"], *start["headers"], message["body"])
        written = self._answers.found(cycle, key)
        if written is None or cycle.flow.write_paused or cycle.disconnected:
            await self._make(start)
            await self._make(message)
            if cycle.keep_alive and not cycle.disconnected and len(message["body"]) <= SHORT:
                self._answers.keep(key, self._framed.sent)
            return
        self._framed.send(written)
        cycle.waiting_for_100_continue = False
        cycle.response_started = cycle.response_complete = True
        cycle.message_event.set()
        cycle.on_response()


def framed(paths: Collection[str]) -> type[HttpToolsProtocol]:
    """The server's HTTP protocol, with answers of these exact paths framed for devices."""
    chosen = frozenset(paths)
    answers = _Answers()

    class Protocol(HttpToolsProtocol):
        def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
            if cycle.scope["path"] in chosen:
                # The answer to HEAD has no body that its head could wait for.
                holds, pieces = cycle.scope["method"] != "HEAD", self.scheme == "https"
                transport = _Framed(cycle.transport, holds=holds, pieces=pieces)
                cycle.transport = transport  # type: ignore[assignment]

                async def answered(scope: Any, receive: Any, send: Any) -> None:
                    await app(scope, receive, _Sender(cycle, send, transport, answers))

                super()._start_asgi_task(cycle, answered)
            else:
                super()._start_asgi_task(cycle, app)

    return Protocol
