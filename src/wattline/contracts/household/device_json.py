"""The messages of devices as JSON: the same fields, a type by its name too, a time in ISO 8601 too."""

from __future__ import annotations

from typing import Annotated, TypeVar

import msgspec
from msgspec import Meta

from wattline.contracts.household.wire.fields import Malformed
from wattline.contracts.household.wire.requests import Reading, ScriptAccepted, TokenRequest
from wattline.households.meters.model import Kind

Body = TypeVar("Body")
TYPE = "A number or name of SensorType; left out: as the sensor is registered."


class ReadingBody(msgspec.Struct):
    """POST /sensor_input."""

    value: Annotated[float, Meta(description="kWh: what the register shows; of an analog meter what was used since the last.")]
    timestamp: Annotated[
        int | float | str | None,
        Meta(
            description="Since 1970 in s, ms, us or ns, told by its size, or ISO 8601 (UTC without an offset); 0 or none: now."
        ),
    ] = None
    value_current: Annotated[float | None, Meta(description="W, negative while feeding in.")] = None
    value_out: Annotated[float | None, Meta(description="kWh fed in, as the register shows.")] = None
    type: Annotated[int | str | None, Meta(description=TYPE)] = None
    access_token: Annotated[str | None, Meta(description="The token, if it is not in `Authorization`.")] = None


class TokenBody(msgspec.Struct):
    """POST /token. `client_id` is the older name of `sensor_id`."""

    sensor_id: Annotated[str | None, Meta(description="MAC address; `:`, `-` or nothing between the bytes.")] = None
    client_id: Annotated[str | None, Meta(description="The same, by its older name.")] = None
    secret: Annotated[str | None, Meta(description="Where the sensor has one.")] = None
    type: Annotated[int | str | None, Meta(description=TYPE)] = None
    need_script: Annotated[bool | None, Meta(description="Whether the script is wanted again.")] = None


class ScriptBody(msgspec.Struct):
    """POST /script_accepted."""

    sensor_id: Annotated[str | None, Meta(description="Must be that of the token's sensor.")] = None
    script_id: Annotated[str | None, Meta(description="Must be that of its script, as /token told it.")] = None
    access_token: Annotated[str | None, Meta(description="The token, if it is not in `Authorization`.")] = None


class Outcome(msgspec.Struct):
    """What became of a request. `status` is that of HTTP."""

    status: int


class Failure(msgspec.Struct):
    """What went wrong, under the name of the message's field and under that of every other route."""

    status: int
    status_message: str
    error: str


class Granted(msgspec.Struct, omit_defaults=True):
    """A token."""

    status: int
    access_token: str
    expires_in: Annotated[int, Meta(description="Seconds.")]
    script: Annotated[str | None, Meta(description="What configures the reader, while it is to be taken.")] = None
    script_id: Annotated[str | None, Meta(description="16 hexadecimal digits that name the script.")] = None
    analog_rotation_per_kwh: int | None = None
    gas_rotation_per_kwh: float | None = None


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
