"""What every failure looks like: one table from exceptions to problem documents (RFC 9457).

Beside the members of the standard a document has `code`, which never changes, the `request_id` that the log has too, and
`errors`: of a fault of the body the `pointer` (RFC 6901), of one of the query the `parameter`, each with code and words. No
text holds what a caller sent in secret.
"""

from __future__ import annotations

import logging
import secrets
import traceback
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, NamedTuple

import msgspec
from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import Scope

from wattline.model.errors import (
    Conflict,
    Fault,
    Faulty,
    Forbidden,
    Invalid,
    NotFound,
    Stale,
    StorageFull,
    StoreLocked,
    Unauthenticated,
    Unavailable,
    WattlineError,
)

JSON = "application/problem+json"
TYPE = "urn:wattline:problem:"
REQUEST_ID = "wattline.request_id"
"""Where a request's id is in its ASGI scope."""
REQUEST_ID_HEADER = "X-Request-Id"
CHALLENGE = 'Bearer error="invalid_token"'
USUAL_PATIENCE = 30
"""Seconds after which to come again, where the failure does not say."""
LONGEST_TEXT = 300
"""Characters of a text that are told: a field's name that is not known is the caller's own."""
MOST_FAULTS = 1_000
"""Faults that are told; a last one says how many more there are."""
log = logging.getLogger(__name__)

CODES = {
    400: "bad_request",
    401: "invalid_token",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    406: "not_acceptable",
    409: "conflict",
    412: "precondition_failed",
    413: "too_large",
    415: "unsupported_media_type",
    422: "invalid",
    423: "locked",
    429: "too_many_requests",
    500: "internal",
    503: "unavailable",
    507: "storage_full",
}
# In order: the first that fits.
STATUSES: tuple[tuple[type[Exception], int], ...] = (
    (Unauthenticated, 401),
    (Forbidden, 403),
    (NotFound, 404),
    (Stale, 412),
    (Conflict, 409),
    (Invalid, 422),
    (Unavailable, 503),
    (StoreLocked, 503),
    (StorageFull, 507),
)
SAID_BY_PYDANTIC = {
    "missing": "required",
    "extra_forbidden": "unknown",
    "finite_number": "not_finite",
    "value_error": "invalid",
}

