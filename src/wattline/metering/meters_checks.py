"""What the document of a meter must hold, and the meter that it describes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from wattline.metering.channels import device_at, quantities, usual_factor
from wattline.metering.checks import Document
from wattline.metering.fields import COLUMN, FIELDS
from wattline.metering.model import Meter, Source, SourceField, Term
from wattline.registry.service import Registry
from wattline.resources.model import Resource

KINDS = ("grid", "submeter", "generation", "battery", "evse", "virtual")
WIRINGS = {1: ("1p2w", "1p3w"), 3: ("3p4w", "3p3w")}
"""By the number of phases, the usual one first: phases (p) and wires (w), the neutral among them where there is one."""
MAIN_SITE = "main"
USUAL_VOLTAGE = 230.0
USUAL_INTERVAL = 60
MOST_TERMS = 500
MOST_GROUPS = 100
BODY = (
    "name",
    "external_id",
    "metadata",
    "site",
    "kind",
    "phases",
    "wiring",
    "nominal_voltage",
    "nominal_frequency",
    "rated_current",
    "ct_ratio",
    "vt_ratio",
    "secondary_readings",
    "register_digits",
    "energy_unit",
    "interval_s",
    "timezone",
    "account_id",
    "group_ids",
    "parent_id",
    "node_id",
    "formula",
    "source",
    "reading",
)


@dataclass(frozen=True, slots=True)
class Usual:
    """What holds where the document does not say it: the grid's frequency, and the zone of sites that have none."""

    frequency: int
    zone: str


def read(document: Document, registry: Registry, tenant: str, usual: Usual) -> dict[str, Any]:
    """Every field of the document with its default; faults are noted in it."""
    kind = document.choice("kind", KINDS, "grid")
    phases = document.choice("phases", (3, 1), 3)
    site = document.text("site", longest=128) or MAIN_SITE
    held = registry.site(tenant, site)
    zone = usual.zone if held is None or held.zone is None else held.zone
    wirings = WIRINGS[phases]
    return {
        "name": document.text("name", required=True),
        "external_id": document.text("external_id"),
        "metadata": document.metadata(),
        "site": site,
        "kind": kind,
        "phases": phases,
        "wiring": document.choice("wiring", wirings, wirings[0]),
        "nominal_voltage": document.number("nominal_voltage", 0, 1e6, USUAL_VOLTAGE, above=True),
        "nominal_frequency": document.choice("nominal_frequency", (50, 60), usual.frequency),
        "rated_current": document.number("rated_current", 0, 1e6, None, above=True),
        "ct_ratio": document.number("ct_ratio", 0, 1e6, 1.0, above=True),
        "vt_ratio": document.number("vt_ratio", 0, 1e6, 1.0, above=True),
        "secondary_readings": document.flag("secondary_readings", False),
        "register_digits": document.whole("register_digits", 1, 12, None),
        "energy_unit": document.choice("energy_unit", ("kWh", "Wh"), "kWh"),
        "interval_s": document.whole("interval_s", 1, 86_400, USUAL_INTERVAL),
        "timezone": document.zone("timezone", zone),
        "account_id": document.identity("account_id"),
        "group_ids": document.identities("group_ids", MOST_GROUPS),
        "parent_id": document.identity("parent_id"),
        "node_id": document.identity("node_id"),
        "formula": _formula(document, kind),
        "source": _source(document, kind, registry, tenant),
        "reading": document.choice("reading", ("lenient", "strict"), "lenient"),
    }


def _formula(document: Document, kind: str) -> list[dict[str, int]] | None:
    if kind != "virtual":
        if document.given("formula"):
            document.fault("formula", "not_allowed", "only a virtual meter has a formula")
        return None
    terms: list[dict[str, int]] = []
    items = document.objects("formula", ("meter_id", "sign"), MOST_TERMS)
    for item in items:
        number = item.identity("meter_id", required=True)
        sign = item.choice("sign", (1, -1), 1)
        if number is not None and any(term["meter_id"] == number for term in terms):
            item.fault("meter_id", "duplicate", "is named twice")
        terms.append({"meter_id": number or 0, "sign": sign})
    if not document.given("formula") or document.is_empty_list("formula"):
        document.fault("formula", "required", "a virtual meter needs a formula of at least one meter")
    return terms


def _source(document: Document, kind: str, registry: Registry, tenant: str) -> dict[str, Any] | None:
    source = document.object("source", ("site", "device", "fields"))
    if source is None:
        return None
    if kind == "virtual":
        document.fault("source", "not_allowed", "a virtual meter has a formula instead")
    site = source.text("site", required=True, longest=128)
    key = source.text("device", required=True, longest=128)
    fields = source.object("fields", COLUMN)
    if fields is None:
        source.fault("fields", "required", "must say which quantities are the fields")
    device = None if site is None or key is None else device_at(registry, tenant, site, key)
    if site is not None and key is not None and device is None:
        source.fault("device", "unknown_reference", "there is no such device at this site")
    known = {} if device is None else quantities(registry, device)
    found: dict[str, Any] = {}
    for field in FIELDS:
        item = None if fields is None else fields.object(field.name, ("quantity", "factor"))
        if item is None:
            continue
        quantity = item.text("quantity", required=True)
        factor = item.number("factor", -1e12, 1e12, None)
        if factor == 0:
            item.fault("factor", "out_of_range", "must not be 0")
        if quantity is not None and device is not None:
            place = known.get(quantity)
            if place is None:
                item.fault("quantity", "unknown_reference", "the device has no such quantity")
            elif factor is None:
                factor = usual_factor(place[0].sensors[place[1]].quantity.unit, field)
                if factor is None:
                    item.fault("factor", "required", f"must say what makes the quantity one in {field.unit}")
        found[field.name] = {"quantity": quantity, "factor": factor}
    if fields is not None and not found:
        source.fault("fields", "required", "must say of at least one field which quantity it is")
    return {"site": site, "device": key, "fields": found}


def meter_of(resource: Resource) -> Meter:
    """The meter that a checked resource describes."""
    body: Mapping[str, Any] = resource.body
    plain = {name: body[name] for name in BODY if name not in ("group_ids", "formula", "source")}
    return Meter(
        id=resource.id,
        tenant=resource.tenant,
        version=resource.version,
        **plain,
        group_ids=tuple(body["group_ids"]),
        formula=tuple(Term(term["meter_id"], term["sign"]) for term in body["formula"] or ()),
        source=_source_of(body["source"]),
    )


def _source_of(body: Mapping[str, Any] | None) -> Source | None:
    if body is None:
        return None
    fields = tuple(SourceField(name, each["quantity"], each["factor"]) for name, each in body["fields"].items())
    return Source(body["site"], body["device"], fields)
