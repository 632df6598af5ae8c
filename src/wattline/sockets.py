"""WebSocket frames as bytes, made once for all who get them, and how they leave.

ASGI has a call for each frame and client, and for many clients that is most of the work. Where the server is uvicorn with its
sans-I/O WebSocket protocol, and the connection is not compressed, finished frames go straight to its transport, under its own
flow control. Anywhere else each frame is an ASGI message.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from starlette.types import Message, Receive, Send
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

TEXT, BINARY = 0x81, 0x82
"""The first byte of a whole frame (RFC 6455, 5.2)."""

Deliver = Callable[[Sequence[bytes]], Awaitable[None]]


def frame(payload: bytes, first: int = TEXT) -> bytes:
    """A payload as one unmasked frame."""
    size = len(payload)
    if size < 126:
        return b"%c%c%b" % (first, size, payload)
    if size < 65536:
        return b"%c~%b%b" % (first, size.to_bytes(2, "big"), payload)
    return b"%c\x7f%b%b" % (first, size.to_bytes(8, "big"), payload)


def message(made: bytes) -> Message:
    """A frame as an ASGI message."""
    start = {126: 4, 127: 10}.get(made[1], 2)
    if made[0] == BINARY:
        return {"type": "websocket.send", "bytes": made[start:]}
    return {"type": "websocket.send", "text": made[start:].decode()}


def deliver(receive: Receive, send: Send) -> Deliver:
    """How to send frames on an accepted connection. What is returned raises OSError once the client has gone."""
    protocol = _protocol(receive)
    if protocol is not None and not protocol.conn.extensions:
        return _directly(protocol)

    async def one_by_one(frames: Sequence[bytes]) -> None:
        for made in frames:
            await send(message(made))

    return one_by_one


def conclude(receive: Receive) -> None:
    """A handshake has been refused with an answer. uvicorn would log an error for each: it takes only `accept` for an end."""
    protocol = _protocol(receive)
    if protocol is not None:
        protocol.handshake_complete = True


def abort(receive: Receive) -> None:
    """Drop the connection and what waits to be sent on it, where the server allows it."""
    protocol = _protocol(receive)
    if protocol is not None:
        protocol.transport.abort()


def _protocol(receive: Receive) -> WebSocketsSansIOProtocol | None:
    protocol = getattr(receive, "__self__", None)
    return protocol if isinstance(protocol, WebSocketsSansIOProtocol) else None


def _directly(protocol: WebSocketsSansIOProtocol) -> Deliver:
    async def write(frames: Sequence[bytes]) -> None:
        await protocol.writable.wait()
        if protocol.disconnected or protocol.close_sent or protocol.transport.is_closing():
            raise ConnectionResetError("the client has gone")
        protocol.transport.write(b"".join(frames))

    return write
