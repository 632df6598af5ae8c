"""Columns as PostgreSQL prints them."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pyarrow as pa

from wattline.contracts.flux.values.scalar import Kind


def print_json(array: pa.Array, kind: Kind, zone: ZoneInfo | None = None) -> pa.StringArray:
    """The JSON token of each value, as `to_json` makes it; null stays null. `zone` (None: UTC) is that of times."""
    raise NotImplementedError


def print_text(array: pa.Array, kind: Kind, zone: ZoneInfo | None = None) -> pa.StringArray:
    """The text of each value, as a cast to text makes it (but `t` and `f` for booleans); null stays null."""
    raise NotImplementedError
