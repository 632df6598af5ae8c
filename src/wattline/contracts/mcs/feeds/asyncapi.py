"""GET /asyncapi.json: the live feeds and the MQTT topics as an AsyncAPI 3.0 document, made from the types that do the work."""

from __future__ import annotations

from typing import Any

import msgspec
from fastapi import APIRouter, Request, Response

from wattline import __version__
from wattline.contracts.mcs.errors import JSON
from wattline.contracts.mcs.events_rows import EventRow
from wattline.contracts.mcs.feeds.alarms import AlarmFrame, NumberedFrame
from wattline.contracts.mcs.feeds.readings import ReadingFrame
from wattline.contracts.mcs.feeds.topics import TOPICS, Topic
from wattline.platform import Platform

Json = dict[str, Any]
REF = "#/components/schemas/{name}"
FRAMES = (ReadingFrame, AlarmFrame, NumberedFrame, EventRow)
HEARTBEAT = {
    "type": "object",
    "required": ["type", "timestamp"],
    "properties": {"type": {"const": "heartbeat"}, "timestamp": {"type": "string", "format": "date-time"}},
}
SNAPSHOT = {"type": "object", "required": ["type"], "properties": {"type": {"const": "snapshot"}}}

_TEXT: Json = {"type": "string"}
_SWITCH: Json = {"type": "boolean", "default": False}
_BEAT: Json = {
    "type": "number",
    "minimum": 1,
    "maximum": 3600,
    "description": "Seconds between heartbeat frames; none unless given.",
}
_SINCE: Json = {"type": "integer", "minimum": 0, "description": "Go on after the event of this number: no gap, no double."}
_BLOCK = {"description": "Slug of the block, or site/slug where several sites have such a block."}

QUERIES: dict[str, Json] = {
    "telemetry": {
        "subsystem": {**_TEXT, "description": "Only this subsystem."},
        "snapshot": {**_SWITCH, "description": "Begin with the newest reading of each sensor."},
        "late": {**_SWITCH, "description": "Also readings that are older than the newest of their sensor."},
        "heartbeat": _BEAT,
    },
    "alarms": {
        "block_slug": {**_TEXT, **_BLOCK},
        "min_priority": {
            "type": "string",
            "enum": ["P0", "P1", "P2", "P3"],
            "description": "This priority and more severe ones.",
        },
        "snapshot": {**_SWITCH, "description": "Begin with every alarm that is not cleared, as alarm_snapshot."},
        "ids": {**_SWITCH, "description": "Frames bear the number of their event, to go on after."},
        "last_event_id": _SINCE,
        "heartbeat": _BEAT,
    },
    "events": {"last_event_id": _SINCE, "heartbeat": _BEAT},
}
KEYS: Json = {name: {**_TEXT, "description": "The key, where no header can be set."} for name in ("api_key", "token")}
SENT = {"telemetry": ["ReadingFrame"], "alarms": ["AlarmFrame", "NumberedFrame"], "events": ["EventRow"]}
ADDRESSES = {"telemetry": "/ws/telemetry/{block_slug}", "alarms": "/ws/alarms", "events": "/ws/events/{block_slug}"}
SAID = {
    "telemetry": "One frame for each reading of the block as it is committed. A slow client gets the newest of each sensor.",
    "alarms": "One frame for each transition of an alarm, in order; none is ever left out.",
    "events": "One frame for each event of the block, in order; none is ever left out.",
}


def _message(schema: str) -> Json:
    return {"name": schema, "contentType": JSON, "payload": {"$ref": REF.format(name=schema)}}


def _feed(name: str) -> Json:
    address = ADDRESSES[name]
    query = {"type": "object", "properties": QUERIES[name] | KEYS}
    sent = [*SENT[name], "Heartbeat", "SnapshotCommand"]
    found: Json = {
        "address": address,
        "description": SAID[name],
        "servers": [{"$ref": "#/servers/websocket"}],
        "messages": {each: {"$ref": f"#/components/messages/{each}"} for each in sent},
        "bindings": {"ws": {"method": "GET", "query": query}},
    }
    if "{" in address:
        found["parameters"] = {"block_slug": _BLOCK}
    return found


def _topic(topic: Topic, prefix: str) -> Json:
    return {
        "address": f"{prefix}/{topic.below}",
        "description": topic.said,
        "servers": [{"$ref": "#/servers/mqtt"}],
        "parameters": {name: {"description": said} for name, said in topic.parameters.items()},
        "messages": {topic.schema: {"$ref": f"#/components/messages/{topic.schema}"}},
    }


def _operation(action: str, channel: str, messages: list[str], bindings: Json | None = None) -> Json:
    refs = [{"$ref": f"#/channels/{channel}/messages/{name}"} for name in messages]
    found: Json = {"action": action, "channel": {"$ref": f"#/channels/{channel}"}, "messages": refs}
    return found | ({"bindings": bindings} if bindings else {})


def document(host: str, secure: bool, prefix: str) -> Json:
    """The document of a server that is reached under this host; `prefix` is the first level of the MQTT topics."""
    _, schemas = msgspec.json.schema_components(FRAMES, ref_template=REF)
    schemas = dict(schemas) | {"Heartbeat": HEARTBEAT, "SnapshotCommand": SNAPSHOT}
    schemas |= {topic.schema: topic.payload for topic in TOPICS}
    feeds = {name: _feed(name) for name in ADDRESSES}
    operations = {f"send_{name}": _operation("send", name, [*SENT[name], "Heartbeat"]) for name in ADDRESSES}
    operations |= {f"ask_{name}": _operation("receive", name, ["SnapshotCommand"]) for name in ("telemetry", "alarms")}
    for topic in TOPICS:
        bindings = {"mqtt": {"qos": topic.qos, "retain": topic.retain}}
        operations[f"{topic.action}_{topic.name}"] = _operation(topic.action, topic.name, [topic.schema], bindings)
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "MicroLink Control System: live feeds and MQTT",
            "version": __version__,
            "description": "The REST part of the contract is described by OpenAPI at /openapi.json.",
        },
        "defaultContentType": JSON,
        "servers": {
            "websocket": {"host": host, "pathname": "/api/v1", "protocol": "wss" if secure else "ws"},
            "mqtt": {"host": "{host}", "protocol": "mqtt", "variables": {"host": {"description": "The broker, as host:port."}}},
        },
        "channels": feeds | {topic.name: _topic(topic, prefix) for topic in TOPICS},
        "operations": operations,
        "components": {"schemas": schemas, "messages": {name: _message(name) for name in schemas if _is_message(name)}},
    }


def _is_message(name: str) -> bool:
    named = {"Heartbeat", "SnapshotCommand", *(each for sent in SENT.values() for each in sent)}
    return name in named or any(topic.schema == name for topic in TOPICS)


def build(platform: Platform) -> APIRouter:
    """The route. It asks for no key: what may be sent is no secret."""
    router = APIRouter(tags=["MCS live feeds"])
    prefix = platform.settings.mqtt_prefix

    @router.get("/asyncapi.json", summary="The live feeds and MQTT topics (AsyncAPI 3.0)", response_model=dict[str, Any])
    async def asyncapi(request: Request) -> Response:
        """WebSocket feeds under /api/v1/ws and the MQTT topics, with the schemas of all that is sent."""
        shown = document(request.url.netloc, request.url.scheme == "https", prefix)
        return Response(msgspec.json.encode(shown), media_type=JSON)

    return router
