"""/api/energy/groups: meters and groups of them, whose figures are added up."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter

from wattline.contracts.joulepoint import resource_routes
from wattline.contracts.joulepoint.gate import Gate
from wattline.contracts.joulepoint.meters import COMMON, items, sees_group, unseen
from wattline.contracts.joulepoint.resource_routes import Shelf
from wattline.metering.service import Metering
from wattline.model.errors import Fault, Faulty
from wattline.model.principal import Principal
from wattline.resources.model import Resource
from wattline.resources.service import Resources

PATH = "/api/energy/groups"
_IDS = {"type": "array", "items": {"type": "integer", "minimum": 1}, "uniqueItems": True, "default": []}
SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["name"],
    "additionalProperties": False,
    "properties": {
        **COMMON,
        "meter_ids": {**_IDS, "description": "Beside these, meters that name the group in their group_ids are in it."},
        "group_ids": {**_IDS, "description": "Groups whose meters are in this one too; never the group itself, however far."},
        "dedupe": {
            "type": "boolean",
            "default": True,
            "description": "A meter that is in it in several ways counts once; otherwise once for each way.",
        },
    },
}


def build(metering: Metering, resources: Resources, gate: Gate) -> APIRouter:
    """The routes. A caller of some sites sees the groups whose every meter is at one of them."""

    def sees(caller: Principal, resource: Resource) -> bool:
        return sees_group(metering, caller, resource.id)

    def may(caller: Principal, body: Mapping[str, Any], _whole: bool) -> None:
        faults = unseen(metering, caller, items(body, "meter_ids"))
        faults += [
            Fault(where, "unknown_reference", f"there is no group {number}")
            for where, number in items(body, "group_ids")
            if type(number) is int and not sees_group(metering, caller, number)
        ]
        if faults:
            raise Faulty(faults)

    shelf = Shelf("group", PATH, "a group", ("name", "external_id", "meter_ids", "group_ids"), SCHEMA, sees=sees, may=may)
    return resource_routes.build(shelf, metering.groups, resources, gate)
