"""Columns of times in the common ISO forms, read as tables of digits."""

from __future__ import annotations

import re
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from wattline.contracts.flux.values import zones

SECOND = 1_000_000
_FORM = re.compile(
    rb"(?P<year>\d{4})-(?P<month>\d\d)-(?P<day>\d\d)(?:[Tt ](?P<hour>\d\d):(?P<minute>\d\d)(?::(?P<second>\d\d)"
    rb"(?:\.(?P<fraction>\d{1,9}))?)?(?P<zone>[Zz]|(?P<sign>[+-])(?P<east>\d\d)(?::?(?P<quarter>\d\d))?)?)?"
)
_MOST_FORMS = 16
_Numbers = npt.NDArray[np.int64]


def plain_times(strings: pa.StringArray, zone: ZoneInfo | None) -> pa.Array | None:
    """The times (us) where every text has one of a few common forms and is a time; None otherwise."""
    given = strings.drop_null() if strings.null_count else strings
    offsets = np.frombuffer(given.buffers()[1], np.int32)[given.offset : given.offset + len(given) + 1]
    data = np.frombuffer(given.buffers()[2], np.uint8)
    lengths = np.diff(offsets)
    found = np.empty(len(given), np.int64)
    for width in np.unique(lengths):
        rows = np.flatnonzero(lengths == width)
        matrix = data[offsets[rows][:, None] + np.arange(width)]
        if not _read(matrix, rows, found, zone):
            return None
    if not strings.null_count:
        return pa.array(found)
    whole = np.zeros(len(strings), np.int64)
    present = strings.is_valid().to_numpy(zero_copy_only=False)
    whole[present] = found
    return pa.array(whole, mask=~present)


def _read(matrix: npt.NDArray[np.uint8], rows: _Numbers, found: _Numbers, zone: ZoneInfo | None) -> bool:
    """Read texts of one width, form by form: the first text says where its digits are, and what has them there goes along."""
    for _ in range(_MOST_FORMS):
        form = _FORM.fullmatch(matrix[0].tobytes())
        if form is None:
            return False
        digits = (matrix[0] >= ord("0")) & (matrix[0] <= ord("9"))
        figures = matrix - ord("0")
        same = np.where(digits, figures <= 9, matrix == matrix[0]).all(axis=1)
        times = _times(form, figures[same].astype(np.int64), zone)
        if times is None:
            return False
        found[rows[same]] = times
        if same.all():
            return True
        matrix, rows = matrix[~same], rows[~same]
    return False


def _times(form: re.Match[bytes], figures: _Numbers, zone: ZoneInfo | None) -> _Numbers | None:
    def number(name: str) -> _Numbers:
        start, end = form.span(name)
        if start < 0:
            return np.zeros(len(figures), np.int64)
        weights: _Numbers = 10 ** np.arange(end - start - 1, -1, -1, dtype=np.int64)
        return figures[:, start:end] @ weights

    year, month, day = number("year"), number("month"), number("day")
    hour, minute, second = number("hour"), number("minute"), number("second")
    east, quarter = number("east"), number("quarter")
    wrong = (year < 1) | (month < 1) | (month > 12) | (day < 1) | (hour > 23) | (minute > 59) | (second > 59)
    if (wrong | (east > 15) | (quarter > 59)).any():
        return None
    months = (year - 1970) * 12 + month - 1
    first = months.astype("M8[M]").astype("M8[D]").astype(np.int64)
    after = (months + 1).astype("M8[M]").astype("M8[D]").astype(np.int64)
    if (first + day > after).any():
        return None
    local = (((first + day - 1) * 24 + hour) * 60 + minute) * 60 + second
    us = local * SECOND + _fraction(form, number("fraction"))
    if form["zone"] is None and zone is not None:
        return _of_zone(us, zone)
    return us - (east * 60 + quarter) * 60 * SECOND * (-1 if form["sign"] == b"-" else 1)


def _fraction(form: re.Match[bytes], digits: _Numbers) -> _Numbers:
    """Microseconds; PostgreSQL rounds the binary value of the fraction, halves to even."""
    if form["fraction"] is None:
        return digits
    return np.rint(digits / 10.0 ** len(form["fraction"]) * SECOND).astype(np.int64)


def _of_zone(local: _Numbers, zone: ZoneInfo) -> _Numbers:
    times, place = np.unique(local, return_inverse=True)
    return np.array([zones.to_utc(int(time), zone) for time in times], np.int64)[place]
