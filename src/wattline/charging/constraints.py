"""Constraints: what a part of a site may take or give at most, as resources."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wattline.metering.checks import Document, written
from wattline.metering.checks_references import References
from wattline.metering.keeping import Keeping
from wattline.resources.model import Kind, Resource
from wattline.resources.service import Resources

LIMITS = ("max_current_a", "max_power_w", "import_w", "export_w", "peak_kw_15min")
"""At least one of these is given."""
POLICIES = ("fair", "fifo", "departure")
LEAST_CURRENT_A = 6.0
"""Below this a vehicle cannot charge (IEC 61851-1): a charger gets as much, or pauses."""
FIELDS = (
    "name",
    "external_id",
    "metadata",
    "node_id",
    *LIMITS,
    "per_phase",
    "margin_pct",
    "fallback_a",
    "timeout_s",
    "priority_policy",
    "valid",
)


def read(body: object) -> dict[str, Any]:
    """The body of a constraint to store, every default filled in. Raises `Faulty`."""
    document = Document(body, FIELDS)
    current = document.number("max_current_a", 0, 1e6, None, above=True)
    checked = {
        "name": document.text("name"),
        "external_id": document.text("external_id"),
        "metadata": document.metadata(),
        "node_id": document.identity("node_id", required=True),
        "max_current_a": current,
        "max_power_w": document.number("max_power_w", 0, 1e9, None, above=True),
        "import_w": document.number("import_w", 0, 1e9, None),
        "export_w": document.number("export_w", 0, 1e9, None),
        "peak_kw_15min": document.number("peak_kw_15min", 0, 1e6, None, above=True),
        "per_phase": document.flag("per_phase", True),
        "margin_pct": document.number("margin_pct", 0, 50, 5.0),
        "fallback_a": document.number("fallback_a", 0, 1e6, LEAST_CURRENT_A),
        "timeout_s": document.whole("timeout_s", 1, 86_400, 30),
        "priority_policy": document.choice("priority_policy", POLICIES, POLICIES[0]),
        "valid": _valid(document),
    }
    if not any(document.given(name) for name in LIMITS):
        document.fault(LIMITS[0], "required", f"at least one of {', '.join(LIMITS)} must be given")
    _check_fallback(document, checked["fallback_a"], current)
    document.done()
    return checked


def _check_fallback(document: Document, fallback: float | None, current: float | None) -> None:
    """What holds without readings must be something that a charger can do, and that the limit allows."""
    if fallback is None:
        return
    if 0 < fallback < LEAST_CURRENT_A:
        document.fault("fallback_a", "out_of_range", "must be 0 (pause) or at least 6 A, below which no vehicle charges")
    elif current is not None and fallback > current:
        document.fault("fallback_a", "out_of_range", "must not be above max_current_a")


def _valid(document: Document) -> dict[str, Any] | None:
    inner = document.object("valid", ("from", "to"))
    if inner is None:
        return None
    start, end = inner.moment("from"), inner.moment("to")
    if start is not None and end is not None and start >= end:
        inner.fault("to", "out_of_order", "must be after from")
    return {"from": None if start is None else written(start), "to": None if end is None else written(end)}


class Constraints(Keeping):
    """The constraints of every tenant. Each is of a node, which stays while it does; it holds for all that lies behind it."""

    kind: Kind = "constraint"

    def __init__(self, resources: Resources, references: References) -> None:
        super().__init__(resources, references)
        references.add("constraint", ("node_id",), "node")

    def checked(self, tenant: str, known: Resource | None, body: Mapping[str, Any]) -> dict[str, Any]:
        result = read(body)
        document = Document({}, ())
        document.faults += self._references.missing(tenant, "constraint", result)
        document.done()
        return result
