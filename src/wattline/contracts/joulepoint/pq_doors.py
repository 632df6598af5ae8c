"""What devices send beside readings: POST /api/energy/pq/rms, /pq/waveform, /pq/events and /protection/events.

The same functions take what comes by MQTT.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import msgspec
from fastapi import APIRouter, Request, Response
from starlette.types import ASGIApp

from wattline.contracts.joulepoint.bodies import malformed
from wattline.contracts.joulepoint.device_answers import Answer
from wattline.contracts.joulepoint.device_documents import HEADERS, Handed
from wattline.contracts.joulepoint.device_door import Door, Senders, Sent
from wattline.contracts.joulepoint.gate import PQ_WRITE
from wattline.contracts.joulepoint.pq_bodies import series_of
from wattline.contracts.joulepoint.pq_rows import EVENT, PROTECTION_EVENT
from wattline.contracts.joulepoint.problem import Problem, refusals
from wattline.metering.readings.model import Sender
from wattline.quality import intake
from wattline.quality.intake import Followed, Intake
from wattline.quality.ledger import shown
from wattline.quality.protection.service import shown as protection_shown
from wattline.settings import MEBIBYTE

RMS, WAVEFORM = "/api/energy/pq/rms", "/api/energy/pq/waveform"
EVENTS, PROTECTION = "/api/energy/pq/events", "/api/energy/protection/events"
MOST_BYTES = 16 * MEBIBYTE
"""Of a series or a capture, as it comes and unpacked."""
MOST_EVENT_BYTES = 64 * 1024
Take = Callable[[Sender, bytes], Awaitable[Answer]]

_VOLTS = {"type": "array", "items": {"type": ["number", "null"]}, "minItems": 1}
_WHOSE = {
    "meter_id": {"type": "integer", "minimum": 1, "description": "Needed where the sender may write for several meters."},
    "start": {"type": "string", "format": "date-time", "description": "The time of the first value."},
    "channels": {
        "type": "object",
        "description": "V by channel: phases a, b, c or lines ab, bc, ca; all as long.",
        "additionalProperties": _VOLTS,
    },
}
_FOLLOWED = {
    "type": "object",
    "properties": {
        "meter_id": {"type": "integer"},
        "samples": {"type": "integer", "description": "RMS values that were judged or too late."},
        "judged": {"type": "integer"},
        "late": {"type": "integer", "description": "Not newer than what was judged before, so not judged."},
        "frequency_hz": {"type": "number"},
        "thd_pct": {"type": "array", "items": {"type": ["number", "null"]}},
        "imbalance_pct": {"type": ["number", "null"]},
        "events": {"type": "array", "items": EVENT},
    },
}


def takers(taking: Intake) -> dict[str, Take]:
    """What takes a body of JSON, by path. Each raises `Problem` 400 for what is no JSON, and what `Intake` raises."""

    async def series(sender: Sender, content: bytes) -> Answer:
        return _followed(await taking.series(sender, await series_of(content)))

    async def capture(sender: Sender, content: bytes) -> Answer:
        return _followed(await taking.capture(sender, await series_of(content)))

    async def event(sender: Sender, content: bytes) -> Answer:
        found, is_new = await taking.event(sender, _json(content))
        return Answer(201 if is_new else 200, msgspec.json.encode(shown(found)))

    async def protection(sender: Sender, content: bytes) -> Answer:
        found, is_new = await taking.protection(sender, _json(content))
        return Answer(201 if is_new else 200, msgspec.json.encode(protection_shown(found)))

    return {RMS: series, WAVEFORM: capture, EVENTS: event, PROTECTION: protection}


def _json(content: bytes) -> Any:
    try:
        return msgspec.json.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise malformed() from None


def _followed(found: Followed) -> Answer:
    judged, capture = found.judged, found.capture
    document: dict[str, Any] = {
        "meter_id": found.meter.id,
        "samples": judged.judged + judged.late,
        "judged": judged.judged,
        "late": judged.late,
    }
    if capture is not None:
        steady = capture.steady
        document["frequency_hz"] = round(capture.frequency, 4)
        document["thd_pct"] = [_rms(column) for column in steady.thd.T.tolist()]
        document["imbalance_pct"] = _rms(steady.imbalance.tolist())
    document["events"] = [shown(event) for event in judged.events]
    return Answer(200, msgspec.json.encode(document))


def _rms(values: list[float]) -> float | None:
    """The root mean square of the windows, None where there is none."""
    known = [value for value in values if value == value]  # noqa: PLR0124 - not a number is not itself
    return round((sum(value * value for value in known) / len(known)) ** 0.5, 4) if known else None


def doors(taking: Intake, senders: Senders) -> dict[str, ASGIApp]:
    """What answers a POST of each path."""
    made: dict[str, ASGIApp] = {}
    for path, take in takers(taking).items():
        most = MOST_BYTES if path in (RMS, WAVEFORM) else MOST_EVENT_BYTES
        made[path] = Door(senders, _working(take), most_bytes=most, granted=PQ_WRITE)
    return made


def _working(take: Take) -> Callable[[Sent], Awaitable[Answer]]:
    async def work(sent: Sent) -> Answer:
        if sent.query:
            raise Problem(400, "bad_parameter", "this path knows no parameters")
        return await take(sent.sender, sent.content)

    return work


def build(made: Mapping[str, ASGIApp]) -> APIRouter:
    """The doors as routes, which hand over."""
    router = APIRouter(tags=["Joulepoint power quality"])
    series = {**_WHOSE, "step_s": {"type": "number", "description": "Half a cycle by default."}}
    capture = {
        **_WHOSE,
        "sample_rate_hz": {"type": "number", "description": "64 samples a cycle at least."},
    }
    reported = _object({name: EVENT["properties"][name] for name in intake.EVENT}, "type", "start")
    protective = _object({name: PROTECTION_EVENT["properties"][name] for name in intake.PROTECTION}, "kind")
    for path, name, summary, body, answer in (
        (RMS, "rms", "Send a series of half-cycle RMS voltages", _object(series, "start", "channels"), _FOLLOWED),
        (
            WAVEFORM,
            "waveform",
            "Send samples of voltages",
            _object(capture, "start", "channels", "sample_rate_hz"),
            _FOLLOWED,
        ),
        (EVENTS, "event", "Report an event that a meter detected", reported, EVENT),
        (PROTECTION, "protection_event", "Report an event of protection", protective, PROTECTION_EVENT),
    ):
        _add(router, path, name, summary, made[path], body, answer)
    return router


def _object(properties: Mapping[str, Any], *required: str) -> dict[str, Any]:
    return {"type": "object", "required": list(required), "additionalProperties": False, "properties": dict(properties)}


def _add(router: APIRouter, path: str, name: str, summary: str, door: ASGIApp, body: Any, answer: Any) -> None:
    async def handed(_request: Request) -> Response:
        return Handed(door)

    handed.__name__ = f"send_pq_{name}"
    responses: dict[int | str, dict[str, Any]] = refusals(404, 405, 409, 413, 415, 503, 507)
    for status in (200,) if path in (RMS, WAVEFORM) else (200, 201):
        responses[status] = {
            "description": "Kept." if status == 201 else "Done.",
            "content": {"application/json": {"schema": answer}},
        }
    router.add_api_route(
        path,
        handed,
        methods=["POST"],
        summary=summary,
        response_class=Response,
        response_model=None,
        responses=responses,
        openapi_extra={
            "requestBody": {"required": True, "content": {"application/json": {"schema": body}}},
            "parameters": [
                {"name": header, "in": "header", "schema": {"type": "string"}, "description": said.replace("energy:", "pq:")}
                for header, said in HEADERS
            ],
            "security": [{"JoulepointOAuth2": [PQ_WRITE]}, {}],
        },
    )
