"""The body of the routes that start work: whom it is for, and the secret that may start it."""

from __future__ import annotations

from typing import Any

import msgspec
from fastapi import Request

from wattline.contracts.household.gate import CRON, Gate
from wattline.model.errors import Invalid
from wattline.model.principal import Principal

LONGEST = 256
"""Characters of an id or a secret."""


def request_body(name: str, description: str) -> dict[str, Any]:
    """What the OpenAPI document says of such a body."""
    text = {"type": "string", "maxLength": LONGEST}
    properties = {name: {**text, "description": description}, "secret": {**text, "description": "A key that may start work."}}
    schema = {"type": "object", "required": [name, "secret"], "properties": properties}
    return {"required": True, "content": {"application/json": {"schema": schema}}}


async def asked(request: Request, gate: Gate, name: str, camel: str) -> tuple[Principal, str]:
    """Who asks, and the id that the body holds as `name` or `camel`. Raises `Unauthenticated`, then `Invalid`."""
    try:
        body = msgspec.json.decode(await request.body())
    except (msgspec.DecodeError, RecursionError):
        raise Invalid("the body is not JSON") from None
    if not isinstance(body, dict):
        raise Invalid("the body must be a JSON object")
    secret = body.get("secret")
    caller = await gate.admit(secret if isinstance(secret, str) and len(secret) <= LONGEST else None, CRON)
    found = body.get(name, body.get(camel))
    if not isinstance(found, str) or not 0 < len(found) <= LONGEST:
        raise Invalid(f"{name} must be a text of at most {LONGEST} characters", name)
    if camel in body and body[camel] != found:
        raise Invalid(f"{name} and {camel} differ", name)
    return caller, found
