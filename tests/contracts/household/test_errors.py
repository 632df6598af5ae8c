"""One table from failures to answers."""

from __future__ import annotations

import json

import pytest
from starlette.exceptions import HTTPException

from wattline.contracts.household.errors import TooLarge, answer, told
from wattline.households.meters.model import Refused, TooMany
from wattline.model.errors import (
    Ambiguous,
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    QueueFull,
    StorageFull,
    StoreLocked,
    Unauthenticated,
    Unavailable,
)


@pytest.mark.parametrize(
    ("error", "status", "headers"),
    [
        (Invalid("no", "field"), 400, {}),
        (Ambiguous("no"), 400, {}),
        (Refused("no"), 400, {}),
        (Unauthenticated("no"), 401, {"WWW-Authenticate": "Bearer"}),
        (Forbidden("no"), 403, {}),
        (NotFound("no"), 404, {}),
        (Conflict("no"), 409, {}),
        (TooLarge(), 413, {}),
        (TooMany("no", 7), 429, {"Retry-After": "7"}),
        (Unavailable("no", 3), 503, {"Retry-After": "3"}),
        (QueueFull("no"), 503, {"Retry-After": "5"}),
        (StoreLocked("no"), 503, {"Retry-After": "30"}),
        (StorageFull("no"), 507, {"Retry-After": "30"}),
        (HTTPException(405, "no", {"Allow": "GET"}), 405, {"Allow": "GET"}),
    ],
)
def test_every_failure_has_its_status_and_headers(error: Exception, status: int, headers: dict[str, str]) -> None:
    found, text, further = told(error)
    assert (found, further) == (status, headers)
    response = answer(error)
    assert response.status_code == status
    assert json.loads(bytes(response.body)) == {"error": text, "status": status}


def test_what_nothing_names_tells_nothing() -> None:
    status, text, _ = told(ValueError("a@example.org"))
    assert (status, "example" in text) == (500, False)


def test_text_that_no_encoding_holds_is_told_all_the_same() -> None:
    assert json.loads(bytes(answer(NotFound("\ud800")).body)) == {"error": "?", "status": 404}
