"""JSON Schemas of the nodes and edges of a topology, and of the graph."""

from __future__ import annotations

from typing import Any

from wattline.contracts.joulepoint.meters import COMMON
from wattline.topology.checks import MAIN
from wattline.topology.flow import METHODS
from wattline.topology.model import BREAKER_STATES, EDGE_KINDS, NODE_KINDS, STATES

_ID = {"type": "integer", "minimum": 1}
_POSITIVE = {"type": "number", "exclusiveMinimum": 0}
_NOT_NEGATIVE = {"type": "number", "minimum": 0}
_METRES = {"type": "number", "description": "m"}
_UNKNOWN: dict[str, Any] = {"type": ["number", "null"]}

NODE: dict[str, Any] = {
    "type": "object",
    "required": ["kind"],
    "additionalProperties": False,
    "properties": {
        **COMMON,
        "site_id": {"type": "string", "default": MAIN, "description": "The key of its site; cannot be changed."},
        "kind": {"enum": list(NODE_KINDS)},
        "meter_id": {
            **_ID,
            "description": "The meter there, which is at no other node. At a load, pv, battery or evse it measures that thing, "
            "positive where it takes power; at a grid node what is imported; elsewhere what flows in from the supply.",
        },
        "rating_va": _POSITIVE,
        "nominal_voltage": {**_POSITIVE, "description": "V between a phase and the neutral; that of its meter by default."},
        "position": {
            "type": "object",
            "required": ["x", "y"],
            "properties": {"x": _METRES, "y": _METRES, "z": _METRES},
        },
        "state": {
            "enum": [*BREAKER_STATES, *STATES],
            "description": "Of a breaker closed, open or tripped; of all others in_service or out_of_service. What protection "
            "events tell of a breaker with this breaker_id, or external_id, counts for more.",
        },
        "breaker_id": {"type": "string", "description": "Of a breaker: how protection events name it."},
    },
}
EDGE: dict[str, Any] = {
    "type": "object",
    "required": ["source", "target"],
    "additionalProperties": False,
    "properties": {
        **COMMON,
        "site_id": {"type": "string", "description": "That of its nodes, which are of one site."},
        "source": {**_ID, "description": "The node nearer to the supply."},
        "target": _ID,
        "kind": {"enum": list(EDGE_KINDS), "default": EDGE_KINDS[0]},
        "length_m": _NOT_NEGATIVE,
        "r_ohm_per_km": {**_NOT_NEGATIVE, "description": "Of one conductor."},
        "x_ohm_per_km": _NOT_NEGATIVE,
        "rating_a": _POSITIVE,
        "phases": {"enum": [1, 3], "default": 3},
        "meshed": {"type": "boolean", "default": False, "description": "It closes a loop on purpose."},
    },
}
SEVERAL: dict[str, Any] = {"description": "One, or a list: then all are made or none."}
NODE_LIVE: dict[str, Any] = {
    "type": "object",
    "properties": {
        "power_w": _UNKNOWN,
        "voltage_v": {**_UNKNOWN, "description": "Between phase and neutral, the mean of the phases."},
        "current_a": {**_UNKNOWN, "description": "Of the phase with most."},
        "age_s": {**_UNKNOWN, "description": "Of the reading of power; where there is none, of the newest of the meter."},
        "stale": {
            "type": "boolean",
            "description": "Its power is older than three intervals of its meter, and than a minute: no sum counts on it.",
        },
        "basis": {"enum": ["measured", "derived", None], "description": "Derived: from what is measured elsewhere."},
        "state": {"type": "string"},
    },
}
EDGE_LIVE: dict[str, Any] = {
    "type": "object",
    "properties": {
        "power_w": {**_UNKNOWN, "description": "At the end that is farther from the supply."},
        "direction": {"enum": ["forward", "reverse", "none", None], "description": "Forward: from source to target."},
        "current_a": {
            **_UNKNOWN,
            "description": "The root of the mean square over the phases. Where no meter tells it, it comes from the power: "
            "with the reactive power behind the edge where every part of that is told, else with a power factor of 1.",
        },
        "loading_pct": {**_UNKNOWN, "description": "Of the phase with most."},
        "loss_w": _UNKNOWN,
        "loss_method": {"enum": list(METHODS)},
    },
}
_TOTAL = {**_UNKNOWN, "description": "Null where a part is not known."}
GRAPH: dict[str, Any] = {
    "type": "object",
    "properties": {
        "site_id": {"type": "string"},
        "nodes": {"type": "array", "items": {"type": "object", "properties": {"id": _ID, "live": NODE_LIVE}}},
        "edges": {"type": "array", "items": {"type": "object", "properties": {"id": _ID, "live": EDGE_LIVE}}},
        "totals": {
            "type": ["object", "null"],
            "properties": {
                "import_w": _TOTAL,
                "export_w": _TOTAL,
                "load_w": {**_UNKNOWN, "description": "All that takes power, batteries that charge among it."},
                "generation_w": _TOTAL,
                "loss_w": {**_UNKNOWN, "description": "Of the edges whose loss is known."},
                "unaccounted_w": {**_UNKNOWN, "description": "import - export + generation - load - loss"},
            },
        },
        "as_of": {"type": "string", "format": "date-time"},
    },
}
