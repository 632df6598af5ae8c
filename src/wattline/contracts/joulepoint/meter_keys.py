"""/api/energy/meters/{id}/keys: the keys that a meter's devices send their readings with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request, Response

from wattline.contracts.joulepoint import meters, paging
from wattline.contracts.joulepoint.bodies import JSON, document
from wattline.contracts.joulepoint.gate import CONFIG_WRITE, ENERGY_READ, Admitted, Gate
from wattline.contracts.joulepoint.problem import refusals
from wattline.contracts.joulepoint.query import spell
from wattline.contracts.joulepoint.resource_routes import Asked, Number, encoded
from wattline.metering.checks import Document
from wattline.metering.keys import LONGEST_GRACE, USUAL_GRACE
from wattline.metering.model import DeviceKey
from wattline.metering.service import Metering
from wattline.model.clock import SECOND

PATH = f"{meters.PATH}/{{number}}/keys"
NO_STORE = {"Cache-Control": "no-store"}
KeyNumber = Annotated[int, Path(ge=1, description="The id of the key.")]
_GRACE = {
    "type": "integer",
    "minimum": 0,
    "maximum": LONGEST_GRACE // SECOND,
    "default": USUAL_GRACE // SECOND,
    "description": "How long the former secret holds beside the new one.",
}
ROTATION = {"type": "object", "properties": {"grace_s": _GRACE}}
PROPERTIES: dict[str, Any] = {
    "name": {"type": "string", "minLength": 1, "maxLength": 200},
    "require_signature": {"type": "boolean", "default": False, "description": "Refuse what bears no X-Signature."},
}
"""What the maker of a key may say of it."""


def moment(micros: int | None) -> str | None:
    """A time as this contract writes it, null where there is none."""
    return None if micros is None else spell(micros)


def shown(key: DeviceKey) -> dict[str, Any]:
    """A key without its text and its secret."""
    whose: dict[str, Any] = {"meter_id": key.meter_id}
    if key.is_gateway:
        whose = {"meter_ids": None if key.meters is None else sorted(key.meters)}
    return {
        "id": key.id,
        **whose,
        "name": key.name,
        "require_signature": key.require_signature,
        "created_at": spell(key.created),
        "rotated_at": moment(key.rotated),
        "former_secret_until": moment(key.former_until),
        "revoked_at": moment(key.revoked),
    }


async def optional(request: Request) -> dict[str, Any]:
    """The body, an object; an empty one where there is none."""
    return await document(request) if await request.body() else {}


def described(body: Mapping[str, Any], *more: str) -> Document:
    """A body that describes a key, of which nothing was read yet."""
    return Document(body, (*PROPERTIES, *more))


async def grace(request: Request) -> int:
    """What the body of a rotation says of the former secret, in us."""
    asked = Document(await optional(request), ("grace_s",))
    seconds = asked.whole("grace_s", 0, LONGEST_GRACE // SECOND, USUAL_GRACE // SECOND)
    asked.done()
    assert seconds is not None
    return seconds * SECOND


def body_of(schema: Mapping[str, Any]) -> dict[str, Any]:
    """How OpenAPI describes a body that may be left out."""
    return {"requestBody": {"required": False, "content": {JSON: {"schema": schema}}}}


def build(metering: Metering, gate: Gate) -> APIRouter:
    """The routes."""
    router = APIRouter(tags=["Joulepoint resources"])
    reading, writing = gate.keyed(ENERGY_READ), gate.keyed(CONFIG_WRITE)
    keys = metering.keys

    async def create(caller: Admitted, request: Request, number: Number) -> Response:
        meter = meters.seen(metering, caller, number)
        asked = described(await optional(request))
        name, signed = asked.text("name"), asked.flag("require_signature", False)
        asked.done()
        made = await keys.create(caller.tenant, meter.id, name=name, require_signature=signed)
        where = {"Location": f"{meters.PATH}/{meter.id}/keys/{made.key.id}", **NO_STORE}
        return encoded({**shown(made.key), "key": made.text, "secret": made.key.secret}, 201, where)

    async def listed(caller: Admitted, request: Request, number: Number, page: Asked) -> Response:
        meter = meters.seen(metering, caller, number)
        rows = await keys.list(caller.tenant, meter.id)
        return encoded(paging.page(request, rows, lambda each: each.id, page, shown))

    async def show(caller: Admitted, number: Number, key_id: KeyNumber) -> Response:
        meter = meters.seen(metering, caller, number)
        return encoded(shown(await keys.get(caller.tenant, key_id, meter.id)))

    async def rotate(caller: Admitted, request: Request, number: Number, key_id: KeyNumber) -> Response:
        meter = meters.seen(metering, caller, number)
        made = await keys.rotate(caller.tenant, key_id, meter.id, grace=await grace(request))
        return encoded({**shown(made), "secret": made.secret}, headers=NO_STORE)

    async def revoke(caller: Admitted, number: Number, key_id: KeyNumber) -> Response:
        meter = meters.seen(metering, caller, number)
        return encoded(shown(await keys.revoke(caller.tenant, key_id, meter.id)))

    async def remove(caller: Admitted, number: Number, key_id: KeyNumber) -> Response:
        meter = meters.seen(metering, caller, number)
        await keys.revoke(caller.tenant, key_id, meter.id)
        return Response(status_code=204)

    add = adder(router, reading, writing)
    one = f"{PATH}/{{key_id}}"
    add("GET", PATH, listed, "List a meter's keys", 404)
    add("POST", PATH, create, "Add a key: its text and secret are shown this once", 404, 409, schema=_NEW, status_code=201)
    add("GET", one, show, "Show a meter's key", 404)
    add("DELETE", one, remove, "Revoke a meter's key, without an answer", 404, status_code=204)
    add("POST", f"{one}/rotate", rotate, "Give a meter's key a new secret", 404, 409, schema=ROTATION)
    add("POST", f"{one}/revoke", revoke, "Revoke a meter's key", 404)
    return router


_NEW = {"type": "object", "properties": PROPERTIES}


def adder(router: APIRouter, reading: type[Any], writing: type[Any]) -> Callable[..., None]:
    """What adds a route: its method, path, function, summary, the statuses of its failures, the schema of a body."""

    def add(
        method: str,
        path: str,
        do: Callable[..., Any],
        summary: str,
        *statuses: int,
        schema: Mapping[str, Any] | None = None,
        **more: Any,
    ) -> None:
        router.add_api_route(
            path,
            do,
            methods=[method],
            summary=summary,
            responses=refusals(*statuses),
            response_class=Response,
            response_model=None,
            route_class_override=reading if method == "GET" else writing,
            name=f"{do.__name__}_{path}",
            openapi_extra=None if schema is None else body_of(schema),
            **more,
        )

    return add
