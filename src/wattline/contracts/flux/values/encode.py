"""Whole tables as JSON and CSV."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import pyarrow as pa

from wattline.contracts.flux.values.scalar import Kind


@dataclass(frozen=True, slots=True)
class Output:
    """A column of an answer: its key, and its type. `Scalar.JSON` is for what is JSON already, such as embedded rows."""

    name: str
    kind: Kind


def json_rows(
    table: pa.Table, outputs: Sequence[Output], zone: ZoneInfo | None = None, stripped: bool = False
) -> pa.ChunkedArray:
    """A JSON object for every row (strings). The table's columns go with `outputs` by position.

    `stripped` leaves out keys whose value is null, in nested objects too.
    """
    raise NotImplementedError


def json_array(
    table: pa.Table, outputs: Sequence[Output], zone: ZoneInfo | None = None, stripped: bool = False
) -> Iterator[bytes]:
    """A JSON array of the rows, in pieces of bounded size."""
    raise NotImplementedError


def csv(table: pa.Table, outputs: Sequence[Output], zone: ZoneInfo | None = None) -> Iterator[bytes]:
    """A header line and a line for every row, in pieces of bounded size; no newline at the end."""
    raise NotImplementedError
