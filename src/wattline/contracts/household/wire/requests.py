"""What devices send: one reader for every generation of a message.

A field that is known must have a wire type that it once had: a reading whose value was dropped would be taken for zero.
"""

from __future__ import annotations

from struct import error as struct_error

import msgspec

from wattline.contracts.household.wire.fields import (
    I32,
    I64,
    LEN,
    VARINT,
    Malformed,
    Value,
    double_at,
    fields,
    float_at,
    text,
)


class Reading(msgspec.Struct, gc=False):
    """SensorDataRequest in both layouts of its value, and EnergyDataRequest, GasDataRequest, WaterDataRequest of release 2.

    `value` and `value_out` in kWh, `value_current` in W; `kind` is None where the message does not tell. `timestamp` as sent.
    `single`: the value has four bytes, so its steps are coarse.
    """

    access_token: str = ""
    kind: int | None = None
    value: float = 0.0
    value_current: float | None = None
    value_out: float | None = None
    timestamp: float | str = 0
    single: bool = False


class TokenRequest(msgspec.Struct, gc=False):
    """A meter asks for a token. `secret` is field 15, which no published client sends."""

    client_id: str = ""
    kind: int | None = None
    need_script: bool = False
    secret: str | None = None


class ScriptAccepted(msgspec.Struct, gc=False):
    """A meter runs its script. `sensor_id` and `script_id`, fields 15 and 16, are sent by no published client."""

    access_token: str = ""
    sensor_id: str | None = None
    script_id: str | None = None


def reading(data: bytes) -> Reading:
    """A reading. Raises `Malformed`."""
    found = _plain(data)
    return found if found is not None else _thorough(data)


def _plain(data: bytes) -> Reading | None:  # noqa: PLR0911, PLR0912 - one branch a field: this is every reading's way
    """The reading, where every field is one that the published devices send, encoded as they encode it; else None."""
    at, end = 0, len(data)
    token = b""
    kind: int | None = None
    value = 0.0
    current: float | None = None
    out: float | None = None
    stamp = 0
    single = False
    try:
        while at < end:
            tag = data[at]
            if tag == 0x19:
                (value,) = double_at(data, at + 1)
                single = False
                at += 9
            elif tag == 0x0A:
                start = at + 2
                at = start + data[at + 1]
                # A length of 128 and more takes two bytes.
                if at - start > 0x7F:
                    return None
                token = data[start:at]
            elif tag == 0x10:
                kind = data[at + 1]
                if kind > 0x7F:
                    return None
                at += 2
            elif tag == 0x30:
                at += 1
                shift = stamp = 0
                while (byte := data[at]) > 0x7F:
                    stamp |= (byte & 0x7F) << shift
                    shift += 7
                    at += 1
                    if shift > 56:
                        return None
                stamp |= byte << shift
                at += 1
            elif tag == 0x21:
                (current,) = double_at(data, at + 1)
                at += 9
            elif tag == 0x29:
                (out,) = double_at(data, at + 1)
                at += 9
            elif tag == 0x1D:
                (value,) = float_at(data, at + 1)
                single = True
                at += 5
            else:
                return None
        if at != end:
            return None
        return Reading(token.decode(), kind, value, current, out, stamp, single)
    except (IndexError, struct_error, UnicodeDecodeError):
        return None


def _thorough(data: bytes) -> Reading:
    found = Reading()
    third: float | None = None
    second: float | None = None
    for number, wire, value in fields(data):
        if number == 1:
            found.access_token = _text(wire, value)
        elif number == 2 and wire == I64:
            second = _double(wire, value)
        elif number == 2:
            found.kind = _enumerated(wire, value)
        elif number == 3:
            found.single = wire == I32
            third = _float(value) if found.single else _double(wire, value)
        elif number == 4:
            found.value_current = _double(wire, value)
        elif number == 5:
            found.value_out = _double(wire, value)
        elif number == 6:
            found.timestamp = _text(wire, value) if wire == LEN else _number(wire, value)
    if second is None:
        found.value = 0.0 if third is None else third
    else:
        # Release 2 has the value in field 2 and, for gas and water, the present flow in field 3.
        found.value = second
        found.value_current = third if found.value_current is None else found.value_current
    return found


def token_request(data: bytes) -> TokenRequest:
    """A request for a token. Raises `Malformed`."""
    found = TokenRequest()
    for number, wire, value in fields(data):
        if number == 1:
            found.client_id = _text(wire, value)
        elif number == 2:
            found.kind = _enumerated(wire, value)
        elif number == 3:
            found.need_script = _number(wire, value) != 0
        elif number == 15:
            found.secret = _text(wire, value)
    return found


def script_accepted(data: bytes) -> ScriptAccepted:
    """The acceptance of a script. Raises `Malformed`."""
    found = ScriptAccepted()
    for number, wire, value in fields(data):
        if number == 1:
            found.access_token = _text(wire, value)
        elif number == 15:
            found.sensor_id = _text(wire, value)
        elif number == 16:
            found.script_id = _text(wire, value)
    return found


def _text(wire: int, value: Value) -> str:
    if wire != LEN or isinstance(value, int):
        raise _unlike("a text")
    return text(value)


def _number(wire: int, value: Value) -> int:
    if wire != VARINT or not isinstance(value, int):
        raise _unlike("a number")
    return value


def _enumerated(wire: int, value: Value) -> int:
    """A number of 32 bits with its sign."""
    low = _number(wire, value) & 0xFFFFFFFF
    return low - 0x1_0000_0000 if low & 0x80000000 else low


def _double(wire: int, value: Value) -> float:
    if wire != I64 or isinstance(value, int):
        raise _unlike("a double")
    found: float = double_at(value)[0]
    return found


def _float(value: Value) -> float:
    if isinstance(value, int):
        raise _unlike("a float")
    found: float = float_at(value)[0]
    return found


def _unlike(what: str) -> Malformed:
    return Malformed(f"a field that is {what} has another wire type")
