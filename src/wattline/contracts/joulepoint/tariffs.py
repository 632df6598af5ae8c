"""/api/energy/tariffs: what energy and demand cost."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from wattline.billing.tariffs.checks import NETS, WINDOWS
from wattline.billing.tariffs.keeper import Tariffs
from wattline.contracts.joulepoint import resource_routes
from wattline.contracts.joulepoint.gate import Gate
from wattline.contracts.joulepoint.meters import COMMON
from wattline.contracts.joulepoint.resource_routes import Shelf
from wattline.resources.service import Resources

PATH = "/api/energy/tariffs"
_DECIMAL = {"type": "string", "pattern": r"^-?(0|[1-9]\d{0,11})(\.\d{1,12})?$", "examples": ["0.10"]}
_MOST = {"type": ["string", "null"], "description": "Up to how many kWh or kW in a month; null in the last tier."}
_TIER = {
    "type": "object",
    "required": ["rate"],
    "properties": {"rate": _DECIMAL, "max": _MOST, "sell": {**_DECIMAL, "description": "What is paid per kWh given."}},
}
_PERIODS = {"type": "array", "items": {"type": "array", "items": _TIER}}
_CALENDAR = {
    "type": "array",
    "minItems": 12,
    "maxItems": 12,
    "description": "12 months of 24 hours: the number of the period.",
    "items": {"type": "array", "minItems": 24, "maxItems": 24, "items": {"type": "integer", "minimum": 0}},
}
_RATES = {
    "type": "object",
    "required": ["periods"],
    "properties": {"periods": _PERIODS, "weekday": _CALENDAR, "weekend": _CALENDAR},
}
_TIME = {"type": "string", "format": "date-time"}
SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["name", "currency", "timezone"],
    "description": "In local time. The names of the URDB, such as energyratestructure, are understood too. The terms of a "
    "tariff that an account is billed by only change from a valid_from on that is yet to come; those before are in `former`.",
    "properties": {
        **COMMON,
        "currency": {"type": "string", "description": "ISO 4217"},
        "timezone": {"type": "string", "description": "IANA name"},
        "energy": _RATES,
        "demand": {
            "type": "object",
            "properties": {
                "flat": {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "required": ["months", "tiers"],
                        "properties": {
                            "months": {"type": "array", "items": {"type": "integer", "minimum": 1, "maximum": 12}},
                            "tiers": {"type": "array", "items": _TIER},
                        },
                    },
                },
                "tou": _RATES,
                "window_min": {"enum": list(WINDOWS), "default": 15},
                "ratchet_pct": _DECIMAL,
            },
        },
        "fixed": {"type": "object", "properties": {"per_month": _DECIMAL, "per_day": _DECIMAL}},
        "minimum": {**_DECIMAL, "description": "Of a month's bill."},
        "net": {"enum": list(NETS), "default": NETS[0]},
        "holidays": {"type": "array", "items": {"type": "string", "format": "date"}, "description": "Like the weekend."},
        "adjustments": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["name"],
                "properties": {"name": {"type": "string"}, "per_kwh": _DECIMAL, "pct": _DECIMAL},
            },
        },
        "valid_from": _TIME,
        "valid_to": _TIME,
        "series": {
            "type": "array",
            "description": "Dynamic prices per kWh, in order; they count before the calendar.",
            "items": {
                "type": "object",
                "required": ["from", "to", "price"],
                "properties": {"from": _TIME, "to": _TIME, "price": _DECIMAL, "sell": _DECIMAL},
            },
        },
    },
}


def build(tariffs: Tariffs, resources: Resources, gate: Gate) -> APIRouter:
    """The routes."""
    shelf = Shelf("tariff", PATH, "a tariff", ("name", "external_id", "currency", "net"), SCHEMA)
    return resource_routes.build(shelf, tariffs, resources, gate)
