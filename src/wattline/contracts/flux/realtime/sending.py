"""POST /realtime/v1/api/broadcast and below it: broadcasts without a WebSocket."""

from __future__ import annotations

from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from wattline.contracts.flux.caller import Caller
from wattline.contracts.flux.errors import Refusal, bad_payload
from wattline.contracts.flux.realtime import binary
from wattline.contracts.flux.realtime.channel import PREFIX
from wattline.contracts.flux.realtime.joining import Realtime
from wattline.contracts.flux.realtime.rooms import Place, Room

MOST_MESSAGES = 100
"""Broadcasts of one request."""
BYTES = "application/octet-stream"


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
        _check(caller, any(message.private for message in messages))
        for message in messages:
            room = _room(self._shared, caller, message.topic, message.private)
            if room is not None:
                told = {"event": message.event, "payload": message.payload, "type": "broadcast"}
                room.tell("broadcast", msgspec.json.encode(told))
        return Response(status_code=202)


class SendingOne:
    """The handler of a single broadcast, whose body is its payload: JSON, or bytes that are passed on as they are."""

    def __init__(self, shared: Realtime) -> None:
        self._shared = shared

    async def __call__(self, request: Request) -> Response:
        """Send it to whoever is on its topic. Raises `Refusal`."""
        caller = await self._shared.gate.admit(request.scope)
        topic, event = request.path_params["topic"], request.path_params["event"]
        if len(event.encode()) > binary.LONGEST:
            raise bad_payload(f"The event's name is longer than {binary.LONGEST} bytes")
        private = request.query_params.get("private") == "true"
        _check(caller, private)
        payload = await _read(request, self._shared.limits.message_bytes)
        raw = request.headers.get("content-type", "").partition(";")[0].strip().lower() == BYTES
        if not raw:
            try:
                msgspec.json.decode(payload)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
                raise bad_payload(f"The payload is no JSON: {error}") from None
        room = _room(self._shared, caller, topic, private)
        if room is not None:
            encoding = binary.RAW if raw else binary.JSON
            room.push(binary.Push("", "", room.place.topic, event, b"", encoding, payload), None)
        return Response(status_code=202)


def _check(caller: Caller, private: bool) -> None:
    if caller.anonymous and private:
        raise Refusal(401, "42501", "permission denied for private topics", headers={"WWW-Authenticate": "Bearer"})


def _room(shared: Realtime, caller: Caller, topic: str, private: bool) -> Room | None:
    named = topic if topic.startswith(PREFIX) else PREFIX + topic
    return shared.rooms.find(Place(caller.tenant, private, named))


async def _read(request: Request, most: int) -> bytes:
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > most:
            raise Refusal(413, "PGRST102", f"The body is longer than {most} bytes")
        parts.append(part)
    return b"".join(parts)
