"""The values of a request body as columns."""

from __future__ import annotations

from collections.abc import Sequence
from zoneinfo import ZoneInfo

import msgspec
import numpy as np
import pyarrow as pa

from wattline.contracts.flux.catalog import Column, Type
from wattline.contracts.flux.errors import bad_payload, sql
from wattline.contracts.flux.values import columns, jsonb

_NUMBERS = {Type.FLOAT4, Type.FLOAT8, Type.INT2, Type.INT4, Type.INT8}
_NO_NUMBERS = tuple(b'"{[tf')
_TEXTS = msgspec.json.Decoder(list[str | None])
_TEXT = msgspec.json.Decoder(str)


def column(column: Column, values: Sequence[object], now: int, zone: ZoneInfo | None = None) -> pa.Array:
    """JSON values as a column, converted as PostgreSQL's `json_to_recordset` does.

    A value is a `msgspec.Raw` of its JSON (best: numbers then stay as they were written), or what a JSON decoder makes of it,
    or text of a form or CSV. None and JSON null are null. Whether the column may be null is not looked at.
    Raises `Refusal` 22P02, 22P05, 22003, 22007 or 22008.
    """
    kinds = set(map(type, values))
    if kinds <= {type(None)}:
        return pa.nulls(len(values), column.type.arrow)
    if column.type is not Type.JSONB and kinds <= {str, type(None)}:
        return _of_texts(column.type, values, now, zone)
    tokens = values if kinds == {msgspec.Raw} else [_token(value) for value in values]
    if column.type is Type.JSONB:
        return _documents(tokens)
    joined = b",".join(tokens)  # type: ignore[arg-type]
    if column.type in _NUMBERS:
        strings = _numbers(joined, len(tokens))
        if strings is not None:
            return columns.parse(column.type, strings, now, zone)
    return _of_texts(column.type, _texts(joined, tokens), now, zone)


def _token(value: object) -> bytes:
    try:
        return bytes(value) if isinstance(value, msgspec.Raw) else msgspec.json.encode(value)
    except UnicodeEncodeError:
        raise bad_payload("Empty or invalid json") from None


def _of_texts(kind: Type, texts: Sequence[object], now: int, zone: ZoneInfo | None) -> pa.Array:
    try:
        strings = pa.array(texts, pa.string())
    except UnicodeEncodeError:
        raise bad_payload("Empty or invalid json") from None
    if b"\0" in columns.text_bytes(strings):
        raise sql(400, "22P05", "unsupported Unicode escape sequence", "\\u0000 cannot be converted to text.")
    return columns.parse(kind, strings, now, zone)


def _documents(tokens: Sequence[object]) -> pa.Array:
    """JSON as jsonb prints it; equal documents are read once."""
    known: dict[bytes, str | None] = {b"null": None}
    found: list[str | None] = []
    for token in tokens:
        raw = bytes(token)  # type: ignore[call-overload]
        if raw not in known:
            known[raw] = jsonb.normalise(raw)
        found.append(known[raw])
    return pa.array(found, pa.string())


def _numbers(joined: bytes, rows: int) -> pa.StringArray | None:
    """The texts of numbers and nulls, where the tokens are nothing else."""
    if any(mark in joined for mark in _NO_NUMBERS):
        return None
    commas = np.flatnonzero(np.frombuffer(joined, np.uint8) == ord(","))
    data = joined.replace(b",", b"")
    offsets = np.empty(rows + 1, np.int32)
    offsets[0], offsets[-1] = 0, len(data)
    offsets[1:-1] = commas - np.arange(rows - 1)
    strings = pa.StringArray.from_buffers(rows, pa.py_buffer(offsets), pa.py_buffer(data))
    if b"n" not in data:
        return strings
    null = np.frombuffer(data, np.uint8)[offsets[:-1]] == ord("n")
    bits = pa.py_buffer(np.packbits(~null, bitorder="little"))
    return pa.StringArray.from_buffers(rows, pa.py_buffer(offsets), pa.py_buffer(data), bits)


def _texts(joined: bytes, tokens: Sequence[object]) -> list[str | None]:
    """What PostgreSQL's input functions get: a string's characters, the JSON of anything else as it was written."""
    try:
        return _TEXTS.decode(b"[" + joined + b"]")
    except (msgspec.ValidationError, msgspec.DecodeError, UnicodeDecodeError):
        pass
    try:
        return [_one(bytes(token)) for token in tokens]  # type: ignore[call-overload]
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise bad_payload("Empty or invalid json") from None


def _one(token: bytes) -> str | None:
    if token[:1] == b'"':
        return _TEXT.decode(token)
    return None if token == b"null" else token.decode()
