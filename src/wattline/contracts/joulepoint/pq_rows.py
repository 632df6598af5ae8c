"""How events of power quality and of protection look: JSON Schemas, and the query that lists share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, TypeVar

from fastapi import Depends, Query, Request

from wattline.contracts.joulepoint import paging
from wattline.contracts.joulepoint.paging import Cursor
from wattline.contracts.joulepoint.problem import bad_parameter
from wattline.contracts.joulepoint.query import Instant
from wattline.metering.checks import HIGHEST_ID
from wattline.metering.service import Metering
from wattline.model.errors import NotFound
from wattline.model.principal import Principal
from wattline.quality.disturbance import METHODS, TYPES
from wattline.quality.pages import Page, Place
from wattline.quality.protection.model import KINDS, STATES

MeterId = Annotated[int | None, Query(ge=1, le=HIGHEST_ID, description="Of this meter alone.")]
From = Annotated[Instant | None, Query(alias="from", description="From this time on.")]
To = Annotated[Instant | None, Query(description="Before this time.")]
Asked = Annotated[paging.Asked, Depends(paging.asked)]
Row = TypeVar("Row")

_NUMBER = {"type": ["number", "null"]}
_TIME = {"type": "string", "format": "date-time"}
_TEXT = {"type": ["string", "null"]}
EVENT: dict[str, Any] = {
    "type": "object",
    "properties": {
        "id": {"type": "integer"},
        "meter_id": {"type": "integer"},
        "type": {"enum": list(TYPES)},
        "category": {**_TEXT, "description": "By IEEE 1159; null where the data is too coarse to tell."},
        "phases": {"type": "array", "items": {"type": "string"}},
        "start": _TIME,
        "end": {**_TIME, "type": ["string", "null"]},
        "duration_s": _NUMBER,
        "duration_range_s": {
            "type": ["array", "null"],
            "items": {"type": "number"},
            "description": "The least and the most that it can have lasted.",
        },
        "residual_pu": _NUMBER,
        "depth_pu": _NUMBER,
        "max_pu": _NUMBER,
        "value_pct": _NUMBER,
        "delta_u_max_pct": {
            **_NUMBER,
            "description": "Of a rapid voltage change: the farthest from the steady voltage before.",
        },
        "delta_u_ss_pct": {**_NUMBER, "description": "Of a rapid voltage change: between the steady voltages on both sides."},
        "threshold": _NUMBER,
        "hysteresis_pct": _NUMBER,
        "reference_v": _NUMBER,
        "method": {"enum": list(METHODS)},
        "resolution_s": _NUMBER,
        "standard": {"type": "string"},
        "contains": {"type": "array", "items": {"type": "string"}},
        "per_phase": {"type": "object"},
        "annotations": {"type": "array"},
        "source_event_id": _TEXT,
        "superseded_by": {"type": ["integer", "null"], "description": "The event that shows the same thing better."},
    },
}
PROTECTION_EVENT: dict[str, Any] = {
    "type": "object",
    "properties": {
        "id": {"type": "integer"},
        "meter_id": {"type": "integer"},
        "kind": {"enum": list(KINDS)},
        "breaker_id": {"type": "string", "default": "main"},
        "state": {"enum": [*STATES, None]},
        "prev_state": {"enum": [*STATES, None]},
        "current_a": _NUMBER,
        "leakage_ma": _NUMBER,
        "threshold": _NUMBER,
        "cause": _TEXT,
        "timestamp": _TIME,
        "source_event_id": _TEXT,
        "sequence_gap": {"type": "boolean", "description": "The breaker cannot have changed like this at once."},
        "late": {"type": "boolean", "description": "Something newer was known of the breaker."},
    },
}


def page_of(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema of a page of rows."""
    link = {"type": ["string", "null"]}
    return {
        "type": "object",
        "properties": {"count": {"type": "integer"}, "next": link, "previous": link, "results": {"items": schema}},
    }


def visible(metering: Metering, caller: Principal, meter_id: int | None) -> frozenset[int] | None:
    """The meters that a list is of: the one named, or all that the caller may see (None: all of its tenant).

    Raises `NotFound` for a meter that is not there.
    """
    if meter_id is not None:
        meter = metering.meters.get(caller.tenant, meter_id)
        if not caller.sees(meter.site):
            raise NotFound("no such meter")
        return frozenset({meter_id})
    if caller.sites is None:
        return None
    return frozenset(meter.id for meter in metering.meters.all(caller.tenant) if caller.sees(meter.site))


def place_of(page: paging.Asked) -> Place | None:
    """Where the page that is asked for lies. Raises `Problem` 400 for a cursor of another list."""
    position = page.position(2)
    return None if position is None or page.cursor is None else Place(position[0], position[1], page.cursor.backward)


def ordered(start: int | None, end: int | None) -> None:
    """Raise `Problem` 400 for a range that ends before it begins."""
    if start is not None and end is not None and end < start:
        raise bad_parameter("to", "order", "must not be before from")


def listed(
    request: Request, found: Page[Row], position: Callable[[Row], tuple[int, int]], shown: Callable[[Row], Any]
) -> dict[str, Any]:
    """The document of a page of events, newest first; a position is an event's time and id."""
    rows = found.rows
    older = Cursor(position(rows[-1]) if rows else paging.END * 2) if found.older else None
    newer = Cursor(position(rows[0]) if rows else paging.BEGINNING * 2, True) if found.newer else None
    return paging.envelope(request, found.total, [shown(row) for row in rows], older, newer)
