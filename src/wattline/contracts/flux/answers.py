"""What goes back: statuses, headers and bodies, of rows, of writes and of failures."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import quote, unquote_to_bytes

from starlette.types import Send

from wattline.contracts.flux.errors import Refusal
from wattline.contracts.flux.read.answer import Rows, View
from wattline.contracts.flux.syntax.accept import Format
from wattline.contracts.flux.syntax.prefer import Preferences
from wattline.contracts.flux.values import encode
from wattline.contracts.flux.write.model import Written
from wattline.model.errors import Conflict, Invalid, NotFound, StorageFull, StoreLocked, Unavailable, WattlineError

JSON = "application/json; charset=utf-8"
MEDIA = {
    Format("array"): JSON,
    Format("array", nulls_stripped=True): "application/vnd.pgrst.array+json;nulls=stripped; charset=utf-8",
    Format("object"): "application/vnd.pgrst.object+json; charset=utf-8",
    Format("object", nulls_stripped=True): "application/vnd.pgrst.object+json;nulls=stripped; charset=utf-8",
    Format("csv"): "text/csv; charset=utf-8",
}
LARGE = 2_000
"""Rows from which on an answer is printed beside the event loop, not in it."""
PATIENCE_SECONDS = 30

# In order: the first that fits. A store that is away is told in PostgREST's words, the rest in the domain's.
TABLE: tuple[tuple[type[WattlineError], int, str, str], ...] = (
    (Unavailable, 503, "PGRST001", "Database client error. Retrying the connection."),
    (StorageFull, 503, "PGRST000", "Database connection error."),
    (StoreLocked, 503, "PGRST000", "Database connection error."),
    (Invalid, 400, "P0001", ""),
    (Conflict, 409, "P0001", ""),
    (NotFound, 404, "P0002", ""),
    (WattlineError, 403, "42501", ""),
)
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Answer:
    """A response. The body is in pieces; None is no body and no type of one."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Sequence[bytes] | None = None

    async def send(self, send: Send, *, head: bool) -> None:
        """Send it; of the answer to a HEAD only the headers."""
        size = sum(map(len, self.body or ()))
        headers = [(name.lower().encode("latin-1"), _plain(value)) for name, value in self.headers.items()]
        if not head and self.status != 204:
            headers.append((b"content-length", b"%d" % size))
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        pieces = [] if head or self.body is None else self.body
        for piece in pieces:
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body"})


def _plain(value: str) -> bytes:
    """A header's value; what no header can hold becomes a question mark."""
    return "".join(each if each >= " " else "?" for each in value).encode("latin-1", "replace")


async def encoded(rows: Rows, form: Format, view: View) -> list[bytes]:
    """The rows as a body. Raises `Refusal` PGRST116 where one object is asked for and there is not one row."""
    single(rows, form)
    if rows.table.num_rows < LARGE:
        return _encoded(rows, form, view)
    return await asyncio.to_thread(_encoded, rows, form, view)


def single(rows: Rows, form: Format) -> None:
    """Raise `Refusal` PGRST116 where one object is asked for and there is not one row."""
    if form.kind == "object" and rows.returned != 1:
        details = f"The result contains {rows.returned} rows"
        raise Refusal(406, "PGRST116", "Cannot coerce the result to a single JSON object", details)


def _encoded(rows: Rows, form: Format, view: View) -> list[bytes]:
    if form.kind == "csv":
        return list(encode.csv(rows.table, rows.outputs, view.zone))
    if form.kind == "object":
        return [encode.json_rows(rows.table, rows.outputs, view.zone, form.nulls_stripped)[0].as_py().encode()]
    return list(encode.json_array(rows.table, rows.outputs, view.zone, form.nulls_stripped))


def content_range(rows: Rows) -> str:
    """`first-last/total`: `*` for a total that was not asked for, and where there is no row."""
    total = "*" if rows.total is None else str(rows.total)
    return f"{rows.offset}-{rows.offset + rows.returned - 1}/{total}" if rows.returned else f"*/{total}"


def content_location(path: str, query: str) -> str:
    """The relation and its parameters, in order of their names and encoded in one way."""
    pairs = sorted(
        (_coded(name), _coded(value)) for name, _, value in (part.partition("=") for part in query.split("&") if part)
    )
    return path + ("?" + "&".join(f"{name}={value}" for name, value in pairs) if pairs else "")


def _coded(text: str) -> str:
    return quote(unquote_to_bytes(text.replace("+", " ").encode("utf-8", "surrogateescape")), safe="")


def applied(said: Preferences) -> str | None:
    """`Preference-Applied`: what was heeded, in the order that is usual; None for nothing."""
    named = (
        ("resolution", said.resolution),
        ("missing", said.missing),
        ("return", said.returning),
        ("count", said.count),
        ("tx", said.transaction),
        ("handling", said.handling),
        ("timezone", said.timezone),
        ("max-affected", said.max_affected),
    )
    return ", ".join(f"{name}={value}" for name, value in named if value is not None) or None


def with_preferences(headers: dict[str, str], said: Preferences) -> dict[str, str]:
    """The headers, and what was heeded."""
    shown = applied(said)
    if shown is not None:
        headers["Preference-Applied"] = shown
    return headers


def of_write(written: Written, name: str, form: Format, schema: str) -> Answer:
    """The answer to a write; the body is what was made of its rows before they were written."""
    headers: dict[str, str] = {}
    if written.content_range is not None:
        headers["Content-Range"] = written.content_range
    if written.location is not None:
        key = "&".join(f"{quote(column)}=eq.{quote(value, safe='')}" for column, value in written.location)
        headers["Location"] = f"/{quote(name)}?{key}"
    with_preferences(headers, written.applied)
    if written.representation is None:
        return Answer(written.status, headers)
    headers |= {"Content-Type": MEDIA[form], "Content-Profile": schema}
    return Answer(written.status, headers, written.representation)


def failure(error: Exception) -> Answer:
    """The answer to any failure. What is not foreseen is a 500 that tells nothing of the inside, and is logged."""
    told = _refusal(error)
    headers = {"Content-Type": JSON, "Proxy-Status": f"PostgREST; error={told.code}", **told.headers}
    return Answer(told.status, headers, [told.body])


def _refusal(error: Exception) -> Refusal:
    if isinstance(error, Refusal):
        return error
    if isinstance(error, WattlineError):
        _, status, code, message = next(row for row in TABLE if isinstance(error, row[0]))
        wait = error.retry_after if isinstance(error, Unavailable) else PATIENCE_SECONDS
        if status == 503:
            return Refusal(status, code, message, str(error), headers={"Retry-After": str(wait)})
        return Refusal(status, code, str(error))
    log.error("a request failed", exc_info=error)
    return Refusal(500, "XX000", "Internal error")
