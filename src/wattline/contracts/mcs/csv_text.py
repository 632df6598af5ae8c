"""Answers as CSV (RFC 4180), safe to open in a spreadsheet: no text begins with what it would take for a formula."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

from starlette.datastructures import Headers

MEDIA = "text/csv"
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def wanted(headers: Headers) -> bool:
    """Whether a request asks for CSV in the first place: it names it before JSON, or instead of it."""
    names = [each.split(";")[0].strip().lower() for each in headers.get("accept", "").split(",")]
    return next((name == MEDIA for name in names if name in (MEDIA, "application/json", "*/*")), False)


def _cell(value: object) -> object:
    if isinstance(value, str) and value.startswith(_FORMULA):
        return f"'{value}"
    return str(value).lower() if isinstance(value, bool) else value


def lines(rows: Iterable[Sequence[object]]) -> bytes:
    """Rows as lines."""
    text = io.StringIO()
    csv.writer(text).writerows([_cell(value) for value in row] for row in rows)
    return text.getvalue().encode()
