"""Sending many frames at once. A frame that a server sends is the same bytes for every client, so it is made once.

ASGI has a call for each frame and client, and at a hundred clients that is most of the work. Where the server is uvicorn with
its sans-I/O WebSocket protocol, and the connection is not compressed, finished frames go straight to its transport, under its
own flow control. Anywhere else each frame is an ASGI message.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from starlette.types import Message, Receive, Send
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

TEXT = 0x81
"""The first byte of a whole text frame (RFC 6455, 5.2)."""
FRAME = "wattline.frame"
"""Where a message keeps its frame."""

Deliver = Callable[[Sequence[Message]], Awaitable[None]]


def frame(text: str) -> bytes:
    """A text as one unmasked WebSocket frame."""
    payload = text.encode()
    size = len(payload)
    if size < 126:
        return bytes((TEXT, size)) + payload
    if size < 65536:
        return bytes((TEXT, 126)) + size.to_bytes(2, "big") + payload
    return bytes((TEXT, 127)) + size.to_bytes(8, "big") + payload


def _framed(message: Message) -> bytes:
    found: bytes | None = message.get(FRAME)
    if found is None:
        found = message[FRAME] = frame(message["text"])
    return found


def deliver(receive: Receive, send: Send) -> Deliver:
    """How to send messages on an accepted connection. What is returned raises OSError once the client has gone."""
    protocol = getattr(receive, "__self__", None)
    if isinstance(protocol, WebSocketsSansIOProtocol) and not protocol.conn.extensions:
        return _directly(protocol)
    return _one_by_one(send)


def conclude(receive: Receive) -> None:
    """A handshake has been refused with an answer. uvicorn would log an error for each: it takes only `accept` for an end."""
    protocol = getattr(receive, "__self__", None)
    if isinstance(protocol, WebSocketsSansIOProtocol):
        protocol.handshake_complete = True


def _directly(protocol: WebSocketsSansIOProtocol) -> Deliver:
    async def deliver(messages: Sequence[Message]) -> None:
        await protocol.writable.wait()
        if protocol.disconnected or protocol.close_sent or protocol.transport.is_closing():
            raise ConnectionResetError("the client has gone")
        protocol.transport.write(b"".join(map(_framed, messages)))

    return deliver


def _one_by_one(send: Send) -> Deliver:
    async def deliver(messages: Sequence[Message]) -> None:
        for message in messages:
            await send(message)

    return deliver
