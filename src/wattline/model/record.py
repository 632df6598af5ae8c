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
