"""/api/energy/meters: the meters of a tenant, as far as their sites may be seen."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from fastapi import APIRouter

from wattline.contracts.joulepoint import resource_routes
from wattline.contracts.joulepoint.gate import Gate
from wattline.contracts.joulepoint.problem import pointer
from wattline.contracts.joulepoint.resource_routes import Shelf
from wattline.metering.fields import NAMES
from wattline.metering.meters_checks import KINDS, MAIN_SITE, WIRINGS
from wattline.metering.model import Meter
from wattline.metering.service import Metering
from wattline.model.errors import Fault, Faulty, NotFound
from wattline.model.principal import Principal
from wattline.resources.model import Resource
from wattline.resources.service import Resources

PATH = "/api/energy/meters"
_ID = {"type": "integer", "minimum": 1}
_IDS = {"type": "array", "items": _ID, "uniqueItems": True}
_NAME = {"type": "string", "minLength": 1, "maxLength": 200}
_RATIO = {"type": "number", "exclusiveMinimum": 0, "default": 1}
COMMON: dict[str, Any] = {
    "name": _NAME,
    "external_id": {**_NAME, "description": "Your own name for it, unique among those of its kind."},
    "metadata": {"type": "object", "description": "Whatever you keep with it, at most 8 KiB as JSON."},
}
"""What the documents of every kind have."""
_SOURCE = {
    "type": "object",
    "required": ["site", "device", "fields"],
    "description": "A device of another API whose sensors are the fields of this meter, which then takes no readings itself.",
    "properties": {
        "site": {"type": "string"},
        "device": {"type": "string"},
        "fields": {
            "type": "object",
            "propertyNames": {"enum": list(NAMES)},
            "additionalProperties": {
                "type": "object",
                "required": ["quantity"],
                "properties": {
                    "quantity": {"type": "string"},
                    "factor": {"type": "number", "description": "Needed where the units do not say it: 1000 makes kW W."},
                },
            },
        },
    },
}
SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["name"],
    "additionalProperties": False,
    "properties": {
        **COMMON,
        "site": {"type": "string", "default": MAIN_SITE, "description": "Cannot be changed once there are readings."},
        "kind": {"enum": list(KINDS), "default": "grid"},
        "phases": {"enum": [1, 3], "default": 3},
        "wiring": {
            "enum": [wiring for wirings in WIRINGS.values() for wiring in wirings],
            "description": "Phases and wires; 3p4w where there are three phases, else 1p2w.",
        },
        "nominal_voltage": {
            "type": "number",
            "default": 230,
            "description": "V between a phase and the neutral; with 3p3w between two phases.",
        },
        "nominal_frequency": {"enum": [50, 60], "description": "Hz; that of your grid by default."},
        "rated_current": {"type": "number", "exclusiveMinimum": 0, "description": "A"},
        "ct_ratio": _RATIO,
        "vt_ratio": _RATIO,
        "secondary_readings": {
            "type": "boolean",
            "default": False,
            "description": "Readings are those of the transformers' secondary side: they are multiplied by the ratios as they "
            "come in. Otherwise the ratios are kept and change nothing.",
        },
        "register_digits": {"type": "integer", "minimum": 1, "maximum": 12, "description": "Digits before the decimal point."},
        "energy_unit": {
            "enum": ["kWh", "Wh"],
            "default": "kWh",
            "description": "What its registers count in as they are sent; kept and shown is always kWh.",
        },
        "interval_s": {"type": "integer", "minimum": 1, "maximum": 86400, "default": 60, "description": "Between readings."},
        "timezone": {"type": "string", "description": "An IANA name; that of the site, else UTC, when the meter is written."},
        "account_id": {**_ID, "description": "The account that has it at all times."},
        "group_ids": _IDS,
        "parent_id": _ID,
        "node_id": _ID,
        "formula": {
            "type": "array",
            "minItems": 1,
            "description": "Of a virtual meter: it is the sum of these meters, each with its sign.",
            "items": {
                "type": "object",
                "required": ["meter_id"],
                "properties": {"meter_id": _ID, "sign": {"enum": [1, -1], "default": 1}},
            },
        },
        "source": _SOURCE,
        "reading": {
            "enum": ["lenient", "strict"],
            "default": "lenient",
            "description": "Strict: a reading with a field that is not known, or a time without offset, is refused.",
        },
    },
}


def seen(metering: Metering, caller: Principal, number: int) -> Meter:
    """The caller's meter with this id. Raises `NotFound`, also where its site is none that the caller sees."""
    meter = metering.meters.get(caller.tenant, number)
    if not caller.sees(meter.site):
        raise NotFound("no such meter")
    return meter


