"""CSV as bytes: cells that no spreadsheet takes for a formula, and columns of numbers in plain decimals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from wattline.model.clock import DAY, SECOND

MEDIA = "text/csv"
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
_MILLISECOND = SECOND // 1000
_MILLISECONDS_A_DAY = DAY // _MILLISECOND
_STAMP = len("2026-06-11T14:32:00.000Z\n")
_PLAIN_FROM, _PLAIN_TO = 1e-5, 1e10
"""Between these every number is written without an exponent as it is; beyond them that takes one more step."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a file is written. `mark` is what it begins with."""

    separator: str
    point: str
    mark: bytes


PLAIN = Dialect(",", ".", b"")
EXCEL = Dialect(";", ",", b"\xef\xbb\xbf")
"""What a German spreadsheet opens as a table, umlauts and numbers included."""


def cell(value: str, dialect: Dialect = PLAIN) -> str:
    """A text, safe to open, quoted where RFC 4180 asks for it."""
    safe = f"'{value}" if value.startswith(_FORMULA) else value
    if any(each in safe for each in (dialect.separator, '"', "\n", "\r")):
        return '"' + safe.replace('"', '""') + '"'
    return safe


def line(cells: Sequence[str | Decimal | int | None], dialect: Dialect = PLAIN) -> bytes:
    """A line: None is empty, numbers are plain decimals."""
    return (dialect.separator.join(_shown(each, dialect) for each in cells) + "\n").encode("utf-8", "replace")


def _shown(value: str | Decimal | int | None, dialect: Dialect) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return cell(value, dialect)
    return plain(value).replace(".", dialect.point)


def plain(value: Decimal | int) -> str:
    """A number in its shortest decimal form, never with an exponent."""
    text = f"{value:f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text in ("-0", "") else text


def numbers(values: NDArray[np.float64]) -> pa.StringArray:
    """Each number in its shortest exact decimal form; null for what is no number."""
    # Adding zero turns minus zero into zero.
    found = pa.array(values + 0.0, mask=~np.isfinite(values)).cast(pa.string())
    size = np.abs(values)
    strange = np.isfinite(values) & (size != 0) & ((size < _PLAIN_FROM) | (size >= _PLAIN_TO))
    if strange.any():
        kinds, place = np.unique(values[strange], return_inverse=True)
        texts = pa.array([plain(Decimal(repr(kind))) for kind in kinds.tolist()], pa.string())
        found = pc.replace_with_mask(found, pa.array(strange), texts.take(pa.array(place)))
    return found


def table(columns: Sequence[NDArray[np.float64]], times: NDArray[np.int64], dialect: Dialect = PLAIN) -> bytes:
    """Lines of numbers, each with its time (us) as the last cell."""
    cells = pc.binary_join_element_wise(
        *(numbers(column) for column in columns), dialect.separator, null_handling="replace", null_replacement=""
    )
    if dialect.point != ".":
        text = np.frombuffer(_bytes(cells), np.uint8).copy()
        text[text == ord(".")] = ord(dialect.point)
        cells = pa.StringArray.from_buffers(len(cells), cells.buffers()[1], pa.py_buffer(text))
    return _bytes(pc.binary_join_element_wise(cells, _stamps(times), dialect.separator))


def _bytes(texts: pa.StringArray) -> bytes:
    """All the texts, one after the other."""
    offsets = np.frombuffer(texts.buffers()[1], np.int32)
    held: bytes = texts.buffers()[2].slice(0, int(offsets[len(texts)])).to_pybytes() if len(texts) else b""
    return held


def _stamps(times: NDArray[np.int64]) -> pa.StringArray:
    """`2026-06-11T14:32:00.000Z` and the end of a line for each time."""
    day, rest = np.divmod(times // _MILLISECOND, _MILLISECONDS_A_DAY)
    days, place = np.unique(day, return_inverse=True)
    second, milli = np.divmod(rest.astype(np.int32), 1000)
    minute, second = np.divmod(second, 60)
    hour, minute = np.divmod(minute, 60)
    text = np.empty((len(times), _STAMP), np.uint8)
    text[:, :10] = np.datetime_as_string(days.astype("datetime64[D]")).astype("S10").view(np.uint8).reshape(-1, 10)[place]
    two, three = _digits(2), _digits(3)
    for at, mark in ((10, "T"), (13, ":"), (16, ":"), (19, "."), (23, "Z"), (24, "\n")):
        text[:, at] = ord(mark)
    text[:, 11:13], text[:, 14:16], text[:, 17:19], text[:, 20:23] = two[hour], two[minute], two[second], three[milli]
    offsets = np.arange(0, _STAMP * len(times) + 1, _STAMP, dtype=np.int32)
    return pa.StringArray.from_buffers(len(times), pa.py_buffer(offsets), pa.py_buffer(text.reshape(-1)))


def _digits(count: int) -> NDArray[np.uint8]:
    """The digits of every number of `count` digits, from zero."""
    place = 10 ** np.arange(count - 1, -1, -1)
    found: NDArray[np.uint8] = (np.arange(10**count)[:, None] // place % 10 + ord("0")).astype(np.uint8)
    return found
