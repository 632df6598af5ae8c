"""Random UUIDs (RFC 9562, version 4), a whole column at a time."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pyarrow as pa

_HYPHENS = (8, 13, 18, 23)
_DIGITS = [place for place in range(36) if place not in _HYPHENS]


def random_uuids(count: int, random: Callable[[int], bytes]) -> pa.StringArray:
    """`count` of them in canonical text, from one call of `random`."""
    octets = np.frombuffer(random(16 * count), np.uint8).reshape(count, 16).copy()
    octets[:, 6] = octets[:, 6] & 0x0F | 0x40
    octets[:, 8] = octets[:, 8] & 0x3F | 0x80
    text = np.full((count, 36), ord("-"), np.uint8)
    text[:, _DIGITS] = np.frombuffer(octets.tobytes().hex().encode(), np.uint8).reshape(count, 32)
    offsets = np.arange(count + 1, dtype=np.int32) * np.int32(36)
    return pa.StringArray.from_buffers(count, pa.py_buffer(offsets), pa.py_buffer(text))
