"""The encoding of proto3: varints and fields of the four wire types that it has."""

from __future__ import annotations

from collections.abc import Iterator
from struct import Struct

VARINT, I64, LEN, I32 = 0, 1, 2, 5
LONGEST_VARINT = 10
"""Bytes; seven bits of a 64-bit number in each."""
_MOST_FIELD_NUMBER = 2**29 - 1
_DOUBLE = Struct("<d")
_FLOAT = Struct("<f")
double_at = _DOUBLE.unpack_from
float_at = _FLOAT.unpack_from

Value = int | bytes
"""Of a varint its number, of the others their bytes: eight, any number, or four."""


class Malformed(ValueError):
    """The bytes are not a message of the wire."""


def varint(data: bytes, at: int) -> tuple[int, int]:
    """The unsigned 64-bit number at a place, and the place behind it. Raises `Malformed`."""
    number = shift = 0
    for place in range(at, min(at + LONGEST_VARINT, len(data))):
        byte = data[place]
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            if number >> 64:
                raise Malformed("a number has more than 64 bits")
            return number, place + 1
        shift += 7
    raise Malformed("a number does not end")


def fields(data: bytes) -> Iterator[tuple[int, int, Value]]:
    """Every field: its number, wire type and value. Raises `Malformed`, also for groups, which proto3 does not have."""
    at, end = 0, len(data)
    while at < end:
        tag, at = varint(data, at)
        number, wire = tag >> 3, tag & 7
        if not 0 < number <= _MOST_FIELD_NUMBER:
            raise Malformed("no field has such a number")
        if wire == VARINT:
            value, at = varint(data, at)
            yield number, wire, value
            continue
        if wire == LEN:
            size, at = varint(data, at)
        elif wire in (I64, I32):
            size = 8 if wire == I64 else 4
        else:
            raise Malformed("proto3 has no such wire type")
        if size > end - at:
            raise Malformed("a field is longer than the message")
        yield number, wire, data[at : at + size]
        at += size


def text(value: bytes) -> str:
    """A string field's value. Raises `Malformed` where it is not UTF-8."""
    try:
        return value.decode()
    except UnicodeDecodeError:
        raise Malformed("a text is not UTF-8") from None


def number(value: int) -> bytes:
    """A number of 64 bits as a varint; a negative one as its two's complement."""
    out = bytearray()
    value &= 0xFFFF_FFFF_FFFF_FFFF
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def number_field(field: int, value: int) -> bytes:
    """A field of a number."""
    return number(field << 3 | VARINT) + number(value)


def bytes_field(field: int, value: bytes) -> bytes:
    """A field of bytes, or of a string in UTF-8."""
    return number(field << 3 | LEN) + number(len(value)) + value


def double_field(field: int, value: float) -> bytes:
    """A field of a double."""
    return number(field << 3 | I64) + _DOUBLE.pack(value)


def float_field(field: int, value: float) -> bytes:
    """A field of a float of four bytes."""
    return number(field << 3 | I32) + _FLOAT.pack(value)
