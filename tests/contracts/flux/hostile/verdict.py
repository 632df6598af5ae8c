"""What every answer must be, whatever was asked."""

from __future__ import annotations

import json

from tests.contracts.flux.hostile.garbage import Request
from tests.contracts.flux.hostile.raw import Reply

SLOW_SECONDS = 20.0
NOT_HTTP = b"Invalid HTTP request received."
KEYS = {"code", "details", "hint", "message"}


def fault(request: Request, reply: Reply) -> str | None:
    """What is wrong with an answer; None for nothing."""
    if reply.seconds > SLOW_SECONDS:
        return f"took {reply.seconds:.1f} s"
    if reply.status >= 500:
        return f"{reply.status} {reply.body[:300]!r}"
    if reply.status == 400 and reply.body == NOT_HTTP:
        return None
    if reply.status >= 400:
        return None if request.method == b"HEAD" else _fault_of_failure(reply)
    return _fault_of_answer(request, reply)


def _fault_of_failure(reply: Reply) -> str | None:
    try:
        told = json.loads(reply.body)
    except ValueError:
        return f"{reply.status} with a body that is no JSON: {reply.body[:300]!r}"
    if not isinstance(told, dict) or set(told) != KEYS:
        return f"{reply.status} without the four keys: {reply.body[:300]!r}"
    if not isinstance(told["code"], str) or not isinstance(told["message"], str):
        return f"{reply.status} with keys of other types: {reply.body[:300]!r}"
    return None


def _fault_of_answer(request: Request, reply: Reply) -> str | None:
    kind = reply.headers.get("content-type", "")
    if "json" in kind and reply.body:
        try:
            json.loads(reply.body)
        except ValueError:
            return f"{reply.status} with a body that is no JSON: {reply.body[:300]!r}"
    if request.method == b"GET" and not reply.body and "csv" not in kind and reply.status != 204:
        return f"{reply.status} without a body"
    return None
