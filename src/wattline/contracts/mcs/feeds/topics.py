"""The MQTT topics of the contract for the document that describes them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

Json = dict[str, Any]

_TIME: Json = {"type": "string", "format": "date-time", "description": "UTC, with milliseconds."}
_PLACE = {"site": "Slug of the site.", "block": "Slug of the block, such as block-01."}
_MODE: Json = {"type": "string", "enum": ["EXPORT", "MIXED", "REJECT", "MAINTENANCE", "STARTUP"]}
_VALVE: Json = {"type": "string", "enum": ["OPEN", "CLOSED", "MODULATING"]}
_TEXT: Json = {"type": "string"}
_OBJECT: Json = {"type": "object"}


def _schema(required: Mapping[str, Any], optional: Mapping[str, Any] | None = None) -> Json:
    return {"type": "object", "required": list(required), "properties": {**required, **(optional or {})}}


@dataclass(frozen=True, slots=True)
class Topic:
    """One kind of topic; `below` the first level. `action` is what this server does with it."""

    name: str
    below: str
    said: str
    action: Literal["send", "receive"]
    qos: int
    retain: bool
    schema: str
    payload: Json
    parameters: Mapping[str, str]


TOPICS = (
    Topic(
        "mqtt_telemetry",
        "{site}/{block}/{subsystem}/{tag}",
        "A reading of one sensor.",
        "receive",
        0,
        True,
        "MqttTelemetry",
        _schema(
            {"ts": _TIME, "v": {"type": "number"}, "u": _TEXT, "q": {"type": "string", "enum": ["GOOD", "UNCERTAIN", "BAD"]}},
            {"alarm": {"type": ["string", "null"]}, "seq": {"type": "integer", "minimum": 0}},
        ),
        {**_PLACE, "subsystem": "One of the 13 subsystems.", "tag": "Tag of the sensor."},
    ),
    Topic(
        "mqtt_mode",
        "{site}/{block}/mode/state",
        "The block's thermal mode changed.",
        "receive",
        1,
        True,
        "MqttMode",
        _schema(
            {
                "ts": _TIME,
                "state": _MODE,
                "previous": _MODE,
                "trigger": _TEXT,
                "valves": _schema({"v_exp": _VALVE, "v_rej": _VALVE}),
            },
            {"guards": _OBJECT, "operator": {"type": ["string", "null"]}},
        ),
        _PLACE,
    ),
    Topic(
        "mqtt_alarm",
        "{site}/{block}/alarms/{priority}",
        "A device annunciates an alarm of its own.",
        "receive",
        1,
        False,
        "MqttAlarm",
        _schema(
            {
                "ts": _TIME,
                "alarm_id": _TEXT,
                "action": {"type": "string", "enum": ["RAISED", "CLEARED", "ESCALATED"]},
                "priority": _TEXT,
                "sensor_tag": _TEXT,
                "value": {"type": ["number", "boolean", "null"]},
                "threshold": {"type": ["number", "boolean", "null"]},
                "description": _TEXT,
            },
            {"subsystem": _TEXT, "direction": {"type": "string", "enum": ["HIGH", "LOW", "BOOL"]}},
        ),
        {**_PLACE, "priority": "P0 to P3."},
    ),
    Topic(
        "mqtt_heartbeat",
        "{site}/{block}/edge/heartbeat",
        "How the edge gateway of a block is, every 30 s.",
        "receive",
        1,
        True,
        "MqttHeartbeat",
        _schema(
            {"ts": _TIME, "edge_id": _TEXT, "uptime_s": {"type": "number"}, "adapters": _OBJECT, "buffer": _OBJECT},
            {"system": _OBJECT},
        ),
        _PLACE,
    ),
    Topic(
        "mqtt_command",
        "{site}/{block}/command/{target}",
        "What the platform asks of an edge gateway.",
        "send",
        1,
        False,
        "MqttCommand",
        _schema({"ts": _TIME, "cmd": _TEXT, "params": _OBJECT, "source": _TEXT, "request_id": _TEXT}),
        {**_PLACE, "target": "Whom the command is for."},
    ),
    Topic(
        "mqtt_response",
        "{site}/{block}/command/response",
        "What became of a command.",
        "receive",
        1,
        False,
        "MqttResponse",
        _schema(
            {"ts": _TIME, "request_id": _TEXT, "status": {"type": "string", "enum": ["accepted", "rejected", "error"]}},
            {"reason": {"type": ["string", "null"]}, "result": {}},
        ),
        _PLACE,
    ),
)
