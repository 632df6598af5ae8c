"""The types of occurrences: who may read each, and its JSON Schema (2020-12), to which members are only ever added."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from wattline.metering.fields import FIELDS
from wattline.metering.readings.failures import KIND as SIGNATURE_FAILED
from wattline.metering.readings.ingested import KIND as INGESTED

Json = dict[str, Any]
DIALECT = "https://json-schema.org/draft/2020-12/schema"
VERSION = 1
"""The schema_version of every type: it grows when a member is added."""

_TIME: Json = {"type": "string", "format": "date-time"}
_TEXT: Json = {"type": "string"}
_MAYBE_TEXT: Json = {"type": ["string", "null"]}
_WHOLE: Json = {"type": "integer"}
_MAYBE_WHOLE: Json = {"type": ["integer", "null"]}
_NUMBER: Json = {"type": "number"}
_MAYBE: Json = {"type": ["number", "null"]}


class Type(NamedTuple):
    """One type: the scope that reading it asks for, what it tells, and the schema of its `data`."""

    scope: str
    said: str
    data: Json


def _object(required: Mapping[str, Json], optional: Mapping[str, Json] | None = None) -> Json:
    return {"type": "object", "required": list(required), "properties": {**required, **(optional or {})}}


_INGESTED = _object(
    {"meter_id": _WHOLE, "timestamp": _TIME, "status": {"enum": ["stored", "replaced"]}},
    {
        **{field.name: {**_NUMBER, "description": f"{field.unit}"} for field in FIELDS},
        "quality": {"enum": ["good", "uncertain", "bad"]},
        "breaker_state": _TEXT,
        "seq": _WHOLE,
        "extra": {"type": "object", "additionalProperties": _NUMBER},
        "revision": {"type": "integer", "minimum": 2},
    },
)
_QUALITY = _object(
    {"phase": {"enum": ["start", "end"]}, "id": _WHOLE, "meter_id": _WHOLE, "type": _TEXT, "start": _TIME},
    {
        "end": {"type": ["string", "null"], "format": "date-time"},
        "residual_pu": _MAYBE,
        "depth_pu": _MAYBE,
        "max_pu": _MAYBE,
        "method": _MAYBE_TEXT,
    },
)
_PROTECTION = _object(
    {"id": _WHOLE, "meter_id": _WHOLE, "kind": _TEXT},
    {"breaker_id": _MAYBE_TEXT, "state": _MAYBE_TEXT, "prev_state": _MAYBE_TEXT, "cause": _MAYBE_TEXT},
)
_SIGNATURE = _object({"key_id": _WHOLE, "meter_id": _MAYBE_WHOLE, "failures": _WHOLE, "window_s": _WHOLE})
_OPEN: Json = {"type": "object"}

TYPES: Mapping[str, Type] = {
    INGESTED: Type("energy:read", "A reading was stored, or replaced another.", _INGESTED),
    "pq.event": Type("pq:read", "A power-quality event began or ended.", _QUALITY),
    "protection.event": Type("pq:read", "A protection device tripped, warned or changed its state.", _PROTECTION),
    SIGNATURE_FAILED: Type("config:write", "Messages came with a device key and wrong signatures.", _SIGNATURE),
    "alarm": Type("energy:read", "An alarm of a point changed its state.", _OPEN),
    "hop.grid_event": Type("energy:read", "A grid event was reported.", _OPEN),
    "hop.outage": Type("energy:read", "An outage began, changed or ended.", _OPEN),
}
LOGGED = frozenset(TYPES) - {INGESTED}
"""The types that are kinds of the hash-chained log."""


def readable(scopes: frozenset[str]) -> frozenset[str]:
    """The types that a holder of these scopes may read."""
    return frozenset(name for name, known in TYPES.items() if known.scope in scopes)


def schema(name: str) -> Json:
    """The schema of a whole entry of this type, envelope and data."""
    known = TYPES[name]
    envelope = _object(
        {
            "id": _TEXT,
            "type": {"const": name},
            "timestamp": _TIME,
            "tenant": _TEXT,
            "data": known.data,
            "causation_id": _MAYBE_TEXT,
            "schema_version": {"const": VERSION},
        },
        {"cursor": {**_TEXT, "description": "The place after this entry, for `after`."}},
    )
    return {
        "$schema": DIALECT,
        "$id": f"urn:wattline:event:{name}:{VERSION}",
        "title": name,
        "description": known.said,
        **envelope,
    }
