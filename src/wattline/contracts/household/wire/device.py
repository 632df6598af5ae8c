"""The device's side of the wire: what it sends, and what it makes of a reply. For simulated devices and measurements."""

from __future__ import annotations

import msgspec

from wattline.contracts.household.wire.fields import (
    bytes_field,
    double_at,
    double_field,
    fields,
    float_field,
    number_field,
    text,
)
from wattline.contracts.household.wire.requests import Reading


class Outcome(msgspec.Struct):
    """SensorDataResponse and ScriptAcceptedResponse."""

    status: int = 0
    status_message: str | None = None


class TokenReply(msgspec.Struct):
    """TokenResponse."""

    access_token: str | None = None
    expires_in: int | None = None
    status: int = 0
    status_message: str | None = None
    script: str | None = None
    rotations_per_kwh: int | None = None
    gas_rotations_per_kwh: float | None = None


def sensor_data(reading: Reading) -> bytes:
    """SensorDataRequest where the reading is `single`, else SensorDataRequestV2. The timestamp must be a whole number."""
    parts = [] if not reading.access_token else [bytes_field(1, reading.access_token.encode())]
    if reading.kind:
        parts.append(number_field(2, reading.kind))
    if reading.value:
        parts.append((float_field if reading.single else double_field)(3, reading.value))
    if reading.value_current is not None:
        parts.append(double_field(4, reading.value_current))
    if reading.value_out is not None:
        parts.append(double_field(5, reading.value_out))
    if reading.timestamp:
        parts.append(number_field(6, int(reading.timestamp)))
    return b"".join(parts)


def token_request(client_id: str, kind: int = 0, need_script: bool | None = None, secret: str | None = None) -> bytes:
    """TokenRequest. `need_script` is left out where it is None."""
    parts = [bytes_field(1, client_id.encode())]
    if kind:
        parts.append(number_field(2, kind))
    if need_script is not None:
        parts.append(number_field(3, need_script))
    if secret is not None:
        parts.append(bytes_field(15, secret.encode()))
    return b"".join(parts)


def script_accepted(access_token: str) -> bytes:
    """ScriptAcceptedRequest."""
    return bytes_field(1, access_token.encode())


def outcome(data: bytes) -> Outcome:
    """The reply to a reading or to an accepted script. Raises `Malformed`."""
    found = Outcome()
    for number, _, value in fields(data):
        if number == 1 and isinstance(value, int):
            found.status = value
        elif number == 2 and isinstance(value, bytes):
            found.status_message = text(value)
    return found


def token_reply(data: bytes) -> TokenReply:
    """The reply to a request for a token. Raises `Malformed`."""
    found = TokenReply()
    for number, _, value in fields(data):
        if isinstance(value, int):
            if number == 2:
                found.expires_in = value
            elif number == 3:
                found.status = value
            elif number == 6:
                found.rotations_per_kwh = value
        elif number == 1:
            found.access_token = text(value)
        elif number == 4:
            found.status_message = text(value)
        elif number == 5:
            found.script = text(value)
        elif number == 7 and len(value) == 8:
            found.gas_rotations_per_kwh = double_at(value)[0]
    return found
