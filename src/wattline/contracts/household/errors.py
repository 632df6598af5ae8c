"""What every failure looks like: one table from exceptions to `{"error": "in words", "status": 404}`.

Of several faults of one request the first of these is told: 401, 400, 404 or 409. No text holds what a caller sent in secret.
"""

from __future__ import annotations

import logging
import traceback
from collections.abc import Mapping
from http import HTTPStatus

import msgspec
from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from wattline.households.meters.model import TooMany
from wattline.model.errors import (
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
USUAL_PATIENCE = 30
"""Seconds after which to come again, where the failure does not say."""
LONGEST_NAME = 100
"""Characters of a field's name that are told: a name that is not known is the caller's own text."""
NO_OBJECT = ("missing", "model_attributes_type", "dict_type")
"""How pydantic calls a body that is none of the objects that are asked for."""
log = logging.getLogger(__name__)


class TooLarge(WattlineError, HTTPException):
    """A body that is too large: 413. FastAPI lets an `HTTPException` through while it reads one; the table of handlers then
    knows a `WattlineError`."""

    def __init__(self) -> None:
        HTTPException.__init__(self, 413, "the body is too large")


# In order: the first that fits.
STATUSES: tuple[tuple[type[Exception], int], ...] = (
    (Unauthenticated, 401),
    (Forbidden, 403),
    (NotFound, 404),
    (Conflict, 409),
    (Invalid, 400),
    (TooMany, 429),
    (Unavailable, 503),
    (StoreLocked, 503),
    (StorageFull, 507),
)


def told(error: Exception) -> tuple[int, str, dict[str, str]]:
    """The status of a failure, what is said of it, and further headers. What nothing names is a 500 that tells nothing of the
    inside, and is logged."""
    if isinstance(error, RequestValidationError):
        return 400, _first_fault(error), {}
    if isinstance(error, HTTPException):
        return error.status_code, str(error.detail), dict(error.headers or {})
    if isinstance(error, ClientDisconnect):
        # Nobody hears it, and nothing failed.
        return 400, "the caller hung up", {}
    for kind, status in STATUSES:
        if isinstance(error, kind):
            return status, str(error) or HTTPStatus(status).phrase, _headers(status, error)
    log_unknown(error)
    return 500, "the server could not do this", {}


def answer(error: Exception) -> Response:
    """The answer to a failure."""
    status, text, headers = told(error)
    return response(status, text, headers)


def response(status: int, text: str, headers: Mapping[str, str] | None = None) -> Response:
    """An answer in the shape of a failure."""
    said = text if text.isascii() else text.encode(errors="replace").decode()
    return Response(msgspec.json.encode({"error": said, "status": status}), status, dict(headers or {}), JSON)


def failed(_request: Request, error: Exception) -> Response:
    """`answer` for the exception handlers of the web application."""
    return answer(error)


def log_unknown(error: Exception) -> None:
    """Log where something failed that nothing names. Not its words: they may hold what a caller sent."""
    where = "".join(traceback.format_tb(error.__traceback__))
    log.error("a request failed: %s\n%s", type(error).__name__, where)


def _headers(status: int, error: Exception) -> dict[str, str]:
    if status == HTTPStatus.UNAUTHORIZED:
        return {"WWW-Authenticate": "Bearer"}
    if status in (429, 503, 507):
        return {"Retry-After": str(getattr(error, "retry_after", USUAL_PATIENCE))}
    return {}


def _first_fault(error: RequestValidationError) -> str:
    """The field and what is wrong with it, without what was sent there."""
    fault = error.errors()[0]
    if fault["type"] == "json_invalid":
        return "the body is not JSON"
    place = [str(part) for part in fault["loc"]]
    name = ".".join(place[1:])[:LONGEST_NAME] or ("the body" if place[:1] == ["body"] else "the request")
    if fault["type"] in NO_OBJECT and len(place) == 1:
        return "the body must be a JSON object, sent as application/json"
    if fault["type"] == "missing":
        return f"{name} is missing"
    if fault["type"] == "extra_forbidden":
        return f"there is no field {name}"
    text = str(fault["msg"]).removeprefix("Value error, ")
    return f"{name}: {text[:1].lower()}{text[1:]}"
