"""How this contract's answers are wrapped: the id of a request, what is left of a limit, paths without their last slash."""

from __future__ import annotations

import re
from collections.abc import Mapping

from starlette.types import Scope

from wattline.around import Manners
from wattline.contracts.joulepoint.problem import (
    REQUEST_ID,
    REQUEST_ID_HEADER,
    answer,
    log_unknown,
    request_id,
    too_large,
)
from wattline.contracts.joulepoint.rates import RATE
from wattline.contracts.joulepoint.slashes import without_slash

_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")


def _arriving(scope: Scope) -> None:
    without_slash(scope)
    keep_request_id(scope)


def keep_request_id(scope: Scope) -> None:
    """The `X-Request-Id` of a caller is kept where it is a plain word, and made up otherwise."""
    given = next((value for name, value in scope["headers"] if name == b"x-request-id"), b"")
    if _REQUEST_ID.fullmatch(given):
        scope[REQUEST_ID] = given.decode()


def _headers(scope: Scope) -> Mapping[str, str]:
    return {REQUEST_ID_HEADER: request_id(scope), **scope.get(RATE, {})}


MANNERS = Manners(
    methods=("GET", "POST", "PUT", "PATCH", "DELETE"),
    exposed=(
        "Content-Disposition", "ETag", "Location", "RateLimit", "RateLimit-Policy", "Retry-After", "WWW-Authenticate",
        REQUEST_ID_HEADER,
    ),
    too_large=too_large,
    answer=answer,
    unfinished=log_unknown,
    arriving=_arriving,
    headers=_headers,
)  # fmt: skip
