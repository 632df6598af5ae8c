"""`column::type` in a select."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pyarrow as pa

from wattline.contracts.flux.values.scalar import Kind


def cast(array: pa.Array, kind: Kind, target: str, now: int, zone: ZoneInfo | None = None) -> tuple[pa.Array, Kind]:
    """A column cast to a type by its SQL name, and the type.

    Raises `Refusal` 42704 for an unknown type, 42846 where there is no such cast, 22P02, 22003, 22007, 22008 for a value.
    """
    raise NotImplementedError
