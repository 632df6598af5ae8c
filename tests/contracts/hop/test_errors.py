"""The one table from the domain's failures to the contract's answers."""

from __future__ import annotations

import json

import pytest

from wattline.contracts.hop.errors import answer
from wattline.model.errors import (
    Forbidden,
    Invalid,
    NotFound,
    QueueFull,
    StorageFull,
    StoreLocked,
    Unauthenticated,
    Unavailable,
    WattlineError,
)


@pytest.mark.parametrize(
    ("error", "status", "header"),
    [
        (Unauthenticated("whatever"), 401, ("WWW-Authenticate", "ApiKey")),
        (Forbidden("not yours"), 403, None),
        (NotFound("no such thing"), 404, None),
        (Invalid("not so", "field"), 422, None),
        (Unavailable("away", 7), 503, ("Retry-After", "7")),
        (QueueFull("full", 11), 503, ("Retry-After", "11")),
        (StorageFull("no room"), 507, ("Retry-After", "30")),
        (StoreLocked("another process"), 503, ("Retry-After", "30")),
        (WattlineError("never shown"), 500, None),
        (ZeroDivisionError("never shown"), 500, None),
    ],
)
def test_every_failure_of_the_domain_has_its_status(error: Exception, status: int, header: tuple[str, str] | None) -> None:
    found = answer(error)
    assert (found.status, found.headers) == (status, dict([header]) if header else {})
    assert list(json.loads(found.body)) == ["detail"]
    assert b"never shown" not in found.body
    sent = dict(found.start["headers"])
    assert int(sent[b"content-length"]) == len(found.body) == len(found.content["body"])


def test_a_refused_field_is_named_where_it_was_sent() -> None:
    error = Invalid("too long", "region")
    for part in ("body", "query"):
        assert json.loads(answer(error, part).body) == {
            "detail": [{"type": "value_error", "loc": [part, "region"], "msg": "too long", "input": None}]
        }
