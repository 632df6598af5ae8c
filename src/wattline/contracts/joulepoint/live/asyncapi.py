"""GET /api/energy/asyncapi.json: the WebSocket as an AsyncAPI 3.0 document."""

from __future__ import annotations

from typing import Any

import msgspec
from fastapi import APIRouter, Request, Response

from wattline import __version__
from wattline.contracts.joulepoint.live.conversation import FASTEST, MOST_CHANNELS, MOST_FIELDS, SLOWEST
from wattline.contracts.joulepoint.live.sources import KNOWN
from wattline.metering.occurrences.types import TYPES

PATH = "/api/energy/asyncapi.json"
Json = dict[str, Any]
_TEXT: Json = {"type": "string"}
_TIME: Json = {"type": "string", "format": "date-time"}
_NAME: Json = {"type": ["string", "integer", "null"], "description": "Yours: the answer bears it again."}
_SEQ: Json = {
    "type": ["integer", "string"],
    "description": "The place after this frame: give it back in `resume`. It grows; of events it is a cursor of the log.",
}
_CHANNEL: Json = {
    **_TEXT,
    "description": f"meter:ID, group:ID, account:ID, topology:SITE, events:* or events:TYPE with {', '.join(sorted(TYPES))}.",
}
_CHANNELS: Json = {"type": "array", "items": _CHANNEL, "minItems": 1, "maxItems": MOST_CHANNELS}
_REFUSED: Json = {"type": "object", "properties": {"channel": _TEXT, "code": _TEXT, "detail": _TEXT}}


def _op(name: str, properties: Json, *required: str) -> Json:
    return {"type": "object", "required": ["op", *required], "properties": {"op": {"const": name}, **properties}}


COMMANDS: dict[str, Json] = {
    "Auth": _op("auth", {"token": _TEXT}, "token"),
    "Subscribe": _op(
        "subscribe",
        {
            "id": _NAME,
            "channels": _CHANNELS,
            "fields": {"type": "array", "items": {"enum": sorted(KNOWN)}, "minItems": 1, "maxItems": MOST_FIELDS},
            "max_hz": {"type": "number", "minimum": SLOWEST, "maximum": FASTEST},
            "snapshot": {"type": "boolean", "default": True, "description": "Begin with the present value."},
            "resume": {"type": "object", "additionalProperties": _SEQ, "description": "The last `seq` of each channel."},
            "ack": {"type": "boolean", "default": False, "description": "Send events again that are not acknowledged in 30 s."},
        },
        "channels",
    ),
    "Unsubscribe": _op("unsubscribe", {"id": _NAME, "channels": _CHANNELS}, "channels"),
    "Ack": _op("ack", {"id": _NAME, "cursor": _TEXT, "channel": _CHANNEL}, "cursor"),
    "Ping": _op("ping", {"id": _NAME}),
}
FRAMES: dict[str, Json] = {
    "Frame": {
        "type": "object",
        "required": ["ch", "seq", "t", "data"],
        "properties": {"ch": _CHANNEL, "seq": _SEQ, "t": _TIME, "data": {"type": "object"}},
    },
    "Dropped": {
        "type": "object",
        "required": ["ch", "dropped"],
        "properties": {
            "ch": _CHANNEL,
            "dropped": {"type": "integer", "description": "So many frames at least did not come: the reader is slow."},
        },
    },
    "Hello": _op("hello", {"t": _TIME, "ping_s": {"type": "number"}}),
    "Acknowledgement": _op(
        "ack",
        {
            "id": _NAME,
            "accepted": {"type": "array", "items": {"type": "object"}},
            "rejected": {"type": "array", "items": _REFUSED},
            "unsubscribed": {"type": "array", "items": _TEXT},
        },
    ),
    "Redelivery": _op("redelivery", {"channel": _CHANNEL, "after": _TEXT}),
    "ServerPing": _op("ping", {"t": _TIME}),
    "Pong": _op("pong", {"id": _NAME, "t": _TIME}),
    "Error": _op("error", {"id": _NAME, "code": _TEXT, "detail": _TEXT}),
}
CODES = (
    "Closed with 4401: no token, one that is not valid, or not any more. 4403: a token without a scope of this stream. "
    "4408: no first message in time, or a reader that stands still. 4429: too many connections or commands. "
    "1012: the server stops."
)


def document(host: str, secure: bool) -> Json:
    """The document of a server that is reached under this host."""
    schemas = COMMANDS | FRAMES

    def operation(action: str, names: dict[str, Json]) -> Json:
        refs = [{"$ref": f"#/channels/live/messages/{name}"} for name in names]
        return {"action": action, "channel": {"$ref": "#/channels/live"}, "messages": refs}

    return {
        "asyncapi": "3.0.0",
        "info": {"title": "Joulepoint live streams", "version": __version__, "description": CODES},
        "defaultContentType": "application/json",
        "servers": {"websocket": {"host": host, "protocol": "wss" if secure else "ws"}},
        "channels": {
            "live": {
                "address": "/ws/energy/live",
                "description": "The token is the second of two subprotocols (bearer, TOKEN), or in the first message.",
                "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in schemas},
            }
        },
        "operations": {"command": operation("receive", COMMANDS), "tell": operation("send", FRAMES)},
        "components": {
            "schemas": schemas,
            "messages": {name: {"name": name, "payload": {"$ref": f"#/components/schemas/{name}"}} for name in schemas},
        },
    }


def build() -> APIRouter:
    """The route. It asks for no token: what may be sent is no secret."""
    router = APIRouter()

    @router.get(PATH, summary="The live stream (AsyncAPI 3.0)", tags=["Joulepoint streams"], response_model=dict[str, Any])
    async def asyncapi(request: Request) -> Response:
        """The commands and frames of /ws/energy/live."""
        shown = document(request.url.netloc, request.url.scheme == "https")
        return Response(msgspec.json.encode(shown), media_type="application/json")

    return router
