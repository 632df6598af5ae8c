"""Changes as clients are told them: one JSON document for each row."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import msgspec
import pyarrow as pa

from wattline.contracts.flux.catalog import RelationType
from wattline.contracts.flux.realtime.bindings import Kind, Shape, identity
from wattline.contracts.flux.realtime.limits import MEBIBYTE
from wattline.contracts.flux.relation import Relation, TableChange
from wattline.contracts.flux.values.encode import Output, json_rows
from wattline.model.clock import from_micros

CHUNK = 256
"""Rows that are matched and encoded at a time."""
LONG_FIELD = 64
"""Bytes of a value that a record which is too large still has."""
TOO_LARGE = "Error 413: Payload Too Large"

_encode = msgspec.json.encode


class Part(NamedTuple):
    """Rows of one commit to which the same happened. `seen` is what filters look at, `record` and `old` what is shown."""

    kind: Kind
    seen: pa.Table
    record: pa.Table | None
    old: pa.Table | None


def split(relation: Relation, change: TableChange) -> Iterator[Part]:
    """A commit in parts of bounded size: rows that went, rows that changed, rows that came.

    Of a row that is gone only the columns of its identity are known; the others are null to a filter.
    """
    edit, names = change.edit, list(identity(relation))
    if edit.deleted is not None:
        for some in _chunks(edit.deleted):
            yield Part("DELETE", _only(relation.type, some, names), None, some.select(names))
    if edit.new is not None and edit.old is not None:
        for some, old in zip(_chunks(edit.new), _chunks(edit.old), strict=True):
            yield Part("UPDATE", some, some, old.select(names))
    if edit.inserted is not None:
        for some in _chunks(edit.inserted):
            yield Part("INSERT", some, some, None)


def _chunks(rows: pa.Table) -> Iterator[pa.Table]:
    for start in range(0, rows.num_rows, CHUNK):
        yield rows.slice(start, CHUNK)


def _only(kind: RelationType, rows: pa.Table, names: list[str]) -> pa.Table:
    count = rows.num_rows
    columns = [rows.column(field.name) if field.name in names else pa.nulls(count, field.type) for field in kind.schema]
    return pa.table(columns, schema=kind.schema)


def documents(kind: RelationType, change: TableChange, part: Part, rows: list[int], shape: Shape) -> list[bytes]:
    """What is told of the chosen rows of a part, to those who asked in this shape: a document without its end (`ending`)."""
    columns = [column for column in kind.columns if shape.columns is None or column.name in shape.columns]
    told = {
        "schema": shape.schema,
        "table": kind.name,
        "commit_timestamp": commit_timestamp(change.position),
        "type": part.kind,
        "columns": [{"name": column.name, "type": column.type.value} for column in columns],
    }
    head = _encode(told)[:-1]
    old = None if part.old is None else _objects(kind, _taken(part.old, rows))
    if part.record is None:
        records: list[bytes] | None = None
    else:
        records = _objects(kind, _taken(part.record.select([column.name for column in columns]), rows))
    found = []
    for at in range(len(rows)):
        errors, shown = b"null", b""
        if records is not None:
            record = records[at]
            if len(record) > MEBIBYTE:
                errors, record = _encode([TOO_LARGE]), _shortened(record)
            shown += b',"record":' + record
        if old is not None:
            shown += b',"old_record":' + old[at]
        found.append(b'%b,"errors":%b%b' % (head, errors, shown))
    return found


def ending(position: int) -> bytes:
    """The end of a document: the position to come back with by whoever has had this row."""
    return b',"position":%d}' % position


def commit_timestamp(position: int) -> str:
    """The time of a commit, with milliseconds."""
    return from_micros(position).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _taken(rows: pa.Table, positions: list[int]) -> pa.Table:
    return rows if len(positions) == rows.num_rows else rows.take(positions)


def _objects(kind: RelationType, rows: pa.Table) -> list[bytes]:
    outputs = [Output(name, kind.by_name[name].type) for name in rows.column_names]
    return [text.encode() for text in json_rows(rows, outputs).to_pylist()]


def _shortened(record: bytes) -> bytes:
    fields = msgspec.json.decode(record, type=dict[str, msgspec.Raw])
    return _encode({name: value for name, value in fields.items() if len(bytes(value)) <= LONG_FIELD})
