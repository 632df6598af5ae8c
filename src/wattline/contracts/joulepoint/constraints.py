"""/api/energy/constraints: what a part of a site may take or give at most."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter

from wattline.charging.constraints import LEAST_CURRENT_A, POLICIES, Constraints
from wattline.contracts.joulepoint import resource_routes
from wattline.contracts.joulepoint.gate import Gate
from wattline.contracts.joulepoint.meters import COMMON, sees_node
from wattline.contracts.joulepoint.resource_routes import Shelf
from wattline.model.errors import Fault, Faulty
from wattline.model.principal import Principal
from wattline.resources.model import Resource
from wattline.resources.service import Resources

PATH = "/api/energy/constraints"
_POSITIVE = {"type": "number", "exclusiveMinimum": 0}
_NOT_NEGATIVE = {"type": "number", "minimum": 0}
_TIME = {"type": "string", "format": "date-time"}
SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["node_id"],
    "additionalProperties": False,
    "description": "At least one limit is given.",
    "properties": {
        **COMMON,
        "node_id": {"type": "integer", "minimum": 1, "description": "It holds for all that lies behind this node."},
        "max_current_a": _POSITIVE,
        "max_power_w": _POSITIVE,
        "import_w": _NOT_NEGATIVE,
        "export_w": _NOT_NEGATIVE,
        "peak_kw_15min": {**_POSITIVE, "description": "The highest mean over a quarter of an hour."},
        "per_phase": {"type": "boolean", "default": True},
        "margin_pct": {"type": "number", "minimum": 0, "maximum": 50, "default": 5},
        "fallback_a": {
            "type": "number",
            "default": LEAST_CURRENT_A,
            "description": "Per phase, where the meter is silent for longer than timeout_s: 0 (pause), or at least 6.",
        },
        "timeout_s": {"type": "integer", "minimum": 1, "maximum": 86_400, "default": 30},
        "priority_policy": {"enum": list(POLICIES), "default": POLICIES[0]},
        "valid": {"type": "object", "properties": {"from": _TIME, "to": _TIME}},
    },
}


def build(constraints: Constraints, resources: Resources, gate: Gate) -> APIRouter:
    """The routes."""

    def sees(caller: Principal, resource: Resource) -> bool:
        return sees_node(resources, caller, resource.body["node_id"])

    def may(caller: Principal, body: Mapping[str, Any], _whole: bool) -> None:
        if not sees_node(resources, caller, body.get("node_id")):
            raise Faulty([Fault("/node_id", "unknown_reference", f"there is no node {body['node_id']}")])

    filters = ("name", "external_id", "node_id", "priority_policy")
    shelf = Shelf("constraint", PATH, "a constraint", filters, SCHEMA, sees=sees, may=may)
    return resource_routes.build(shelf, constraints, resources, gate)
