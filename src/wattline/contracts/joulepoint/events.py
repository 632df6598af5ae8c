"""GET /api/events and /api/events/schemas/{type}: the durable log for consumers, and what its entries look like."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Path, Query, Request, Response

from wattline.contracts.joulepoint.gate import Admitted, Gate, require
from wattline.contracts.joulepoint.problem import Problem, bad_parameter
from wattline.contracts.joulepoint.query import instant, spell
from wattline.contracts.joulepoint.reads import Read, add_reads
from wattline.contracts.joulepoint.resource_routes import encoded
from wattline.metering.checks import HIGHEST_ID
from wattline.metering.occurrences.model import Occurrence, Position, Which
from wattline.metering.occurrences.service import KEPT, Occurrences
from wattline.metering.occurrences.types import TYPES, VERSION, readable, schema
from wattline.model.clock import DAY, HOUR
from wattline.model.errors import Invalid, NotFound
from wattline.model.principal import Principal

PATH = "/api/events"
SCHEMAS = "/api/events/schemas"
SCHEMA_JSON = "application/schema+json"
LATEST = "latest"
LONGEST_AFTER = 64
SLACK = HOUR
"""How far a cursor may be ahead of the clock, which may have been set back."""

After = Annotated[
    str | None,
    Query(
        max_length=LONGEST_AFTER,
        description="Where to go on: a `cursor` of an earlier answer, a time of receipt (RFC 3339), or `latest` for the "
        "place after everything that is there. Without it the log begins 30 days ago.",
    ),
]
Most = Annotated[int, Query(ge=1, le=500, description="Entries of an answer.")]
TypeOf = Annotated[
    list[str],
    Query(
        alias="type",
        default_factory=list,
        max_length=50,
        description="Only these types; repeat it for several. Without it all that the token may read.",
    ),
]
MeterId = Annotated[int | None, Query(ge=1, le=HIGHEST_ID, description="Of this meter alone.")]
ENTRY: dict[str, Any] = {
    "type": "object",
    "required": ["id", "type", "timestamp", "tenant", "data", "causation_id", "schema_version", "cursor"],
    "properties": {
        "id": {"type": "string", "description": "The same whenever the entry is read: to recognise it by."},
        "type": {"enum": sorted(TYPES)},
        "timestamp": {"type": "string", "format": "date-time", "description": "When it happened."},
        "tenant": {"type": "string"},
        "data": {"type": "object", "description": "See the schema of the type."},
        "causation_id": {
            "type": ["string", "null"],
            "description": "The `id` of the entry of the reading that it was found in, else null.",
        },
        "schema_version": {"const": VERSION},
        "cursor": {"type": "string", "description": "The place after this entry."},
    },
}
ANSWER: dict[str, Any] = {
    "type": "object",
    "required": ["results", "cursor", "more"],
    "properties": {
        "results": {"type": "array", "items": ENTRY},
        "cursor": {"type": "string", "description": "The place after the last entry: `after` of the next request."},
        "more": {"type": "boolean", "description": "Whether others are there already."},
    },
}


def shown(found: Occurrence) -> dict[str, Any]:
    """An entry of the log as consumers get it."""
    return {
        "id": found.id,
        "type": found.type,
        "timestamp": spell(found.time),
        "tenant": found.tenant,
        "data": found.data,
        "causation_id": found.cause,
        "schema_version": VERSION,
        "cursor": found.position.text(),
    }


def chosen(caller: Principal, names: Sequence[str]) -> frozenset[str]:
    """The types that a caller gets. Raises `Problem` 400 for a type that is none, 403 for one that it may not read."""
    allowed = readable(caller.scopes)
    if not names:
        if not allowed:
            require(caller, "energy:read")
        return allowed
    for name in names:
        if name not in TYPES:
            raise bad_parameter("type", "unknown", f"there is no such type; there are: {', '.join(sorted(TYPES))}")
        require(caller, TYPES[name].scope)
    return frozenset(names)


def gone(occurrences: Occurrences) -> Problem:
    """410: the log does not go back as far."""
    detail = f"the log is kept for {KEPT // DAY} days: go on after {spell(occurrences.oldest)}, or without `after`"
    return Problem(410, "cursor_expired", detail)


async def place(occurrences: Occurrences, tenant: str, after: str | None) -> Position:
    """The place that `after` names. Raises `Problem` 400 for a text that names none, 410 for one that is too old."""
    if after is None:
        return await occurrences.at(tenant, occurrences.oldest)
    if after == LATEST:
        return await occurrences.newest(tenant)
    try:
        position = Position.read(after)
    except Invalid:
        return await _since(occurrences, tenant, after)
    if position.received < occurrences.oldest:
        raise gone(occurrences)
    newest = await occurrences.newest(tenant)
    if position.received > newest.received + SLACK or position.sequence > newest.sequence:
        raise bad_parameter("after", "bad_cursor", "the log has not come so far: this cursor is of another log")
    return position


async def _since(occurrences: Occurrences, tenant: str, after: str) -> Position:
    try:
        moment = instant(after)
    except ValueError:
        raise bad_parameter("after", "bad_cursor", "this is neither a cursor of the log nor a time with its offset") from None
    if moment < occurrences.oldest:
        raise gone(occurrences)
    newest = await occurrences.newest(tenant)
    return newest if moment >= newest.received else await occurrences.at(tenant, moment)


def build(occurrences: Occurrences, gate: Gate) -> APIRouter:
    """The routes. A token needs the scope of each type that it asks for, and no other."""
    router = APIRouter(tags=["Joulepoint streams"], route_class=gate.keyed())

    async def events(
        caller: Admitted,
        types: TypeOf,
        after: After = None,
        limit: Most = 100,
        meter_id: MeterId = None,
    ) -> Response:
        """Readings that were stored and events of every kind, in the order of their receipt, for 30 days.

        After a `cursor` everything that is committed later comes, and nothing twice. A reading that was sent again with other
        values is in the log once, as `replaced`, where the newest values came.
        """
        wanted = chosen(caller, types)
        if meter_id is not None and not occurrences.knows_meter(caller.tenant, meter_id, caller.sites):
            raise NotFound("no such meter")
        position = await place(occurrences, caller.tenant, after)
        page = await occurrences.page(Which(caller.tenant, wanted, caller.sites, meter_id), position, limit)
        results = [shown(found) for found in page.occurrences]
        return encoded({"results": results, "cursor": page.position.text(), "more": page.more})

    async def every_schema(_caller: Admitted, request: Request) -> Response:
        address = str(request.url.replace(path=SCHEMAS, query=""))
        rows = [{"type": n, "scope": t.scope, "description": t.said, "schema": f"{address}/{n}"} for n, t in TYPES.items()]
        return encoded({"results": rows})

    async def one_schema(_caller: Admitted, name: Annotated[str, Path(max_length=100, description="A type.")]) -> Response:
        if name not in TYPES:
            raise NotFound("no such type of event")
        return Response(msgspec.json.encode(schema(name)), media_type=SCHEMA_JSON)

    thing = {"type": "object"}
    add_reads(
        router,
        Read(PATH, events, "Read the log of events", ANSWER, statuses=(404, 410, 503)),
        Read(SCHEMAS, every_schema, "List the types of events", thing, statuses=()),
        Read(f"{SCHEMAS}/{{name}}", one_schema, "Show the JSON Schema of a type", thing, SCHEMA_JSON, (404,)),
    )
    return router
