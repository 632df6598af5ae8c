"""CSV as bytes: cells that no spreadsheet takes for a formula, and columns of numbers in plain decimals."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from wattline.metering.export.csv_text import MEDIA, Dialect, cell, digits, numbers, plain, together
from wattline.model.clock import DAY, SECOND

__all__ = ["EXCEL", "MEDIA", "PLAIN", "Dialect", "cell", "line", "numbers", "plain", "table"]

_MILLISECOND = SECOND // 1000
_MILLISECONDS_A_DAY = DAY // _MILLISECOND
_STAMP = len("2026-06-11T14:32:00.000Z\n")

PLAIN = Dialect(",", ".", b"")
EXCEL = Dialect(";", ",", b"\xef\xbb\xbf")
"""What a German spreadsheet opens as a table, umlauts and numbers included."""


def line(cells: Sequence[str | Decimal | int | None], dialect: Dialect = PLAIN) -> bytes:
    """A line: None is empty, numbers are plain decimals."""
    return (dialect.separator.join(_shown(each, dialect) for each in cells) + "\n").encode("utf-8", "replace")


def _shown(value: str | Decimal | int | None, dialect: Dialect) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return cell(value, dialect)
    return plain(value).replace(".", dialect.point)


def table(columns: Sequence[NDArray[np.float64]], times: NDArray[np.int64], dialect: Dialect = PLAIN) -> bytes:
    """Lines of numbers, each with its time (us) as the last cell."""
    cells = pc.binary_join_element_wise(
        *(numbers(column) for column in columns), dialect.separator, null_handling="replace", null_replacement=""
    )
    if dialect.point != ".":
        text = np.frombuffer(together(cells), np.uint8).copy()
        text[text == ord(".")] = ord(dialect.point)
        cells = pa.StringArray.from_buffers(len(cells), cells.buffers()[1], pa.py_buffer(text))
    return together(pc.binary_join_element_wise(cells, _stamps(times), dialect.separator))


def _stamps(times: NDArray[np.int64]) -> pa.StringArray:
    """`2026-06-11T14:32:00.000Z` and the end of a line for each time."""
    day, rest = np.divmod(times // _MILLISECOND, _MILLISECONDS_A_DAY)
    days, place = np.unique(day, return_inverse=True)
    second, milli = np.divmod(rest.astype(np.int32), 1000)
    minute, second = np.divmod(second, 60)
    hour, minute = np.divmod(minute, 60)
    text = np.empty((len(times), _STAMP), np.uint8)
    text[:, :10] = np.datetime_as_string(days.astype("datetime64[D]")).astype("S10").view(np.uint8).reshape(-1, 10)[place]
    two, three = digits(2), digits(3)
    for at, mark in ((10, "T"), (13, ":"), (16, ":"), (19, "."), (23, "Z"), (24, "\n")):
        text[:, at] = ord(mark)
    text[:, 11:13], text[:, 14:16], text[:, 17:19], text[:, 20:23] = two[hour], two[minute], two[second], three[milli]
    offsets = np.arange(0, _STAMP * len(times) + 1, _STAMP, dtype=np.int32)
    return pa.StringArray.from_buffers(len(times), pa.py_buffer(offsets), pa.py_buffer(text.reshape(-1)))
