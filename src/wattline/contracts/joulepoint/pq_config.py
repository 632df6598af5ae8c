"""POST and GET /api/energy/pq/config: the thresholds of a meter, and its reference."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response

from wattline.contracts.joulepoint import paging
from wattline.contracts.joulepoint.bodies import document
from wattline.contracts.joulepoint.etags import etag
from wattline.contracts.joulepoint.gate import CONFIG_WRITE, PQ_READ, Admitted, Gate
from wattline.contracts.joulepoint.pq_rows import Asked, MeterId, page_of, visible
from wattline.contracts.joulepoint.problem import Problem, refusals
from wattline.contracts.joulepoint.query import spell
from wattline.contracts.joulepoint.resource_routes import encoded
from wattline.metering.service import Metering
from wattline.model.principal import Principal
from wattline.quality.config import CHOICES, DEFAULTS
from wattline.quality.service import PowerQuality
from wattline.resources.model import Resource

PATH = "/api/energy/pq/config"
WRITE, ALSO_WRITE = "pq:write", CONFIG_WRITE
_NUMBER = {"type": ["number", "null"]}
SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["meter_id"],
    "additionalProperties": False,
    "properties": {
        "meter_id": {"type": "integer", "minimum": 1},
        **{
            name: {"enum": list(CHOICES[name]), "default": default} if name in CHOICES else {**_NUMBER, "default": default}
            for name, default in DEFAULTS.items()
        },
        "rvc_threshold_pct": {
            **_NUMBER,
            "minimum": 1,
            "maximum": 6,
            "default": DEFAULTS["rvc_threshold_pct"],
            "description": "How far, in percent of the nominal voltage, a rapid voltage change goes; null: not looked for.",
        },
    },
}
TEXT = """Set the thresholds of a meter, whole: 201 the first time, 200 after.

Voltages are in per unit of `nominal_voltage` (V; the meter's by default): between a phase and the neutral, with the wiring 3p3w
between two phases. They hold from the next sample on; an event that lasts keeps the thresholds it began with."""
EXAMPLE = {
    "meter_id": 5,
    "sag_v_threshold": 0.9,
    "swell_v_threshold": 1.1,
    "thd_pct_threshold": 5.0,
    "imbalance_pct_threshold": 2.0,
}


def shown(resource: Resource) -> dict[str, Any]:
    """A config as a document."""
    body = {name: value for name, value in resource.body.items() if name != "external_id"}
    return {
        "id": resource.id,
        **body,
        "created_at": spell(resource.created),
        "updated_at": spell(resource.updated),
        "version": resource.version,
    }


def _may_write(caller: Principal) -> None:
    if not caller.scopes & {WRITE, ALSO_WRITE}:
        challenge = {"WWW-Authenticate": f'Bearer error="insufficient_scope", scope="{ALSO_WRITE}"'}
        raise Problem(403, "insufficient_scope", f"this needs the scope {ALSO_WRITE} or {WRITE}", headers=challenge)


def build(quality: PowerQuality, metering: Metering, gate: Gate) -> APIRouter:
    """The routes."""
    router = APIRouter(tags=["Joulepoint power quality"])

    async def put(caller: Admitted, request: Request) -> Response:
        _may_write(caller)
        resource, is_new = await quality.configs.put(caller.tenant, await document(request), caller.sites)
        return encoded(shown(resource), 201 if is_new else 200, {"ETag": etag(resource.version)})

    async def configs(caller: Admitted, request: Request, page: Asked, meter_id: MeterId = None) -> Response:
        meters = visible(metering, caller, meter_id)
        if meter_id is not None:
            resource = quality.configs.get(caller.tenant, meter_id)
            return encoded(shown(resource), 200, {"ETag": etag(resource.version)})
        rows = [each for each in quality.configs.all(caller.tenant) if meters is None or each.body["meter_id"] in meters]
        return encoded(paging.page(request, rows, lambda each: each.id, page, shown))

    done = {"content": {"application/json": {"schema": SCHEMA}}}
    router.add_api_route(
        PATH,
        put,
        methods=["POST"],
        summary="Set a meter's power-quality thresholds",
        description=TEXT,
        response_class=Response,
        response_model=None,
        route_class_override=gate.keyed(),
        responses={
            **refusals(404, 409, 415, 503),
            200: {"description": "Replaced", **done},
            201: {"description": "Made", **done},
        },
        openapi_extra={
            "requestBody": {"required": True, "content": {"application/json": {"schema": SCHEMA, "example": EXAMPLE}}}
        },
    )
    either = {"oneOf": [SCHEMA, page_of(SCHEMA)]}
    router.add_api_route(
        PATH,
        configs,
        methods=["GET"],
        summary="Show a meter's thresholds, or list those of all",
        response_class=Response,
        response_model=None,
        route_class_override=gate.keyed(PQ_READ),
        responses={
            **refusals(404, 503),
            200: {"description": "One with meter_id, else a page", "content": {"application/json": {"schema": either}}},
        },
    )
    return router
