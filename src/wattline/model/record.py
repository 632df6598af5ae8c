"""A row: what a device sent at one instant, on its way from the door to the store."""

from __future__ import annotations

from enum import IntEnum

import msgspec

NEVER = -(2**63)
"""Before every time: a stream that has no row."""
UNKNOWN = 2**63 - 1
"""After every time: a stream whose newest row is not known yet, so that every row counts as late."""


class Quality(IntEnum):
    """OPC-style quality of a reading."""

    GOOD = 0
    UNCERTAIN = 1
    BAD = 2
    VOID = 3
    """Taken back by whoever sent it: there is no such reading any more. Never shown to anybody."""


class Fate(IntEnum):
    """What became of a table's row after it was inserted."""

    NONE = 0
    REMOVED = 1
    EDITED = 2


class Mark(msgspec.Struct, array_like=True, gc=False, frozen=True):
    """What a row has beside its readings where it is a table's: its id (a UUID's 16 bytes) and when it was made (us).

    `fate` says whether the row takes another of the same time back, or changes it.
    """

    id: bytes
    created: int
    fate: int = Fate.NONE


class Row(msgspec.Struct, array_like=True, gc=False):
    """One measurement row of a stream; this is also its form in the journal.

    `values` has one entry per column of the stream's layout, None where the device sent nothing.
    `quality` holds for every value, or is a tuple with one entry per column.
    `late` marks a row that was not newer than its stream when admitted: the writer compares it with what is stored.
    """

    stream: int
    time: int
    received: int
    values: tuple[float | None, ...]
    quality: int | tuple[int, ...] = 0
    status: str | None = None
    late: bool = False
    mark: Mark | None = None


def shown(row: Row) -> Row | None:
    """A committed row as a listener may see it: without readings that were taken back, None where the whole row was."""
    if row.mark is None:
        return row
    if row.mark.fate == Fate.REMOVED:
        return None
    if isinstance(row.quality, int) or Quality.VOID not in row.quality:
        return row
    pairs = [(None, 0) if each == Quality.VOID else (value, each) for value, each in zip(row.values, row.quality, strict=True)]
    values, quality = zip(*pairs, strict=True)
    return Row(row.stream, row.time, row.received, values, quality, row.status, row.late, row.mark)


def all_shown(rows: list[Row]) -> list[Row]:
    """`shown` of every row, without those that were taken back; the same list where nothing was."""
    if all(row.mark is None for row in rows):
        return rows
    return [found for row in rows if (found := shown(row)) is not None]