_FAULT = {
    "type": "object",
    "required": ["code", "detail"],
    "properties": {
        "pointer": {"type": "string", "description": "Where in the body (RFC 6901)."},
        "parameter": {"type": "string", "description": "Which parameter of the query."},
        "code": {"type": "string"},
        "detail": {"type": "string"},
    },
}
_SCHEMA = {
    "type": "object",
    "required": ["type", "title", "status", "detail", "instance", "code", "request_id"],
    "properties": {
        "type": {"type": "string", "format": "uri"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "instance": {"type": "string"},
        "code": {"type": "string"},
        "errors": {"type": "array", "items": _FAULT},
        "request_id": {"type": "string"},
    },
}
_CONTENT = {JSON: {"schema": _SCHEMA}}
EVERYWHERE = (400, 401, 403, 422, 429)
"""What any route may answer."""


def refusals(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The documented failures of a route: these statuses and those of EVERYWHERE."""
    return {s: {"description": HTTPStatus(s).phrase, "content": _CONTENT} for s in sorted({*EVERYWHERE, *statuses})}


RESPONSES = refusals()
"""The failures of a route that has none of its own."""


class Problem(WattlineError, HTTPException):
    """A failure in this contract's own words.

    Its message is safe to show. FastAPI lets an `HTTPException` through while it reads a body; the web application's table of
    handlers then knows a `WattlineError`. A fault whose pointer begins with `?` names a parameter of the query.
    """

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        faults: Sequence[Fault] = (),
        headers: Mapping[str, str] | None = None,
        title: str | None = None,
    ) -> None:
        HTTPException.__init__(self, status, detail, dict(headers or {}))
        self.code = code
        self.faults = tuple(faults)
        self.title = title or HTTPStatus(status).phrase

    def __str__(self) -> str:
        return str(self.detail)


class Told(NamedTuple):
    """A failure as it is answered."""

    status: int
    code: str
    title: str
    detail: str
    faults: Sequence[Fault]
    headers: Mapping[str, str]


def bad_parameter(name: str, code: str, detail: str) -> Problem:
    """400: a parameter of the query that is not as it must be."""
    return Problem(400, "bad_parameter", f"{name}: {detail}", [Fault(f"?{name}", code, detail)])


def too_large(most_bytes: int) -> Problem:
    """413: a body above the limit."""
    return Problem(413, "too_large", f"a body here has at most {most_bytes} bytes")


def told(error: Exception, number: str = "-") -> Told:
    """What is said of a failure. What nothing names is a 500 that tells nothing of the inside, and is logged with the id of its
    request."""
    if isinstance(error, Problem):
        return Told(error.status_code, error.code, error.title, str(error), error.faults, error.headers or {})
    if isinstance(error, RequestValidationError):
        return _misread(error)
    if isinstance(error, HTTPException):
        return _plain(error.status_code, str(error.detail), headers=error.headers)
    if isinstance(error, ClientDisconnect):
        # Nobody hears it, and nothing failed.
        return _plain(400, "the caller hung up")
    for kind, status in STATUSES:
        if isinstance(error, kind):
            return _plain(status, str(error) or HTTPStatus(status).phrase, _faults(error), _headers(status, error))
    log_unknown(error, number)
    return _plain(500, "the server could not do this")


def request_id(scope: Scope) -> str:
    """The id of a request, the same whenever it is asked for."""
    found: str = scope.setdefault(REQUEST_ID, None) or secrets.token_hex(8)
    scope[REQUEST_ID] = found
    return found


def answer(error: Exception, scope: Scope) -> Response:
    """The answer to a failure of the request with this ASGI scope."""
    number = request_id(scope)
    said = told(error, number)
    document: dict[str, Any] = {
        "type": TYPE + said.code.replace("_", "-"),
        "title": said.title,
        "status": said.status,
        "detail": _clean(said.detail),
        "instance": _clean(scope.get("path", "")),
        "code": said.code,
    }
    if said.faults:
        document["errors"] = [shown(fault) for fault in said.faults[:MOST_FAULTS]]
        if len(said.faults) > MOST_FAULTS:
            more = len(said.faults) - MOST_FAULTS
            document["errors"].append(shown(Fault("", "more", f"and {more} more faults")))
    document["request_id"] = number
    return Response(msgspec.json.encode(document), said.status, {**said.headers, REQUEST_ID_HEADER: number}, JSON)


def failed(request: Request, error: Exception) -> Response:
    """`answer` for the exception handlers of the web application."""
    return answer(error, request.scope)


def log_unknown(error: Exception, number: str = "-") -> None:
    """Log where something failed that nothing names. Not its words: they may hold what a caller sent."""
    where = "".join(traceback.format_tb(error.__traceback__))
    log.error("request %s failed: %s\n%s", number, type(error).__name__, where)


def pointer(*parts: str | int) -> str:
    """The JSON pointer of a path into a document."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in parts)


def _plain(status: int, detail: str, faults: Sequence[Fault] = (), headers: Mapping[str, str] | None = None) -> Told:
    return Told(status, CODES.get(status, "failed"), HTTPStatus(status).phrase, detail, faults, headers or {})


def _faults(error: Exception) -> Sequence[Fault]:
    if isinstance(error, Faulty):
        return error.faults
    if isinstance(error, Invalid) and error.field is not None:
        return [Fault(pointer(error.field), "invalid", str(error))]
    return ()


def _headers(status: int, error: Exception) -> dict[str, str]:
    if status == HTTPStatus.UNAUTHORIZED:
        return {"WWW-Authenticate": CHALLENGE}
    if status in (503, 507):
        return {"Retry-After": str(getattr(error, "retry_after", USUAL_PATIENCE))}
    return {}


def _misread(error: RequestValidationError) -> Told:
    """What FastAPI found wrong: in the path (there is no such thing), in the query or a header (400), in the body (422)."""
    found = error.errors()
    if any(fault["type"] == "json_invalid" for fault in found):
        return Told(400, "malformed_json", "Bad Request", "the body is not JSON", (), {})
    places = {fault["loc"][0] for fault in found}
    if "path" in places:
        return _plain(404, "there is no such thing")
    faults = [_fault(fault) for fault in found]
    detail = f"{faults[0].pointer.removeprefix('?') or 'the body'}: {faults[0].detail}"
    if places - {"body"}:
        return Told(400, "bad_parameter", "Bad Request", detail, faults, {})
    return _plain(422, detail, faults)


def _fault(fault: Mapping[str, Any]) -> Fault:
    place, *inside = fault["loc"]
    kind = str(fault["type"])
    text = str(fault["msg"]).removeprefix("Value error, ")
    where = pointer(*inside) if place == "body" else f"?{'.'.join(str(part) for part in inside)}"
    return Fault(where, SAID_BY_PYDANTIC.get(kind, kind), f"{text[:1].lower()}{text[1:]}")


def shown(fault: Fault) -> dict[str, str]:
    """A fault as it is answered."""
    where = ("parameter", fault.pointer[1:]) if fault.pointer.startswith("?") else ("pointer", fault.pointer)
    return {where[0]: _clean(where[1]), "code": fault.code, "detail": _clean(fault.detail)}


def _clean(text: str) -> str:
    """A text that can be written as UTF-8, and is no longer than need be."""
    cut = text if len(text) <= LONGEST_TEXT else f"{text[:LONGEST_TEXT]}..."
    return cut if cut.isascii() else cut.encode(errors="replace").decode()
