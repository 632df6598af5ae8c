"""The values of a request body as columns."""

from __future__ import annotations

from collections.abc import Sequence
from zoneinfo import ZoneInfo

import pyarrow as pa

from wattline.contracts.flux.catalog import Column


def column(column: Column, values: Sequence[object], now: int, zone: ZoneInfo | None = None) -> pa.Array:
    """JSON values as a column, converted as PostgreSQL's `json_to_recordset` does.

    A value is a `msgspec.Raw` of its JSON (best: numbers then stay as they were written), or what a JSON decoder makes of it,
    or text of a form or CSV. None and JSON null are null. Whether the column may be null is not looked at.
    Raises `Refusal` 22P02, 22P05, 22003, 22007 or 22008.
    """
    raise NotImplementedError
