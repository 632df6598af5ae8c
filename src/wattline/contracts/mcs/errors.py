"""What every failure looks like: one table from exceptions to `{"detail": ...}` bodies.

Of several faults of one request the first of these is told: 401, 403, 429, 422, 400, 404 or 409.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec
from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from wattline.model.errors import (
    Ambiguous,
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    StorageFull,
    StoreLocked,
    Unauthenticated,
    Unavailable,
    WattlineError,
)

JSON = "application/json"
log = logging.getLogger(__name__)


class BadRequest(WattlineError):
    """Well-formed parameters that make no sense together: 400."""


class TooMany(WattlineError):
    """The key has asked too often: 429. `limit` is what it may within a minute, or at the same time."""

    def __init__(self, detail: str, limit: int, retry_after: int) -> None:
        super().__init__(detail)
        self.limit = limit
        self.retry_after = retry_after


class Unprocessable(WattlineError):
    """The request failed validation: 422 with a list of faults, one for each field."""

    def __init__(self, faults: list[dict[str, Any]]) -> None:
        super().__init__("the request failed validation")
        self.faults = faults


def fault(kind: str, place: list[str | int], message: str, value: object = None) -> dict[str, Any]:
    """One entry of a 422's list."""
    return {"type": kind, "loc": place, "msg": message, "input": value}


def faults_of(errors: Iterable[Mapping[str, Any]], place: tuple[str, ...] = ()) -> list[dict[str, Any]]:
    """Pydantic's findings as a 422's list; `place` goes before each one's own."""
    found = []
    for each in errors:
        missing = each["type"] == "missing"
        shown = fault(each["type"], [*place, *each["loc"]], each["msg"], None if missing else each.get("input"))
        context = {key: value for key, value in each.get("ctx", {}).items() if not isinstance(value, Exception)}
        if context:
            shown["ctx"] = context
        found.append(shown)
    return found


def _text(error: Exception) -> object:
    return str(error)


def _listed(error: Exception) -> object:
    return error.faults if isinstance(error, Unprocessable) else str(error)


def _same_for_all(_: Exception) -> object:
    return "Missing or invalid API key"


def _patience(error: Exception) -> dict[str, str]:
    return {"Retry-After": str(error.retry_after if isinstance(error, Unavailable) else 30)}


def _nothing(_: Exception) -> dict[str, str]:
    return {}


Detail = Callable[[Exception], object]
Headers = Callable[[Exception], dict[str, str]]

# In order: the first that fits. A 401 says the same for a missing and for a wrong key.
TABLE: tuple[tuple[type[Exception], int, Detail, Headers], ...] = (
    (Unauthenticated, 401, _same_for_all, lambda _: {"WWW-Authenticate": "Bearer"}),
    (Forbidden, 403, _text, _nothing),
    (Unprocessable, 422, _listed, _nothing),
    (BadRequest, 400, _text, _nothing),
    (NotFound, 404, _text, _nothing),
    (Ambiguous, 409, _text, _nothing),
    (Conflict, 409, _text, _nothing),
    (Invalid, 400, _text, _nothing),
    (Unavailable, 503, _text, _patience),
    (StorageFull, 507, _text, _patience),
    (StoreLocked, 503, _text, _patience),
)


def answer(error: Exception, part: str = "query") -> Response:
    """The answer to a failure. What the table does not name is a 500 that tells nothing of the inside, and is logged.

    `part` is where the request's fields are, query or body: a field that the domain refuses is told like any other 422.
    """
    if isinstance(error, TooMany):
        body = {"detail": str(error), "retry_after_seconds": error.retry_after}
        limits = {"X-RateLimit-Limit": str(error.limit), "X-RateLimit-Remaining": "0"}
        return _response(429, body, {"Retry-After": str(error.retry_after), **limits})
    if isinstance(error, RequestValidationError):
        return _response(422, {"detail": faults_of(error.errors())})
    if isinstance(error, HTTPException):
        return _response(error.status_code, {"detail": error.detail}, error.headers)
    if isinstance(error, Invalid) and error.field is not None and not isinstance(error, Ambiguous):
        return _response(422, {"detail": [fault("value_error", [part, error.field], str(error))]})
    for kind, status, detail, headers in TABLE:
        if isinstance(error, kind):
            return _response(status, {"detail": detail(error)}, headers(error))
    log_unknown(error)
    return _response(500, {"detail": "Internal Server Error"})


def log_unknown(error: Exception) -> None:
    """Log what nothing names."""
    log.error("a request failed", exc_info=error)


def failed(request: Request, error: Exception) -> Response:
    """`answer` for the exception handlers of the web application."""
    return answer(error, "query" if request.method == "GET" else "body")


def _response(status: int, body: object, headers: Mapping[str, str] | None = None) -> Response:
    return Response(msgspec.json.encode(_shown(body)), status, headers, JSON)


def _shown(value: object) -> object:
    """The value as JSON can hold it: what a caller sent may be no number, or no text."""
    match value:
        case None | bool():
            found: object = value
        case str():
            found = value if value.isascii() else value.encode(errors="replace").decode()
        case float():
            found = value if math.isfinite(value) else None
        case int():
            found = value if -(2**63) <= value < 2**64 else str(value)
        case Mapping():
            found = {str(_shown(str(key))): _shown(each) for key, each in value.items()}
        case list() | tuple():
            found = [_shown(each) for each in value]
        case _:
            found = _shown(str(value))
    return found
