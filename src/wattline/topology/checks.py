"""What the document of a node or an edge must hold; every fault at once."""

from __future__ import annotations

from typing import Any

from wattline.metering.checks import Document
from wattline.topology.model import BREAKER_STATES, EDGE_KINDS, NODE_KINDS, STATES

MAIN = "main"
"""The site of what names none."""
SITE_LENGTH = 128
FARTHEST = 1e6
"""m from the site's origin, along each axis."""
NODE_FIELDS = frozenset(
    {
        "site_id",
        "kind",
        "name",
        "external_id",
        "meter_id",
        "rating_va",
        "nominal_voltage",
        "position",
        "state",
        "breaker_id",
        "metadata",
    }
)
EDGE_FIELDS = frozenset(
    {
        "site_id",
        "source",
        "target",
        "kind",
        "name",
        "external_id",
        "length_m",
        "r_ohm_per_km",
        "x_ohm_per_km",
        "rating_a",
        "phases",
        "meshed",
        "metadata",
    }
)


def check_node(body: object) -> dict[str, Any]:
    """The body of a node to store. Raises `Faulty`."""
    document = Document(body, NODE_FIELDS)
    kind = document.choice("kind", NODE_KINDS, None)
    if not document.given("kind"):
        document.fault("kind", "required", "must be given")
    states = BREAKER_STATES if kind == "breaker" else STATES
    checked = {
        "site_id": document.text("site_id", longest=SITE_LENGTH) or MAIN,
        "kind": kind,
        "name": document.text("name"),
        "external_id": document.text("external_id"),
        "meter_id": document.identity("meter_id"),
        "rating_va": document.number("rating_va", 0, 1e12, None, above=True),
        "nominal_voltage": document.number("nominal_voltage", 0, 1e6, None, above=True),
        "position": _position(document),
        "state": document.choice("state", states, states[0]),
        "breaker_id": document.text("breaker_id"),
        "metadata": document.metadata(),
    }
    if kind not in (None, "breaker") and document.given("breaker_id"):
        document.fault("breaker_id", "not_allowed", "only a breaker has one")
    document.done()
    return checked


def _position(document: Document) -> dict[str, float] | None:
    inner = document.object("position", ("x", "y", "z"))
    if inner is None:
        return None
    x = inner.number("x", -FARTHEST, FARTHEST, 0.0, required=True)
    y = inner.number("y", -FARTHEST, FARTHEST, 0.0, required=True)
    z = inner.number("z", -FARTHEST, FARTHEST, 0.0)
    return {"x": x or 0.0, "y": y or 0.0, "z": z or 0.0}


def check_edge(body: object) -> dict[str, Any]:
    """The body of an edge to store; `site_id` None where it was not said: it is that of its nodes. Raises `Faulty`."""
    document = Document(body, EDGE_FIELDS)
    checked = {
        "site_id": document.text("site_id", longest=SITE_LENGTH),
        "source": document.identity("source", required=True),
        "target": document.identity("target", required=True),
        "kind": document.choice("kind", EDGE_KINDS, "cable"),
        "name": document.text("name"),
        "external_id": document.text("external_id"),
        "length_m": document.number("length_m", 0, 1e6, None),
        "r_ohm_per_km": document.number("r_ohm_per_km", 0, 1e6, None),
        "x_ohm_per_km": document.number("x_ohm_per_km", 0, 1e6, None),
        "rating_a": document.number("rating_a", 0, 1e6, None, above=True),
        "phases": document.choice("phases", (1, 3), 3),
        "meshed": document.flag("meshed", False),
        "metadata": document.metadata(),
    }
    if checked["source"] is not None and checked["source"] == checked["target"]:
        document.fault("target", "loop", "must be another node than the source")
    document.done()
    return checked
