"""How this contract's answers are wrapped."""

from __future__ import annotations

from starlette.responses import Response
from starlette.types import Scope

from wattline.around import Manners
from wattline.contracts.household.errors import TooLarge, answer, log_unknown


def _answer(error: Exception, _scope: Scope) -> Response:
    return answer(error)


def _too_large(_most_bytes: int) -> TooLarge:
    return TooLarge()


MANNERS = Manners(
    methods=("GET", "POST", "PUT", "PATCH", "DELETE"),
    exposed=("Content-Disposition", "Retry-After"),
    too_large=_too_large,
    answer=_answer,
    unfinished=log_unknown,
)
