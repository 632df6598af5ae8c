"""What the routes that start work have in common: whom it is for, the secret that may start it, and that it was done."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

import msgspec
from fastapi import Request
from pydantic import BaseModel, Field

from wattline.contracts.household.gate import CRON, Gate
from wattline.model.errors import Invalid, NotFound
from wattline.model.principal import Principal

Item = TypeVar("Item")
TAGS = ["Household work"]
LONGEST = 256
"""Characters of an id or a secret."""


class WorkDone(BaseModel):
    """That the work is done: for everybody, where nothing else is told."""

    status: int = Field(description="As the HTTP status.")
    statusMessage: str  # noqa: N815 - the name that callers know


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


async def of_sensor(
    request: Request, gate: Gate, process: Callable[[str, str], Awaitable[Sequence[Item]]], what: str
) -> Sequence[Item]:
    """What `process` (tenant, address) finds of the sensor that the body names; `what` is looked for.

    Raises `NotFound` for a sensor that is unknown, another tenant's, assigned to nobody or no address at all, and where nothing
    was found.
    """
    caller, sensor = await asked(request, gate, "sensor_id", "sensorId")
    try:
        found = await process(caller.tenant, sensor)
    except Invalid:
        raise NotFound("there is no such sensor") from None
    if not found:
        raise NotFound(f"no {what} found")
    return found