def sees_all(metering: Metering, caller: Principal, numbers: Iterable[int]) -> bool:
    """Whether the caller sees every one of these meters of its tenant."""
    return caller.sites is None or all(
        caller.sees(meter.site) for number in numbers if (meter := metering.meters.find(caller.tenant, number)) is not None
    )


def sees_group(metering: Metering, caller: Principal, number: int) -> bool:
    """Whether the caller sees every meter of a group; one that is not there it does not see."""
    if caller.sites is None:
        return True
    try:
        return sees_all(metering, caller, metering.groups.counts(caller.tenant, number))
    except NotFound:
        return False


def sees_account(metering: Metering, caller: Principal, number: int) -> bool:
    """Whether the caller sees every meter that an account has at any time; one that is not there it does not see."""
    if caller.sites is None:
        return True
    try:
        return sees_all(metering, caller, (each.meter_id for each in metering.accounts.tenures(caller.tenant, number)))
    except NotFound:
        return False


def sees_node(resources: Resources, caller: Principal, number: Any) -> bool:
    """Whether a caller sees a node of its tenant; who sees some sites alone does not see one that is not there. True of what is
    no id."""
    if caller.sites is None or type(number) is not int:
        return True
    node = resources.find(caller.tenant, "node", number)
    return node is not None and caller.sees(node.body["site_id"])


def sees_meter(metering: Metering, caller: Principal, number: int) -> bool:
    """Likewise of a meter."""
    if caller.sites is None:
        return True
    meter = metering.meters.find(caller.tenant, number)
    return meter is not None and caller.sees(meter.site)


def unseen(metering: Metering, caller: Principal, named: Iterable[tuple[str, Any]]) -> list[Fault]:
    """A fault for each pointer whose meter is at a site that the caller does not see: for it there is no such meter."""
    return [
        Fault(where, "unknown_reference", f"there is no meter {number}")
        for where, number in named
        if type(number) is int and not sees_meter(metering, caller, number)
    ]


def items(body: Mapping[str, Any], name: str, field: str | None = None) -> Iterator[tuple[str, Any]]:
    """The items of a list in a body, or a field of each, with their pointers; nothing of what has another form."""
    found = body.get(name)
    for index, item in enumerate(found if isinstance(found, list) else ()):
        if field is None:
            yield pointer(name, index), item
        elif isinstance(item, dict):
            yield pointer(name, index, field), item.get(field)


def build(metering: Metering, resources: Resources, gate: Gate) -> APIRouter:
    """The routes."""

    def may(caller: Principal, body: Mapping[str, Any], whole: bool) -> None:
        if caller.sites is None:
            return
        site = body.get("site") or (MAIN_SITE if whole or "site" in body else None)
        source = body.get("source")
        places = [("/site", site), ("/source/site", source.get("site") if isinstance(source, dict) else None)]
        faults = [
            Fault(where, "unknown_reference", "there is no such site among those of this credential")
            for where, place in places
            if isinstance(place, str) and not caller.sees(place)
        ]
        named = [("/parent_id", body.get("parent_id")), *items(body, "formula", "meter_id")]
        faults += unseen(metering, caller, named)
        faults += [
            Fault(where, "unknown_reference", f"there is no group {number}")
            for where, number in items(body, "group_ids")
            if type(number) is int and not sees_group(metering, caller, number)
        ]
        account = body.get("account_id")
        if type(account) is int and not sees_account(metering, caller, account):
            faults.append(Fault("/account_id", "unknown_reference", f"there is no account {account}"))
        if not sees_node(resources, caller, body.get("node_id")):
            faults.append(Fault("/node_id", "unknown_reference", f"there is no node {body['node_id']}"))
        if faults:
            raise Faulty(faults)

    def sees(caller: Principal, resource: Resource) -> bool:
        return caller.sees(resource.body["site"])

    shelf = Shelf(
        "meter",
        PATH,
        "a meter",
        ("name", "external_id", "site", "kind", "account_id", "group_ids", "parent_id", "node_id"),
        SCHEMA,
        sees=sees,
        may=may,
    )
    return resource_routes.build(shelf, metering.meters, resources, gate)
