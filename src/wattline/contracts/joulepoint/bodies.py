"""JSON bodies of requests, before anything is known of what they must hold."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import msgspec
from fastapi import Request

from wattline.contracts.joulepoint.problem import Problem
from wattline.model.errors import Fault, Faulty

JSON, MERGE_PATCH = "application/json", "application/merge-patch+json"
CROWDED_BYTES = 512 * 1024
MOST_CONTAINERS, MOST_MEMBERS = 250_000, 1_000_000
"""Objects and arrays, and commas, of a longer body: what is read of it takes many times its bytes of memory, and of time."""


def malformed() -> Problem:
    """400: a body that is no JSON."""
    return Problem(400, "malformed_json", "the body is not JSON (RFC 8259: UTF-8, no NaN, nothing after its end)")


def check_crowd(content: bytes, containers: int = MOST_CONTAINERS, members: int = MOST_MEMBERS) -> None:
    """Raise `Faulty` for a long body that holds more than any body needs."""
    if len(content) > CROWDED_BYTES and (
        content.count(b"{") + content.count(b"[") > containers or content.count(b",") > members
    ):
        raise Faulty([Fault("", "too_many", "there is more in this body than is ever needed")])


async def document(request: Request, media: Collection[str] = (JSON,)) -> dict[str, Any]:
    """The body, an object. Raises `Problem` 400 for what is no JSON, 415 for another media type, and `Faulty` for no object."""
    found = await value(request, media)
    if not isinstance(found, dict):
        raise Faulty([Fault("", "type", "the body is a JSON object")])
    return found


async def value(request: Request, media: Collection[str] = (JSON,)) -> Any:
    """The body, any JSON. Raises `Problem` 400 and 415."""
    said = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if said not in media:
        raise Problem(415, "unsupported_media_type", f"the body is sent as {' or '.join(media)}")
    content = await request.body()
    check_crowd(content)
    try:
        return msgspec.json.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise malformed() from None
