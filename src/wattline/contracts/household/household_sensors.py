"""/sensors below the management path: meters, whom they read, their scripts and secrets."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Response

from wattline.contracts.household import sensor_documents as documents
from wattline.contracts.household.documents import refusals
from wattline.contracts.household.gate import ADMIN, Admitted, Gate
from wattline.contracts.household.household_users import Limit, Offset
from wattline.contracts.household.replies import script_id
from wattline.households.meters.model import POWER, TOTAL, VALUE, VALUE_OUT, Kind, Meter
from wattline.households.meters.service import Meters
from wattline.households.service import Households
from wattline.model.clock import from_micros
from wattline.registry.stream import Stream


def shown_sensor(meter: Meter) -> dict[str, Any]:
    """A sensor in a list: not its script, and nowhere its secret."""
    return {
        "sensor_id": meter.mac,
        "type": meter.kind.name.lower(),
        "user_id": meter.user,
        "script_id": None if meter.script is None else script_id(meter.script),
        "needs_script": meter.needs_script,
        "has_secret": meter.secret is not None,
        "limit_kwh_minute": meter.limit,
        "created_at": from_micros(meter.created),
    }


def _newest(stream: Stream | None) -> dict[str, Any] | None:
    row = None if stream is None else stream.latest
    if row is None:
        return None
    columns = {"value": VALUE, "value_out": VALUE_OUT, "value_current": POWER, "total": TOTAL}
    return {"time": from_micros(row.time), **{name: row.values[at] for name, at in columns.items()}}


async def _in_full(meters: Meters, meter: Meter) -> dict[str, Any]:
    stream = None if meter.user is None else meters.stream(meter.tenant, meter.user, meter.mac)
    assigned = [
        {
            "user_id": each.user,
            "since": from_micros(each.since),
            "until": None if each.until is None else from_micros(each.until),
        }
        for each in await meters.history(meter.tenant, meter.mac)
    ]
    refused = [
        {
            "time": from_micros(each.time),
            "value": each.value,
            "reason": each.reason,
            "count": each.count,
            "received_at": from_micros(each.received),
        }
        for each in meters.refusals(meter.tenant, meter.mac)
    ]
    more = {"script": meter.script, "newest": _newest(stream), "assignments": assigned, "refusals": refused}
    return shown_sensor(meter) | more


def build(households: Households, gate: Gate) -> APIRouter:
    """The routes, for an administrator."""
    meters, accounts = households.meters, households.accounts
    router = APIRouter(tags=["Household management"], route_class=gate.keyed(ADMIN))

    @router.get("/sensors", summary="List sensors", response_model=documents.Sensors, responses=refusals())
    async def sensors(caller: Admitted, limit: Limit = 100, offset: Offset = 0) -> dict[str, Any]:
        """Some of the sensors, by address."""
        found = meters.meters(caller.tenant)
        some = found[offset : offset + limit]
        return {"sensors": [shown_sensor(each) for each in some], "total": len(found), "limit": limit, "offset": offset}

    @router.post(
        "/sensors",
        summary="Add a sensor",
        status_code=201,
        response_model=documents.HouseholdSensor,
        responses=refusals(409, 413),
    )
    async def add(caller: Admitted, body: documents.NewSensor) -> dict[str, Any]:
        """By its MAC address; it reads nobody yet."""
        kind = Kind[body.type.upper()]
        meter = await meters.add(
            caller.tenant, body.sensor_id, kind, script=body.script, secret=body.secret, limit=body.limit_kwh_minute
        )
        return shown_sensor(meter)

    @router.get(
        "/sensors/{mac}", summary="Show a sensor", response_model=documents.HouseholdSensorDetail, responses=refusals(404)
    )
    async def one(caller: Admitted, mac: str) -> dict[str, Any]:
        """With its newest reading, whom it read and when, and what was refused of it."""
        return await _in_full(meters, meters.meter(caller.tenant, mac))

    @router.patch(
        "/sensors/{mac}",
        summary="Change a sensor",
        response_model=documents.HouseholdSensor,
        responses=refusals(404, 413),
    )
    async def change(caller: Admitted, mac: str, body: documents.SensorChange) -> dict[str, Any]:
        """Sets the fields that are sent, all or none. A new script comes with the sensor's next token."""
        given = body.given()
        if "limit_kwh_minute" in given:
            given["limit"] = given.pop("limit_kwh_minute")
        return shown_sensor(await meters.change(caller.tenant, mac, given))

    @router.post(
        "/sensors/{mac}/assign",
        summary="Assign a sensor",
        response_model=documents.HouseholdSensor,
        responses=refusals(404, 409, 413),
    )
    async def assign(caller: Admitted, mac: str, body: documents.Assign) -> dict[str, Any]:
        """To a household, or to nobody. The household before keeps its readings; one that had the sensor before goes on with
        its own. A household has one sensor of a type."""
        if body.user_id is not None:
            await accounts.user(caller.tenant, body.user_id)
        return shown_sensor(await meters.assign(caller.tenant, mac, body.user_id, body.initial))

    @router.post(
        "/sensors/{mac}/swap",
        summary="Tell that the meter was replaced",
        response_model=documents.HouseholdSensor,
        responses=refusals(404, 409, 413),
    )
    async def swap(caller: Admitted, mac: str, body: documents.Swap) -> dict[str, Any]:
        """What was used so far stays; the next reading is counted from `initial`."""
        return shown_sensor(await meters.swap(caller.tenant, mac, body.initial))

    @router.delete("/sensors/{mac}", summary="Remove a sensor", status_code=204, responses=refusals(404))
    async def remove(caller: Admitted, mac: str) -> Response:
        """Its tokens end; the readings stay with the households."""
        await meters.remove(caller.tenant, mac)
        return Response(status_code=204)

    return router
