"""The messages of devices as JSON: the same fields, a type by its name too, a time in ISO 8601 too."""

from __future__ import annotations

from typing import TypeVar

import msgspec

from wattline.contracts.household.wire.fields import Malformed
from wattline.contracts.household.wire.requests import Reading, ScriptAccepted, TokenRequest
from wattline.households.meters.model import Kind

Body = TypeVar("Body")


class ReadingBody(msgspec.Struct):
    """POST /sensor_input."""

    value: float
    timestamp: int | float | str | None = None
    value_current: float | None = None
    value_out: float | None = None
    type: int | str | None = None
    access_token: str | None = None


class TokenBody(msgspec.Struct):
    """POST /token. `client_id` is the older name of `sensor_id`."""

    sensor_id: str | None = None
    client_id: str | None = None
    secret: str | None = None
    type: int | str | None = None
    need_script: bool | None = None


class ScriptBody(msgspec.Struct):
    """POST /script_accepted."""

    sensor_id: str | None = None
    script_id: str | None = None
    access_token: str | None = None


_reading = msgspec.json.Decoder(ReadingBody)
_token = msgspec.json.Decoder(TokenBody)
_script = msgspec.json.Decoder(ScriptBody)


def reading(body: bytes) -> Reading:
    """A reading. Raises `Malformed`."""
    found = _decoded(_reading, body)
    return Reading(
        found.access_token or "",
        _kind(found.type),
        found.value,
        found.value_current,
        found.value_out,
        0 if found.timestamp is None else found.timestamp,
    )


def token_request(body: bytes) -> TokenRequest:
    """A request for a token. Raises `Malformed`, also where its two names for the meter differ."""
    found = _decoded(_token, body)
    if None not in (found.sensor_id, found.client_id) and found.sensor_id != found.client_id:
        raise Malformed("sensor_id and client_id differ")
    name = found.sensor_id if found.sensor_id is not None else found.client_id
    return TokenRequest(name or "", _kind(found.type), bool(found.need_script), found.secret)


def script_accepted(body: bytes) -> ScriptAccepted:
    """The acceptance of a script. Raises `Malformed`."""
    found = _decoded(_script, body)
    return ScriptAccepted(found.access_token or "", found.sensor_id, found.script_id)


def _decoded(decoder: msgspec.json.Decoder[Body], body: bytes) -> Body:
    try:
        return decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Malformed("the body is not the JSON of this message") from None


def _kind(given: int | str | None) -> int | None:
    if not isinstance(given, str):
        return given
    name = given.upper()
    for known in (name, f"{name}_ELECTRICITY"):
        if known in Kind.__members__:
            return Kind[known]
    raise Malformed("no meter has such a type")
