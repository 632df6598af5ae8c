"""Columns of text to columns of values: as `literal.parse` reads each, but whole columns at a time where they are plain."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from wattline.contracts.flux.catalog import Type
from wattline.contracts.flux.values import literal, numbers
from wattline.contracts.flux.values.columns_time import plain_times

Bytes = npt.NDArray[np.uint8]

_HEXADECIMAL = np.zeros(256, np.uint8)
"""The lower-case digit of each byte that is a hexadecimal digit; 0 for others."""
for _digit in b"0123456789abcdef":
    _HEXADECIMAL[_digit] = _HEXADECIMAL[bytes([_digit]).upper()[0]] = _digit
_HYPHENS = (8, 13, 18, 23)
_DIGITS = [place for place in range(36) if place not in _HYPHENS]


def parse(kind: Type, strings: pa.StringArray, now: int, zone: ZoneInfo | None = None) -> pa.Array:
    """The values of texts; null stays null. Raises what `literal.parse` raises for the first text that is no value."""
    if strings.null_count == len(strings):
        return pa.nulls(len(strings), kind.arrow)
    found = _plain(kind, strings, zone)
    return _each(kind, strings, now, zone) if found is None else found


def _plain(kind: Type, strings: pa.StringArray, zone: ZoneInfo | None) -> pa.Array | None:
    """The column where all of its texts have the common form."""
    if kind in {Type.FLOAT4, Type.FLOAT8}:
        return _floats(kind, strings)
    if kind in numbers.RANGES:
        return _integers(kind, strings)
    if kind is Type.UUID:
        return _uuids(strings)
    if kind is Type.TIMESTAMPTZ:
        return plain_times(strings, zone)
    if kind is Type.TEXT and b"\0" not in text_bytes(strings):
        return strings
    return None


def _each(kind: Type, strings: pa.StringArray, now: int, zone: ZoneInfo | None) -> pa.Array:
    """Every different text by itself, in the order in which they come."""
    coded = strings.dictionary_encode()
    values: list[Any] = [literal.parse(kind, text, now, zone) for text in coded.dictionary.to_pylist()]
    return pa.array(values, kind.arrow).take(coded.indices)


def _floats(kind: Type, strings: pa.StringArray) -> pa.Array | None:
    try:
        found = strings.cast(kind.arrow)
    except pa.ArrowInvalid:
        return None
    values = raw_values(found)
    doubtful = np.isinf(values) | (values == 0)
    if doubtful.any():
        # What became infinity or nothing may have been out of range.
        for text in strings.filter(pa.array(doubtful)).drop_null().unique().to_pylist():
            numbers.floating(kind, text)
    return found


def _integers(kind: Type, strings: pa.StringArray) -> pa.Array | None:
    if b"x" in text_bytes(strings).lower():
        return None
    try:
        return strings.cast(kind.arrow)
    except pa.ArrowInvalid:
        return None


def _uuids(strings: pa.StringArray) -> pa.Array | None:
    matrix = equal_rows(strings, 36)
    if matrix is None or not (matrix[:, _HYPHENS] == ord("-")).all():
        return None
    lower = _HEXADECIMAL[matrix]
    if not lower[:, _DIGITS].all():
        return None
    lower[:, _HYPHENS] = ord("-")
    found = pa.StringArray.from_buffers(len(lower), _steps(len(lower), 36), pa.py_buffer(lower))
    if not strings.null_count:
        return found
    place = np.cumsum(valid(strings)) - 1
    return found.take(pa.array(place, mask=~valid(strings)))


def _steps(rows: int, width: int) -> pa.Buffer:
    return pa.py_buffer(np.arange(rows + 1, dtype=np.int32) * np.int32(width))


def valid(array: pa.Array) -> npt.NDArray[np.bool_]:
    """Which values are not null."""
    return np.asarray(pc.is_valid(array).to_numpy(zero_copy_only=False))


def raw_values(array: pa.Array) -> npt.NDArray[Any]:
    """The numbers of a column of numbers without a copy; whatever lies there where it is null."""
    values = np.frombuffer(array.buffers()[1], array.type.to_pandas_dtype())
    return values[array.offset : array.offset + len(array)]


def text_bytes(strings: pa.StringArray) -> bytes:
    """All bytes of all texts."""
    _, offsets, data = strings.buffers()
    places = np.frombuffer(offsets, np.int32)
    first, last = places[strings.offset], places[strings.offset + len(strings)]
    return data[int(first) : int(last)].to_pybytes() if data is not None else b""


def equal_rows(strings: pa.StringArray, width: int) -> Bytes | None:
    """The bytes of the texts that are not null, a row for each, where all have the same width."""
    given = strings.drop_null() if strings.null_count else strings
    lengths = np.diff(np.frombuffer(given.buffers()[1], np.int32)[given.offset : given.offset + len(given) + 1])
    if not (lengths == width).all():
        return None
    return np.frombuffer(text_bytes(given), np.uint8).reshape(-1, width)
