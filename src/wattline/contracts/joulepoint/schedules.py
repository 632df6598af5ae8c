"""/api/energy/schedules: limits, setpoints, switching and departures by local time, and what they come to."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response

from wattline.charging.effective import Interval
from wattline.charging.model import KINDS, TARGETS
from wattline.charging.schedules import KIND_OF, LONGEST, Schedules, refused
from wattline.contracts.joulepoint import resource_routes
from wattline.contracts.joulepoint.gate import ENERGY_READ, Admitted, Gate
from wattline.contracts.joulepoint.meters import COMMON, sees_meter, sees_node
from wattline.contracts.joulepoint.problem import bad_parameter, refusals
from wattline.contracts.joulepoint.query import Instant, spell
from wattline.contracts.joulepoint.resource_routes import Number, Shelf, encoded
from wattline.metering.service import Metering
from wattline.model.clock import DAY
from wattline.model.errors import Fault, Faulty, NotFound
from wattline.model.principal import Principal
from wattline.resources.model import Resource
from wattline.resources.service import Resources

PATH = "/api/energy/schedules"
_ID = {"type": "integer", "minimum": 1}
_TIME = {"type": "string", "format": "date-time"}
_PRIORITY = {
    "type": "integer",
    "minimum": 0,
    "maximum": 1000,
    "description": "The higher holds; at equal ones the lower value.",
}
_POSITIVE = {"type": "number", "exclusiveMinimum": 0}
SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["name", "target", "kind", "tz", "entries"],
    "additionalProperties": False,
    "properties": {
        **COMMON,
        "target": {
            "type": "object",
            "required": ["kind", "id"],
            "properties": {"kind": {"enum": list(TARGETS), "description": "An evse is a node of that kind."}, "id": _ID},
        },
        "kind": {"enum": list(KINDS)},
        "unit": {"enum": ["W", "A"], "description": "Of a limit or setpoint; W by default."},
        "tz": {"type": "string", "description": "IANA name: rules and local times are by its clocks."},
        "priority": {**_PRIORITY, "default": 0},
        "entries": {
            "type": "array",
            "minItems": 1,
            "maxItems": 100,
            "description": "Each has an rrule with start and either duration_s or end, or it has from and to.",
            "items": {
                "type": "object",
                "properties": {
                    "rrule": {"type": "string", "description": "RFC 5545, of days and longer.", "examples": ["FREQ=DAILY"]},
                    "start": {"type": "string", "description": "Local: 2026-06-11T22:00; the first day, and the time of each."},
                    "duration_s": {"type": "integer", "minimum": 1, "maximum": 2_678_400},
                    "end": {"type": "string", "description": "Local: 06:00, of the next day where it is not after the start."},
                    "from": _TIME,
                    "to": _TIME,
                    "value": {"type": ["number", "boolean"], "description": "In the unit; true or false for on_off."},
                    "priority": {**_PRIORITY, "description": "That of the schedule by default."},
                },
            },
        },
        "ev": {
            "type": "object",
            "description": "Of departures: what a vehicle needs, and has at the end of each entry.",
            "properties": {
                "target_kwh": _POSITIVE,
                "target_soc": {**_POSITIVE, "maximum": 100, "description": "%"},
                "capacity_kwh": _POSITIVE,
            },
        },
        "valid_from": _TIME,
        "valid_to": _TIME,
    },
}
FromTime = Annotated[Instant, Query(alias="from")]
ToTime = Annotated[Instant, Query(alias="to", description=f"At most {LONGEST // DAY} days after from; not part of it.")]
Together = Annotated[bool, Query(description="With the other schedules of the same target, kind and unit.")]


def build(schedules: Schedules, metering: Metering, resources: Resources, gate: Gate) -> list[APIRouter]:
    """The routes."""

    def sees_target(caller: Principal, target: Any) -> bool:
        if caller.sites is None or not isinstance(target, Mapping) or type(target.get("id")) is not int:
            return True
        kind, number = KIND_OF.get(target.get("kind", "")), target["id"]
        if kind == "node":
            return sees_node(resources, caller, number)
        if kind == "meter":
            return sees_meter(metering, caller, number)
        try:
            metering.members(caller.tenant, group_id=number, sites=caller.sites)
        except NotFound:
            return False
        return True

    def sees(caller: Principal, resource: Resource) -> bool:
        return sees_target(caller, resource.body["target"])

    def may(caller: Principal, body: Mapping[str, Any], _whole: bool) -> None:
        if not sees_target(caller, body.get("target")):
            raise Faulty([Fault("/target/id", "unknown_reference", "there is no such target")])

    async def effective(caller: Admitted, number: Number, start: FromTime, end: ToTime, together: Together = False) -> Response:
        resource = resources.get(caller.tenant, "schedule", number)
        if not sees(caller, resource):
            raise NotFound("no such schedule")
        fault = refused(start, end)
        if fault is not None:
            raise bad_parameter(*fault)
        found = await schedules.effective(caller.tenant, number, start, end, together=together)
        body = resource.body

        def shown() -> Response:
            return encoded(
                {
                    "schedule_id": number,
                    "kind": body["kind"],
                    "unit": body["unit"],
                    "tz": body["tz"],
                    "ev": body["ev"],
                    "from": spell(start),
                    "to": spell(end),
                    "intervals": [_shown(each) for each in found],
                }
            )

        return await asyncio.to_thread(shown)

    more = APIRouter(tags=["Joulepoint resources"])
    more.add_api_route(
        f"{PATH}/{{number}}/effective",
        effective,
        methods=["GET"],
        summary="Show what a schedule comes to",
        response_class=Response,
        response_model=None,
        route_class_override=gate.keyed(ENERGY_READ),
        responses=refusals(400, 404),
    )
    shelf = Shelf("schedule", PATH, "a schedule", ("name", "external_id", "kind"), SCHEMA, sees=sees, may=may)
    return [more, resource_routes.build(shelf, schedules, resources, gate)]


def _shown(each: Interval) -> dict[str, Any]:
    return {
        "from": spell(each.start),
        "to": spell(each.end),
        "value": each.value,
        "priority": each.priority,
        "schedule_id": each.schedule,
        "entry": each.entry,
    }
