"""CSV as bytes: cells that no spreadsheet takes for a formula, columns of numbers in plain decimals, columns of times."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from wattline.billing.tariffs.rates import offsets
from wattline.model.clock import DAY, SECOND

MEDIA = "text/csv"
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
_PLAIN_FROM, _PLAIN_TO = 1e-5, 1e10
"""Between these every number is written without an exponent as it is; beyond them that takes one more step."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a file is written. `mark` is what it begins with, `end` what ends a line."""

    separator: str
    point: str
    mark: bytes
    end: str = "\n"


RFC_4180 = Dialect(",", ".", b"", "\r\n")
MARKED = Dialect(",", ".", b"\xef\xbb\xbf", "\r\n")
"""The same with a byte order mark, by which spreadsheets know UTF-8."""


def cell(value: str, dialect: Dialect = RFC_4180) -> str:
    """A text, safe to open, quoted where RFC 4180 asks for it."""
    safe = f"'{value}" if value.startswith(_FORMULA) else value
    if any(each in safe for each in (dialect.separator, '"', "\n", "\r")):
        return '"' + safe.replace('"', '""') + '"'
    return safe


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


def together(texts: pa.StringArray) -> bytes:
    """All the texts, one after the other."""
    offset = np.frombuffer(texts.buffers()[1], np.int32)
    held: bytes = texts.buffers()[2].slice(0, int(offset[len(texts)])).to_pybytes() if len(texts) else b""
    return held


def digits(count: int) -> NDArray[np.uint8]:
    """The digits of every number of `count` digits, from zero."""
    place = 10 ** np.arange(count - 1, -1, -1)
    found: NDArray[np.uint8] = (np.arange(10**count)[:, None] // place % 10 + ord("0")).astype(np.uint8)
    return found


def lines(columns: Sequence[pa.StringArray], dialect: Dialect = RFC_4180) -> bytes:
    """Lines of columns of equal length; null is an empty cell."""
    *others, last = columns
    ended = pc.binary_join_element_wise(last, "", dialect.end, null_handling="replace", null_replacement="")
    joined = pc.binary_join_element_wise(*others, ended, dialect.separator, null_handling="replace", null_replacement="")
    return together(joined)


def repeated(text: str, count: int, dialect: Dialect = RFC_4180) -> pa.StringArray:
    """A column that has the same text everywhere."""
    return pa.array([cell(text, dialect)], pa.string()).take(pa.array(np.zeros(count, np.int64)))


def stamps(times: NDArray[np.int64], zone: ZoneInfo | None, *, fraction: bool) -> pa.StringArray:
    """Times (us) by the clocks of a zone with their offset, `2026-06-11T16:32:00+02:00`; without a zone in UTC, with a Z.

    With `fraction` they have six more digits.
    """
    if zone is None:
        return _stamped(times, "Z", fraction=fraction)
    ahead = offsets(zone, times)
    kinds = np.unique(ahead)
    if len(kinds) == 1:
        return _stamped(times + ahead, _offset(int(kinds[0])), fraction=fraction)
    parts = [_stamped((times + ahead)[ahead == kind], _offset(int(kind)), fraction=fraction) for kind in kinds]
    order = np.argsort(np.concatenate([np.flatnonzero(ahead == kind) for kind in kinds]), kind="stable")
    return pa.concat_arrays(parts).take(pa.array(order))


def _offset(ahead: int) -> str:
    minutes = abs(ahead) // (60 * SECOND)
    return f"{'-' if ahead < 0 else '+'}{minutes // 60:02d}:{minutes % 60:02d}"


def _stamped(times: NDArray[np.int64], tail: str, *, fraction: bool) -> pa.StringArray:
    day, rest = np.divmod(times, DAY)
    days, place = np.unique(day, return_inverse=True)
    second, micro = np.divmod(rest, SECOND)
    minute, second = np.divmod(second, 60)
    hour, minute = np.divmod(minute, 60)
    width = 19 + 7 * fraction + len(tail)
    text = np.empty((len(times), width), np.uint8)
    text[:, :10] = np.datetime_as_string(days.astype("datetime64[D]")).astype("S10").view(np.uint8).reshape(-1, 10)[place]
    two, three = digits(2), digits(3)
    for at, mark in ((10, "T"), (13, ":"), (16, ":")):
        text[:, at] = ord(mark)
    text[:, 11:13], text[:, 14:16], text[:, 17:19] = two[hour], two[minute], two[second]
    if fraction:
        text[:, 19] = ord(".")
        text[:, 20:23], text[:, 23:26] = three[micro // 1000], three[micro % 1000]
    text[:, width - len(tail) :] = np.frombuffer(tail.encode(), np.uint8)
    held = np.arange(0, width * len(times) + 1, width, dtype=np.int32)
    return pa.StringArray.from_buffers(len(times), pa.py_buffer(held), pa.py_buffer(text.reshape(-1)))
