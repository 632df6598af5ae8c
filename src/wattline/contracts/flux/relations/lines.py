"""Rows of streams as tables in memory, and back."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from wattline.contracts.flux.catalog import RelationType, Type
from wattline.ingest.recent import NO_ID
from wattline.ingest.table_rows import Slice
from wattline.model.record import Fate, Mark, Quality, Row

DASHES = (8, 13, 18, 23)
HEX = np.frombuffer(b"0123456789abcdef", np.uint8)


def uuid_text(ids: NDArray[np.void]) -> pa.StringArray:
    """Sixteen bytes each as the canonical text of a uuid, all at once."""
    count = len(ids)
    raw = np.ascontiguousarray(ids).view(np.uint8).reshape(count, 16)
    digits = np.empty((count, 32), np.uint8)
    digits[:, 0::2], digits[:, 1::2] = HEX[raw >> 4], HEX[raw & 15]
    text = np.full((count, 36), ord("-"), np.uint8)
    text[:, [place for place in range(36) if place not in DASHES]] = digits
    offsets = np.arange(0, 36 * (count + 1), 36, dtype=np.int32)
    return pa.StringArray.from_buffers(count, pa.py_buffer(offsets), pa.py_buffer(text.tobytes()))


def uuid_bytes(text: str) -> bytes:
    """A canonical uuid as its 16 bytes."""
    return bytes.fromhex(text.replace("-", ""))


def _named(rows: Slice, device_ids: Sequence[str]) -> NDArray[np.void]:
    """The ids of rows; one that was sent to no table has one made of its device and time, the same at every look."""
    ids = rows.lines.id.copy()
    for at in np.flatnonzero(ids == np.void(NO_ID)).tolist():
        name = f"{device_ids[int(rows.rank[at])]} {int(rows.lines.time[at])}".encode()
        made = bytearray(hashlib.blake2b(name, digest_size=16).digest())
        # Version 8, variant 1: RFC 9562's form for ids of one's own making.
        made[6], made[8] = made[6] & 15 | 128, made[8] & 63 | 128
        ids[at] = np.void(bytes(made))
    return ids


def table(
    relation: RelationType, names: Sequence[str], measures: Sequence[str], rows: Slice, device_ids: Sequence[str]
) -> pa.Table:
    """The named columns of rows; `measures` are those that the rows have values of, in their order."""
    found: list[pa.Array] = []
    for name in names:
        column = relation.by_name[name]
        if name == "time":
            found.append(pa.array(rows.lines.time))
        elif name == "created_at":
            found.append(pa.array(rows.lines.created))
        elif name == "device_id":
            found.append(pa.array(list(device_ids), pa.string()).take(pa.array(rows.rank)))
        elif name == "id":
            found.append(uuid_text(_named(rows, device_ids)))
        else:
            found.append(_measure(column.type, rows, measures.index(name)))
    return pa.table(found, names=list(names))


def _measure(kind: Type, rows: Slice, at: int) -> pa.Array:
    values, quality = rows.lines.values[:, at], rows.lines.quality[:, at]
    # A BAD reading has no value; one that is no number was sent so, and is shown.
    absent = (quality >= Quality.BAD) & ~((quality == Quality.BAD) & ~np.isfinite(values))
    if kind is Type.FLOAT4:
        with np.errstate(over="ignore"):
            return pa.array(values.astype(np.float32), mask=absent)
    whole = np.where(absent | ~np.isfinite(values), 0, np.rint(values))
    limits = np.iinfo(kind.arrow.to_pandas_dtype())
    absent |= (whole < limits.min) | (whole > limits.max)
    return pa.array(np.where(absent, 0, whole).astype(limits.dtype), mask=absent)


def _numbers(column: pa.ChunkedArray) -> list[float | None]:
    """A column's values as Python has them."""
    values = column.to_numpy().astype(np.float64) if not column.null_count else None
    if values is not None:
        found: list[float | None] = values.tolist()
        return found
    if column.null_count == len(column):
        return [None] * len(column)
    plain = column.cast(pa.float64()).to_pylist()
    return list(plain)


def rows_of(
    made: pa.Table, measures: Sequence[str], streams: Sequence[int], received: int, before: pa.Table | None = None
) -> list[Row]:
    """The rows that a table says; with `before`, the same rows as they were, whose values that are gone are taken back."""
    columns = [_numbers(made.column(name)) for name in measures]
    times = made.column("time").to_pylist()
    ids = [uuid_bytes(text) for text in made.column("id").to_pylist()]
    created = made.column("created_at").to_pylist()
    odd = [at for at, column in enumerate(columns) if _is_odd(made.column(measures[at]))]
    gone = [] if before is None else [_gone(before.column(name), made.column(name)) for name in measures]
    found = []
    for at, values in enumerate(zip(*columns, strict=True)):
        row = Row(
            streams[at],
            times[at],
            received,
            values,
            mark=Mark(ids[at], created[at], Fate.NONE if before is None else Fate.EDITED),
        )
        if odd or gone:
            _qualify(row, odd, [place for place, column in enumerate(gone) if column[at]])
        found.append(row)
    return found


def _is_odd(column: pa.ChunkedArray) -> bool:
    """Whether it has a value that is no number."""
    if not pa.types.is_floating(column.type):
        return False
    values = column.to_numpy()
    return bool((~np.isfinite(values)).sum() > column.null_count)


def _gone(before: pa.ChunkedArray, after: pa.ChunkedArray) -> list[bool]:
    had, has = before.is_valid().to_pylist(), after.is_valid().to_pylist()
    return [old and not new for old, new in zip(had, has, strict=True)]


def _qualify(row: Row, odd: Sequence[int], gone: Sequence[int]) -> None:
    quality = [int(Quality.GOOD)] * len(row.values)
    values = list(row.values)
    for place in odd:
        value = values[place]
        if value is not None and not np.isfinite(value):
            quality[place] = int(Quality.BAD)
    for place in gone:
        values[place], quality[place] = 0.0, int(Quality.VOID)
    row.values, row.quality = tuple(values), tuple(quality)


def removals(gone: pa.Table, measures: Sequence[str], streams: Sequence[int], received: int) -> list[Row]:
    """Rows that take these back."""
    held = [gone.column(name).is_valid().to_pylist() for name in measures]
    ids, created = gone.column("id").to_pylist(), gone.column("created_at").to_pylist()
    found = []
    for at, time in enumerate(gone.column("time").to_pylist()):
        values = tuple(0.0 if column[at] else None for column in held)
        quality = tuple(int(Quality.VOID if column[at] else Quality.GOOD) for column in held)
        mark = Mark(uuid_bytes(ids[at]), created[at], Fate.REMOVED)
        found.append(Row(streams[at], time, received, values, quality, mark=mark))
    return found
