"""Lists in pages: `{"count", "next", "previous", "results"}`, `limit` and an opaque `cursor`.

A cursor says after or before which position a page lies, not how many rows were passed: what is made or removed meanwhile moves
no row to a page twice.
"""

from __future__ import annotations

import base64
import binascii
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from typing import Annotated, Any, NamedTuple, TypeVar
from urllib.parse import quote, urlencode

import msgspec
from fastapi import Query, Request

from wattline.contracts.joulepoint.problem import bad_parameter

USUAL, MOST = 50, 500
LONGEST_CURSOR = 400
LARGEST = 2**63 - 1
BEGINNING, END = (-LARGEST,), (LARGEST,)
Row = TypeVar("Row")

Limit = Annotated[int, Query(ge=1, le=MOST, description="Rows of a page.")]
CursorText = Annotated[str | None, Query(max_length=LONGEST_CURSOR, description="Which page: from `next` or `previous`.")]


_LINK = {"type": ["string", "null"], "format": "uri"}
SCHEMA = {
    "type": "object",
    "required": ["count", "next", "previous", "results"],
    "properties": {
        "count": {"type": ["integer", "null"]},
        "next": _LINK,
        "previous": _LINK,
        "results": {"type": "array", "items": {"type": "object"}},
    },
}
"""The JSON Schema of a page."""


class Cursor(NamedTuple):
    """A page lies after this position in the list's order, or before it. A position is one or more whole numbers."""

    position: tuple[int, ...]
    backward: bool = False

    def text(self) -> str:
        """The cursor as callers get it."""
        return base64.urlsafe_b64encode(msgspec.json.encode([self.backward, *self.position])).decode().rstrip("=")


class Asked(NamedTuple):
    """Which page a caller asks for; without a cursor the first."""

    limit: int
    cursor: Cursor | None

    def position(self, size: int) -> tuple[int, ...] | None:
        """The cursor's position, which must have as many numbers. Raises `Problem` 400."""
        if self.cursor is not None and len(self.cursor.position) != size:
            raise bad_cursor()
        return None if self.cursor is None else self.cursor.position


def bad_cursor() -> Exception:
    """400: a cursor that no answer of this list gave."""
    return bad_parameter("cursor", "bad_cursor", "this is no cursor of this list")


def read(text: str) -> Cursor:
    """The cursor of a text. Raises `Problem` 400."""
    try:
        padded = text.encode("ascii") + b"=" * (-len(text) % 4)
        held = msgspec.json.decode(base64.b64decode(padded, b"-_", validate=True), type=list[bool | int])
    except (UnicodeEncodeError, binascii.Error, msgspec.DecodeError, RecursionError):
        raise bad_cursor() from None
    if len(held) < 2 or type(held[0]) is not bool:
        raise bad_cursor()
    position = tuple(held[1:])
    if any(type(each) is not int or abs(each) > LARGEST for each in position):
        raise bad_cursor()
    return Cursor(position, held[0])


async def asked(limit: Limit = USUAL, cursor: CursorText = None) -> Asked:
    """A dependency: the page that the query asks for."""
    return Asked(limit, None if cursor is None else read(cursor))


def envelope(
    request: Request, count: int | None, results: Sequence[Any], after: Cursor | None, before: Cursor | None
) -> dict[str, Any]:
    """The list's document; `count` None where counting would cost more than the page. `after` and `before` are the cursors of
    the next and the previous page."""
    return {"count": count, "next": link(request, after), "previous": link(request, before), "results": results}


def page(
    request: Request,
    rows: Sequence[Row],
    number: Callable[[Row], int | tuple[int, ...]],
    page: Asked,
    shown: Callable[[Row], Any],
    width: int = 1,
) -> dict[str, Any]:
    """The document of a page of rows that are in memory, ascending by `number`, which has `width` parts and no two share."""

    def position(row: Row) -> tuple[int, ...]:
        found = number(row)
        return found if isinstance(found, tuple) else (found,)

    size = len(rows)
    at = page.position(width)
    if page.cursor is None or at is None:
        start, end = 0, min(page.limit, size)
    elif page.cursor.backward:
        end = bisect_left(rows, at, key=position)
        start = max(0, end - page.limit)
    else:
        start = bisect_right(rows, at, key=position)
        end = min(start + page.limit, size)
    after = before = None
    if end < size:
        after = Cursor(position(rows[end - 1]) if end else BEGINNING * width)
    if start > 0:
        before = Cursor(position(rows[start]) if start < size else END * width, True)
    return envelope(request, size, [shown(row) for row in rows[start:end]], after, before)


def link(request: Request, cursor: Cursor | None) -> str | None:
    """The request's own address with another cursor."""
    if cursor is None:
        return None
    kept = [(name, value) for name, value in request.query_params.multi_items() if name != "cursor"]
    return address(request, [*kept, ("cursor", cursor.text())])


def address(request: Request, parameters: Sequence[tuple[str, str]] = (), path: str | None = None) -> str:
    """An absolute URL on the host that the caller named."""
    host = request.headers.get("host", "localhost")
    where = quote(path or request.scope["path"])
    asked = f"?{urlencode(parameters)}" if parameters else ""
    return f"{request.scope.get('scheme', 'http')}://{host}{where}{asked}"
