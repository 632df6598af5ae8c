"""What every failure looks like under /api: one table from the domain's exceptions to the contract's bodies."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.types import Message

from wattline.contracts.hop.refusal import Refused, fault
from wattline.model.errors import (
    Forbidden,
    Invalid,
    NotFound,
    StorageFull,
    StoreLocked,
    Unauthenticated,
    Unavailable,
    WattlineError,
)

PREFIX = "/api"
log = logging.getLogger(__name__)


class Rejected(WattlineError):
    """The request is refused by its form, before anything is read from its content."""

    def __init__(self, status: int, detail: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.headers = dict(headers or {})


class Answer:
    """A whole answer, ready to be sent any number of times: `start` and `content` are its two ASGI messages."""

    __slots__ = ("body", "content", "headers", "media", "start", "status")

    def __init__(
        self, status: int, body: bytes, headers: Mapping[str, str] | None = None, media: str = "application/json"
    ) -> None:
        self.status, self.body, self.headers, self.media = status, body, dict(headers or {}), media
        raw = [(b"content-type", media.encode()), (b"content-length", str(len(body)).encode())]
        raw += [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in self.headers.items()]
        self.start: Message = {"type": "http.response.start", "status": status, "headers": raw}
        self.content: Message = {"type": "http.response.body", "body": body}

    def response(self) -> Response:
        """The same for a FastAPI route."""
        return Response(self.body, self.status, self.headers, self.media)


def _text(error: Exception) -> Any:
    return str(error)


def _listed(error: Exception) -> Any:
    return error.details if isinstance(error, Refused) else [fault("value_error", ["body"], str(error))]


def _placed(error: Exception, part: str) -> Exception:
    """The domain's refusal of a field as the contract's: `part` is where the field came from, body or query."""
    if isinstance(error, Refused) or not isinstance(error, Invalid) or error.field is None:
        return error
    return Refused([fault("value_error", [part, error.field], str(error))])


def _patience(error: Exception) -> dict[str, str]:
    return {"Retry-After": str(error.retry_after if isinstance(error, Unavailable) else 30)}


def _same_for_all(_: Exception) -> Any:
    return "Missing or invalid API key"


def _nothing(_: Exception) -> dict[str, str]:
    return {}


Detail = Callable[[Exception], Any]
Headers = Callable[[Exception], dict[str, str]]

# In order: the first that fits. A 401 says the same for a missing and for a wrong key.
TABLE: tuple[tuple[type[WattlineError], int, Detail, Headers], ...] = (
    (Unauthenticated, 401, _same_for_all, lambda _: {"WWW-Authenticate": "ApiKey"}),
    (Forbidden, 403, _text, _nothing),
    (NotFound, 404, _text, _nothing),
    (Invalid, 422, _listed, _nothing),
    (Unavailable, 503, _text, _patience),
    (StorageFull, 507, _text, _patience),
    (StoreLocked, 503, _text, _patience),
)
REASONS = {401: "unauthenticated", 403: "forbidden", 404: "not_found", 405: "method", 413: "too_large", 415: "media_type"}
REASONS |= {422: "invalid", 429: "too_many", 503: "unavailable", 507: "storage_full"}


def answer(error: Exception, part: str = "body") -> Answer:
    """The answer to a failure. Anything the table does not name is a 500 that tells nothing of the inside, and is logged.

    `part` is where the request's fields are: body, or query.
    """
    error = _placed(error, part)
    if isinstance(error, Rejected):
        return _answer(error.status, str(error), error.headers)
    for kind, status, detail, headers in TABLE:
        if isinstance(error, kind):
            return _answer(status, detail(error), headers(error))
    log.error("a request failed", exc_info=error)
    return _answer(500, "The request could not be processed")


def _answer(status: int, detail: Any, headers: Mapping[str, str] | None = None) -> Answer:
    return Answer(status, msgspec.json.encode({"detail": detail}), headers or {})


def failed(_request: Request, error: Exception) -> Response:
    """The answer to the failure of a query's route."""
    found = Refused(_query_faults(error)) if isinstance(error, RequestValidationError) else error
    return answer(found, "query").response()


def _query_faults(error: RequestValidationError) -> list[dict[str, Any]]:
    found = []
    for each in error.errors():
        shown = {key: each[key] for key in ("type", "loc", "msg", "input") if key in each}
        shown["loc"] = list(each["loc"])
        if context := {key: value for key, value in each.get("ctx", {}).items() if not isinstance(value, Exception)}:
            shown["ctx"] = context
        found.append(shown)
    return found
