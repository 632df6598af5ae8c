"""/api/energy/gateway-keys: keys of gateways that send the readings of several meters, or of all of a tenant."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from wattline.contracts.joulepoint import meters, paging
from wattline.contracts.joulepoint.gate import CONFIG_WRITE, ENERGY_READ, Admitted, Gate
from wattline.contracts.joulepoint.meter_keys import (
    NO_STORE,
    PROPERTIES,
    ROTATION,
    KeyNumber,
    adder,
    described,
    grace,
    optional,
    shown,
)
from wattline.contracts.joulepoint.resource_routes import Asked, encoded
from wattline.metering.keys import MOST_METERS
from wattline.metering.model import DeviceKey
from wattline.metering.service import Metering
from wattline.model.errors import Faulty, Forbidden, NotFound
from wattline.model.principal import Principal

PATH = "/api/energy/gateway-keys"
_IDS = {
    "type": ["array", "null"],
    "items": {"type": "integer", "minimum": 1},
    "minItems": 1,
    "maxItems": MOST_METERS,
    "description": "The meters that it may write for; null or left out: every meter, also those to come.",
}
_NEW = {"type": "object", "properties": {**PROPERTIES, "meter_ids": _IDS}}


def build(metering: Metering, gate: Gate) -> APIRouter:
    """The routes. A caller of some sites sees the keys whose every meter is at one of them, and makes none for all meters."""
    router = APIRouter(tags=["Joulepoint resources"])
    reading, writing = gate.keyed(ENERGY_READ), gate.keyed(CONFIG_WRITE)
    keys = metering.keys

    def sees(caller: Principal, key: DeviceKey) -> bool:
        return caller.sites is None or (key.meters is not None and meters.sees_all(metering, caller, key.meters))

    async def found(caller: Principal, key_id: int) -> DeviceKey:
        key = await keys.get(caller.tenant, key_id)
        if not sees(caller, key):
            raise NotFound("no such key")
        return key

    async def create(caller: Admitted, request: Request) -> Response:
        body = await optional(request)
        asked = described(body, "meter_ids")
        name, signed = asked.text("name"), asked.flag("require_signature", False)
        named = asked.identities("meter_ids", MOST_METERS) if asked.given("meter_ids") else None
        asked.done()
        if named is None and caller.sites is not None:
            raise Forbidden("this credential is for some sites, so it cannot make a key for every meter")
        faults = meters.unseen(metering, caller, meters.items(body, "meter_ids"))
        if faults:
            raise Faulty(faults)
        made = await keys.create_gateway(caller.tenant, named, name=name, require_signature=signed)
        where = {"Location": f"{PATH}/{made.key.id}", **NO_STORE}
        return encoded({**shown(made.key), "key": made.text, "secret": made.key.secret}, 201, where)

    async def listed(caller: Admitted, request: Request, page: Asked) -> Response:
        rows = [key for key in await keys.list(caller.tenant) if sees(caller, key)]
        return encoded(paging.page(request, rows, lambda each: each.id, page, shown))

    async def show(caller: Admitted, key_id: KeyNumber) -> Response:
        return encoded(shown(await found(caller, key_id)))

    async def rotate(caller: Admitted, request: Request, key_id: KeyNumber) -> Response:
        key = await found(caller, key_id)
        made = await keys.rotate(caller.tenant, key.id, grace=await grace(request))
        return encoded({**shown(made), "secret": made.secret}, headers=NO_STORE)

    async def revoke(caller: Admitted, key_id: KeyNumber) -> Response:
        key = await found(caller, key_id)
        return encoded(shown(await keys.revoke(caller.tenant, key.id)))

    async def remove(caller: Admitted, key_id: KeyNumber) -> Response:
        key = await found(caller, key_id)
        await keys.revoke(caller.tenant, key.id)
        return Response(status_code=204)

    add = adder(router, reading, writing)
    one = f"{PATH}/{{key_id}}"
    add("GET", PATH, listed, "List the gateways' keys")
    add("POST", PATH, create, "Add a gateway's key: its text and secret are shown this once", 409, schema=_NEW, status_code=201)
    add("GET", one, show, "Show a gateway's key", 404)
    add("DELETE", one, remove, "Revoke a gateway's key, without an answer", 404, status_code=204)
    add("POST", f"{one}/rotate", rotate, "Give a gateway's key a new secret", 404, 409, schema=ROTATION)
    add("POST", f"{one}/revoke", revoke, "Revoke a gateway's key", 404)
    return router
