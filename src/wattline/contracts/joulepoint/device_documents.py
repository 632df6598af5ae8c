"""What the OpenAPI document says of the paths of readings."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import APIRouter, Request, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from wattline.contracts.joulepoint.problem import refusals
from wattline.metering.fields import FIELDS
from wattline.metering.readings.careful import LONGEST_NAME, MOST_EXTRA, MOST_ID, MOST_SEQ, QUALITIES, STATES

TAGS = ["Joulepoint ingestion"]
HEADERS = [
    ("X-Device-Key", "The key of a device or a gateway; or `Authorization: Bearer` with the scope energy:write."),
    (
        "X-Signature",
        "HMAC-SHA256 of the body as it is sent (compressed, if it is), in hexadecimal, keyed with the key's secret.",
    ),
]
ONE = """Store one reading. 201 `stored` means that it is durable.

The same reading again is `duplicate` and changes nothing. Another one of the same meter and time is `replaced`: what it names
takes the place of what was there, what it does not name stays, so that a gateway may send the power and the energy of one
second in two messages; what was replaced is kept. `seq` alone replaces nothing.

Without `timestamp` a reading is of now. A time without an offset is one of the meter's zone (the first of two, where clocks
are set back), unless the meter is `strict`. A time may be 5 minutes ahead and 450 days back. A name that is no field is told
in `ignored`; a `strict` meter refuses it. Energy counts in kWh or Wh as the meter says; everything else is in SI units. A key
for several meters, and a token, say in `meter_id` which one is meant."""
MANY = """Store up to 10,000 readings in 5 MiB: `{"readings": [...]}`, a bare array, or one reading a line (NDJSON).

Every reading stands for itself: one that is refused is told by its index in `rejected` (of NDJSON, blank lines are not
counted), and the others are stored, durably, before the answer. With `atomic=true` nothing is stored if one is refused, and
the answer is 422. Readings of the same meter and time are taken in their order. One reading of each meter may be without
`timestamp`."""


def _schema() -> dict[str, Any]:
    fields: dict[str, Any] = {
        field.name: {"type": "number", "minimum": field.low, "maximum": field.high, "description": field.unit}
        for field in FIELDS
    }
    fields |= {
        "timestamp": {"type": "string", "format": "date-time"},
        "meter_id": {"type": "integer", "minimum": 1, "maximum": MOST_ID},
        "breaker_state": {"type": "string", "enum": list(STATES)},
        "quality": {"type": "string", "enum": list(QUALITIES), "default": "good"},
        "seq": {"type": "integer", "minimum": 0, "maximum": MOST_SEQ},
        "extra": {
            "type": "object",
            "maxProperties": MOST_EXTRA,
            "propertyNames": {"minLength": 1, "maxLength": LONGEST_NAME},
            "additionalProperties": {"type": "number"},
        },
    }
    return {"type": "object", "description": "One measurement at least.", "properties": fields}


OUTCOME = {
    "type": "object",
    "required": ["id", "meter_id", "timestamp", "status"],
    "properties": {
        "id": {"type": "string", "description": "A ULID; the same for this meter and time, however often it is sent."},
        "meter_id": {"type": "integer"},
        "timestamp": {"type": "string", "format": "date-time"},
        "status": {"enum": ["stored", "duplicate", "replaced"]},
        "revision": {"type": "integer", "minimum": 2, "description": "Left out while nothing was replaced."},
        "ignored": {"type": "array", "items": {"type": "string"}},
    },
}
OUTCOMES = {
    "type": "object",
    "required": ["accepted", "duplicates", "replaced", "rejected"],
    "properties": {
        "accepted": {"type": "integer", "description": "Stored, at times of which there was no reading."},
        "duplicates": {"type": "integer"},
        "replaced": {"type": "integer"},
        "rejected": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"index": {"type": "integer"}, "errors": {"type": "array", "items": {"type": "object"}}},
            },
        },
        "ignored": {"type": "array", "items": {"type": "string"}},
    },
}
Body = tuple[dict[str, Any], Any]
EXAMPLE = {"total_power": 3600.0, "total_energy": 1500.0, "voltage_a": 230.1}


class Handed(Response):
    """Hands a FastAPI route's request to a plain ASGI callable."""

    def __init__(self, door: ASGIApp) -> None:
        self.status_code = 200
        self.background = None
        self.raw_headers = []
        self._door = door

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._door(scope, receive, send)


def documented(one: ASGIApp, many: ASGIApp) -> APIRouter:
    """The two doors as routes."""
    router = APIRouter(tags=[*TAGS])
    reading = _schema()
    whole = {"type": "object", "required": ["readings"], "properties": {"readings": {"type": "array", "items": reading}}}
    several = {"oneOf": [whole, {"type": "array", "items": reading}]}
    atomic = {"name": "atomic", "in": "query", "schema": {"type": "boolean", "default": False}}
    _add(router, "", "Send a reading", ONE, one, {201: OUTCOME, 200: OUTCOME}, {"application/json": (reading, EXAMPLE)}, [])
    bodies: dict[str, Body] = {
        "application/json": (several, {"readings": [EXAMPLE]}),
        "application/x-ndjson": ({"type": "string"}, None),
    }
    _add(router, "/bulk", "Send readings", MANY, many, {200: OUTCOMES}, bodies, [atomic])
    return router


def _add(
    router: APIRouter,
    path: str,
    summary: str,
    text: str,
    door: ASGIApp,
    answers: dict[int, dict[str, Any]],
    bodies: dict[str, Body],
    parameters: list[dict[str, Any]],
) -> None:
    content = {
        media: {"schema": schema} | ({} if example is None else {"example": example})
        for media, (schema, example) in bodies.items()
    }
    headers = [{"name": name, "in": "header", "schema": {"type": "string"}, "description": said} for name, said in HEADERS]
    responses: dict[int | str, dict[str, Any]] = refusals(404, 405, 413, 415, 503, 507)
    for status, schema in answers.items():
        responses[status] = {
            "description": "Stored." if status == 201 else "Done.",
            "content": {"application/json": {"schema": schema}},
        }
    router.add_api_route(
        f"/api/energy/energy-data{path}",
        _handing(door, "readings" if path else "reading"),
        methods=["POST"],
        summary=summary,
        description=text,
        response_class=Response,
        responses=responses,
        openapi_extra={
            "requestBody": {"required": True, "content": content},
            "parameters": [*headers, *parameters],
            "security": [{"JoulepointOAuth2": ["energy:write"]}, {}],
        },
    )


def _handing(door: ASGIApp, name: str) -> Callable[[Request], Awaitable[Response]]:
    async def handed(_request: Request) -> Response:
        return Handed(door)

    handed.__name__ = f"send_{name}"
    return handed
