"""What the OpenAPI document says of the routes of devices: their messages as protobuf and as JSON."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import msgspec
from fastapi import APIRouter, Request, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from wattline.contracts.household import device_json

TAGS = ["Household devices"]
BINARY = {"schema": {"type": "string", "format": "binary"}}
REFUSALS = {
    400: "The message cannot be read, or what it says is not taken; the text says why.",
    401: "No token, one that is not valid now, or two that differ.",
    404: "The sensor reads no household, or an id does not fit.",
    405: "Only POST is known here.",
    413: "The body is larger than any message.",
    429: "Tokens were asked for too often; `Retry-After` says when to come again.",
    503: "A store is away or a queue is full; `Retry-After` says when to come again.",
    507: "The disk is full; nothing was written.",
}
KINDS = "`enum SensorType { ANALOG_ELECTRICITY = 0; DIGITAL_ELECTRICITY = 1; GAS = 2; WATER = 3; }`"
FORMS = (
    "The body is a proto3 message, or JSON where its first byte is `{`; its Content-Type is not looked at. The answer has the"
    " same form, and `status` in it is that of HTTP. It comes in one chunk, under HTTP/1.1."
)
OUTCOME = """
```proto
message Response {
  uint32 status = 1;
  optional string status_message = 2;  // at most 254 bytes
}
```"""

TOKEN = f"""A token for a sensor that is assigned to a household, and the script or the rotations that it is to use. {FORMS}

The token before stays valid for a while.

```proto
message TokenRequest {{
  string client_id = 1;
  SensorType type = 2;
  optional bool need_script = 3;
  optional string secret = 15;  // where the sensor has one
}}
message TokenResponse {{
  optional string access_token = 1;  // at most 44 bytes
  optional uint32 expires_in = 2;  // seconds, at most 65535
  uint32 status = 3;
  optional string status_message = 4;  // at most 254 bytes
  optional string script = 5;  // at most 665 bytes
  optional uint32 analog_rotation_per_kwh = 6;
  optional double gas_rotation_per_kwh = 7;
}}
```

{KINDS}"""

READING = f"""200 means that the reading is durable. The same reading again changes nothing. {FORMS}

A digital meter sends what its register shows, an analog one what was used since its last message. Without a type the sensor is
taken as it is registered; a type that differs from that is refused. A value that no household can have used since the reading
before is refused with `Value too high`.

```proto
message SensorDataRequestV2 {{
  string access_token = 1;  // or in Authorization
  SensorType type = 2;
  double value = 3;  // kWh; the older SensorDataRequest has a float here
  optional double value_current = 4;  // W
  optional double value_out = 5;  // kWh
  optional uint64 timestamp = 6;  // s, ms, us or ns since 1970, told apart by size; 0 or none: now
}}
```

The later `EnergyDataRequest` (value in field 2, timestamp as text), `GasDataRequest` and `WaterDataRequest` (value in field 2,
value_current in field 3) are read too.
{OUTCOME}

{KINDS}"""

SCRIPT = f"""The sensor has its script; it is not handed out again before it is asked for, or is another one. {FORMS}

With the token in `Authorization` the body may be empty.

```proto
message ScriptAcceptedRequest {{
  string access_token = 1;  // or in Authorization
  optional string sensor_id = 15;
  optional string script_id = 16;
}}
```
{OUTCOME}"""

Words = tuple[str, str, type[msgspec.Struct], type[msgspec.Struct], tuple[int, ...], dict[str, Any]]
ROUTES: dict[str, Words] = {
    "/token": (
        "Ask for a token",
        TOKEN,
        device_json.TokenBody,
        device_json.Granted,
        (429,),
        {"sensor_id": "AA:BB:CC:DD:EE:01", "need_script": True},
    ),
    "/sensor_input": (
        "Send a reading",
        READING,
        device_json.ReadingBody,
        device_json.Outcome,
        (404,),
        {"value": 1234.5678, "timestamp": 1727690400000, "value_current": 345.6, "access_token": "TOKEN"},
    ),
    "/script_accepted": (
        "Accept a script",
        SCRIPT,
        device_json.ScriptBody,
        device_json.Outcome,
        (404,),
        {"sensor_id": "AA:BB:CC:DD:EE:01", "access_token": "TOKEN"},
    ),
}


class _Handed(Response):
    """Hands a FastAPI route's request to a plain ASGI callable."""

    def __init__(self, door: ASGIApp) -> None:
        self.status_code = 200
        self.background = None
        self.raw_headers = []
        self._door = door

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._door(scope, receive, send)


def documented(doors: Mapping[str, ASGIApp]) -> APIRouter:
    """The doors, by their paths at the root, as routes of the OpenAPI document."""
    router = APIRouter(tags=[*TAGS])
    for path, (summary, text, body, answer, further, example) in ROUTES.items():
        statuses = sorted({400, 401, 405, 413, 503, 507}.union(further))
        router.add_api_route(
            path,
            _handing(doors[path], path),
            methods=["POST"],
            summary=summary,
            description=text,
            response_class=Response,
            responses={
                200: {"description": "Done.", "content": _forms(answer)},
                **{status: {"description": REFUSALS[status], "content": _forms(device_json.Failure)} for status in statuses},
            },
            openapi_extra={
                "requestBody": {"required": path != "/script_accepted", "content": _forms(body, example)},
                "security": [{"HouseholdKey": []}, {}],
            },
        )
    return router


def _handing(door: ASGIApp, path: str) -> Callable[[Request], Awaitable[Response]]:
    async def handed(_request: Request) -> Response:
        return _Handed(door)

    handed.__name__ = path.strip("/")
    return handed


def _forms(struct: type[msgspec.Struct], example: dict[str, Any] | None = None) -> dict[str, Any]:
    """The content of a body or an answer in both forms."""
    _, schemas = msgspec.json.schema_components((struct,))
    json: dict[str, Any] = {"schema": schemas[struct.__name__]}
    if example is not None:
        json["example"] = example
    return {"application/x-protobuf": BINARY, "application/json": json}
