"""JSON bodies whose measures are plain numbers: most of what is ever sent, read in half the time that others take.

A number is taken by way of a double, so a body is left to the general reader wherever PostgreSQL, which reads the text, may
come to another float4 or refuse it.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from operator import attrgetter
from typing import Any, Final

import msgspec
import numpy as np
import pyarrow as pa

from wattline.contracts.flux.catalog import RelationType, Type

MISSING: Final = msgspec.UNSET
"""Stands where an object lacks a key."""
_ZEROS = b"0" * 64
_BEYOND_FLOAT4 = np.int64(2**29 - 1)
_HALFWAY = np.int64(2**28)
_SMALLEST = float(np.finfo(np.float32).smallest_normal)


def values(body: bytes, relation: RelationType, columns: tuple[str, ...] | None) -> tuple[int, dict[str, Any]] | None:
    """How many objects, and the values of their keys: measures as columns of float4, others as `msgspec.Raw`.

    None where the body is not of this kind, or something may be wrong with it.
    """
    names = tuple((column.name, column.type is Type.FLOAT4) for column in relation.columns)
    if _may_be_tiny(body) or not {name for name, _ in names}.issuperset(columns or ()):
        return None
    try:
        found = _decoder(names, columns is None).decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    objects = found if isinstance(found, list) else [found]
    if not objects:
        return None
    read: dict[str, Any] = {}
    for name, measure in names:
        given = list(map(attrgetter(name), objects))
        if columns is None and given[0] is MISSING:
            if given.count(MISSING) < len(given):
                return None
        elif columns is None or name in columns:
            read[name] = _float4(given) if measure else None if MISSING in given else given
            if read[name] is None:
                return None
    return len(objects), read


@lru_cache(maxsize=32)
def _decoder(names: tuple[tuple[str, bool], ...], only_these: bool) -> msgspec.json.Decoder[Any]:
    """Reads objects with these keys, `MISSING` where one is not there; others are refused or left out."""
    fields = [(name, float | None if measure else msgspec.Raw, MISSING) for name, measure in names]
    struct: Any = msgspec.defstruct("Object", fields, forbid_unknown_fields=only_these, gc=False)
    return msgspec.json.Decoder(list[struct] | struct)


def _may_be_tiny(body: bytes) -> bool:
    """Whether a number may be too near to 0 for a double: such a one has a negative exponent or very many zeros."""
    octets = np.frombuffer(body, np.uint8)
    minus = np.flatnonzero(octets == ord("-"))
    return bool(((octets[minus - 1] | 0x20) == ord("e")).any()) or _ZEROS in body


def _float4(given: Sequence[float | None]) -> pa.Array | None:
    """The column, unless a number is missing, halfway between two of float4, too great, or next to nothing."""
    try:
        doubles = pa.array(given, pa.float64())
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        return None
    validity, data = doubles.buffers()
    exact = np.frombuffer(data, np.float64)
    size = np.abs(exact)
    halfway = (exact.view(np.int64) & _BEYOND_FLOAT4) == _HALFWAY
    if halfway.any() or ((size < _SMALLEST) & (size > 0)).any():
        return None
    with np.errstate(over="ignore"):
        rounded = exact.astype(np.float32)
    if np.isinf(rounded).any():
        return None
    return pa.Array.from_buffers(pa.float32(), len(given), [validity, pa.py_buffer(rounded)])
