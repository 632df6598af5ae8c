"""POST /realtime/v1/api/broadcast: broadcasts without a WebSocket."""

from __future__ import annotations

from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from wattline.contracts.flux.errors import Refusal, bad_payload
from wattline.contracts.flux.realtime.channel import PREFIX
from wattline.contracts.flux.realtime.joining import Realtime
from wattline.contracts.flux.realtime.rooms import Place

MOST_MESSAGES = 100
"""Broadcasts of one request."""


class Broadcast(msgspec.Struct):
    """One broadcast. The topic is as clients call it, without `realtime:`."""

    topic: str
    event: str
    payload: dict[str, Any]
    private: bool = False


class Body(msgspec.Struct):
    """All of them."""

    messages: list[Broadcast]


_BODY = msgspec.json.Decoder(Body)


class Sending:
    """The handler."""

    def __init__(self, shared: Realtime) -> None:
        self._shared = shared

    async def __call__(self, request: Request) -> Response:
        """Send every broadcast to whoever is on its topic, or none. Raises `Refusal`."""
        caller = await self._shared.gate.admit(request.scope)
        body = await _read(request, self._shared.limits.message_bytes)
        try:
            messages = _BODY.decode(body).messages
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise bad_payload(f"Broadcasts are not as they should be: {error}") from None
        if len(messages) > MOST_MESSAGES:
            raise bad_payload(f"At most {MOST_MESSAGES} broadcasts fit into a request")
        if caller.anonymous and any(message.private for message in messages):
            raise Refusal(401, "42501", "permission denied for private topics", headers={"WWW-Authenticate": "Bearer"})
        for message in messages:
            topic = message.topic if message.topic.startswith(PREFIX) else PREFIX + message.topic
            room = self._shared.rooms.find(Place(caller.tenant, message.private, topic))
            if room is not None:
                told = {"event": message.event, "payload": message.payload, "type": "broadcast"}
                room.tell("broadcast", msgspec.json.encode(told))
        return Response(status_code=202)


async def _read(request: Request, most: int) -> bytes:
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > most:
            raise Refusal(413, "PGRST102", f"The body is longer than {most} bytes")
        parts.append(part)
    return b"".join(parts)
