"""How this contract's answers are wrapped: with the limits that were counted."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import Scope

from wattline.around import Manners
from wattline.contracts.mcs.errors import answer, log_unknown
from wattline.contracts.mcs.gate import RATE


def _answer(error: Exception, _scope: Scope) -> Response:
    return answer(error)


def _too_large(_most_bytes: int) -> HTTPException:
    return HTTPException(413, "The body is too large")


def _headers(scope: Scope) -> Mapping[str, str]:
    if RATE not in scope:
        return {}
    limit, remaining = scope[RATE]
    return {"X-RateLimit-Limit": str(limit), "X-RateLimit-Remaining": str(remaining)}


MANNERS = Manners(
    methods=("GET", "POST"),
    exposed=("Retry-After", "X-RateLimit-Limit", "X-RateLimit-Remaining"),
    too_large=_too_large,
    answer=_answer,
    unfinished=log_unknown,
    headers=_headers,
)
