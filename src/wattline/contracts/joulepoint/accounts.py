"""/api/energy/accounts: who is billed, for which meters and by which tariffs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter

from wattline.contracts.joulepoint import resource_routes
from wattline.contracts.joulepoint.gate import Gate
from wattline.contracts.joulepoint.meters import COMMON, items, sees_account, unseen
from wattline.contracts.joulepoint.resource_routes import Shelf
from wattline.metering.accounts import LAST_BILLING_DAY
from wattline.metering.service import Metering
from wattline.model.errors import Faulty
from wattline.model.principal import Principal
from wattline.resources.model import Resource
from wattline.resources.service import Resources

PATH = "/api/energy/accounts"
_TIME = {"type": ["string", "null"], "format": "date-time"}


def _entries(field: str, said: str) -> dict[str, Any]:
    entry = {
        "type": "object",
        "required": [field],
        "properties": {field: {"type": "integer", "minimum": 1}, "from": _TIME, "to": _TIME},
    }
    return {"type": "array", "items": entry, "default": [], "description": f"{said} Half open; null has no end on that side."}


SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["name", "currency"],
    "additionalProperties": False,
    "properties": {
        **COMMON,
        "customer": {"type": "string", "minLength": 1, "maxLength": 200},
        "currency": {"type": "string", "description": "A code of ISO 4217."},
        "tariffs": _entries("tariff_id", "Which tariff applies when; no two at one time."),
        "meters": _entries("meter_id", "Which meters it pays for when, beside those that name it; a meter has one account."),
        "billing_mode": {"enum": ["postpaid", "prepaid"], "default": "postpaid"},
        "tax_rate": {"type": "string", "default": "0", "description": 'A share of the net amount: "0.19" is 19 %.'},
        "billing_day": {
            "type": "integer",
            "minimum": 1,
            "maximum": LAST_BILLING_DAY,
            "default": 1,
            "description": "The day of the month on which a billing period begins.",
        },
    },
}


def build(metering: Metering, resources: Resources, gate: Gate) -> APIRouter:
    """The routes. A caller of some sites sees the accounts whose every meter, at any time, is at one of them."""

    def sees(caller: Principal, resource: Resource) -> bool:
        return sees_account(metering, caller, resource.id)

    def may(caller: Principal, body: Mapping[str, Any], _whole: bool) -> None:
        faults = unseen(metering, caller, items(body, "meters", "meter_id"))
        if faults:
            raise Faulty(faults)

    filters = ("name", "external_id", "customer", "currency", "billing_mode")
    shelf = Shelf("account", PATH, "an account", filters, SCHEMA, sees=sees, may=may)
    return resource_routes.build(shelf, metering.accounts, resources, gate)
