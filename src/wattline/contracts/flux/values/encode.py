"""Whole tables as JSON and CSV."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.compute as pc

from wattline.contracts.flux.catalog import Type
from wattline.contracts.flux.values import jsonb, records
from wattline.contracts.flux.values.columns import text_bytes
from wattline.contracts.flux.values.render import Printer, print_columns, print_json, print_text
from wattline.contracts.flux.values.scalar import Kind, Scalar

SLICE = 8192
"""Rows that are turned into text at a time."""
_DOCUMENTS = {Type.JSONB, Scalar.JSON}


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
    write = _stripped if stripped else _objects
    return pa.chunked_array([write(part, outputs, zone, "}") for part in _slices(table)], pa.string())


def json_array(
    table: pa.Table, outputs: Sequence[Output], zone: ZoneInfo | None = None, stripped: bool = False
) -> Iterator[bytes]:
    """A JSON array of the rows, in pieces of bounded size."""
    write = _stripped if stripped else _objects
    return _joined(b"[", table, lambda part: write(part, outputs, zone, "},"), b"]")


def csv(table: pa.Table, outputs: Sequence[Output], zone: ZoneInfo | None = None) -> Iterator[bytes]:
    """A header line and a line for every row, in pieces of bounded size; no newline at the end.

    Without rows there is one empty line: PostgreSQL knows the names by the first row.
    """
    header = ",".join(records.heading(output.name) for output in outputs).encode() + b"\n"
    return _joined(header if table.num_rows else b"\n", table, lambda part: _lines(part, outputs, zone), b"")


def _slices(table: pa.Table) -> Iterator[pa.Table]:
    """A bounded number of rows at a time."""
    rows = table.num_rows
    return (table.slice(start, min(SLICE, rows - start)) for start in range(0, rows, SLICE))


def _joined(first: bytes, table: pa.Table, write: Callable[[pa.Table], pa.StringArray], last: bytes) -> Iterator[bytes]:
    """The pieces, of which each ends with a separator; that of the last row is left out."""
    held = first
    for part in _slices(table):
        yield held
        held = text_bytes(write(part))
    yield (held[:-1] if table.num_rows else held) + last


def _printed(part: pa.Table, outputs: Sequence[Output], printer: Printer, zone: ZoneInfo | None) -> list[pa.StringArray]:
    arrays = [column.combine_chunks() for column in part.columns]
    return print_columns(arrays, [output.kind for output in outputs], printer, zone)


def _objects(part: pa.Table, outputs: Sequence[Output], zone: ZoneInfo | None, end: str) -> pa.StringArray:
    if not outputs:
        return pa.repeat("{" + end, part.num_rows)
    pieces: list[object] = []
    mark = "{"
    for tokens, output in zip(_printed(part, outputs, print_json, zone), outputs, strict=True):
        pieces += [f"{mark}{jsonb.string(output.name)}:", tokens]
        mark = ","
    return pc.binary_join_element_wise(*pieces, end, "", null_handling="replace", null_replacement="null")


def _stripped(part: pa.Table, outputs: Sequence[Output], zone: ZoneInfo | None, end: str) -> pa.StringArray:
    if not outputs:
        return pa.repeat("{" + end, part.num_rows)
    pairs = []
    for tokens, output in zip(_printed(part, outputs, print_json, zone), outputs, strict=True):
        kept = _strip(tokens) if output.kind in _DOCUMENTS else tokens
        pairs.append(pc.binary_join_element_wise(f"{jsonb.string(output.name)}:", kept, ""))
    # Arrow loses a row that is null throughout, so each begins with an empty text, whose comma is taken off again.
    inner = pc.binary_join_element_wise("", *pairs, ",", null_handling="skip")
    return pc.binary_join_element_wise("{", pc.ascii_ltrim(inner, ","), end, "")


def _strip(tokens: pa.StringArray) -> pa.StringArray:
    """Documents without their null members; a document that is null itself becomes a null."""
    coded = tokens.dictionary_encode()
    documents = [jsonb.strip(text) if "null" in text else text for text in coded.dictionary.to_pylist()]
    return pa.array([None if text == "null" else text for text in documents], pa.string()).take(coded.indices)


def _lines(part: pa.Table, outputs: Sequence[Output], zone: ZoneInfo | None) -> pa.StringArray:
    if not outputs:
        return pa.repeat("\n", part.num_rows)
    fields: list[object] = []
    for texts, output in zip(_printed(part, outputs, print_text, zone), outputs, strict=True):
        fields += [records.fields(texts, output.kind), ","]
    fields[-1:] = ["\n"]
    return pc.binary_join_element_wise(*fields, "", null_handling="replace", null_replacement="")
