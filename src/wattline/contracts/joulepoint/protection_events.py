"""GET /api/energy/protection/events, /protection/events/{id} and /protection/breakers."""

from __future__ import annotations

from hashlib import blake2b
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response

from wattline.contracts.joulepoint import paging
from wattline.contracts.joulepoint.gate import PQ_READ, Admitted, Gate
from wattline.contracts.joulepoint.pq_rows import (
    PROTECTION_EVENT,
    Asked,
    From,
    MeterId,
    To,
    listed,
    ordered,
    page_of,
    place_of,
    visible,
)
from wattline.contracts.joulepoint.query import spell
from wattline.contracts.joulepoint.reads import Read, add_reads
from wattline.contracts.joulepoint.resource_routes import encoded
from wattline.metering.checks import HIGHEST_ID
from wattline.metering.service import Metering
from wattline.model.clock import SECOND, Clock
from wattline.quality.protection.model import Breaker, Kind
from wattline.quality.protection.service import Protection, shown
from wattline.quality.protection.store import Which

PATH = "/api/energy/protection/events"
BREAKERS = "/api/energy/protection/breakers"
Number = Annotated[int, Path(ge=1, le=HIGHEST_ID, description="The id.")]
KindOf = Annotated[Kind | None, Query(alias="kind", description="Of this kind alone.")]
BreakerId = Annotated[
    str | None, Query(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$", description="Of this breaker alone.")
]
BREAKER: dict[str, Any] = {
    "type": "object",
    "properties": {
        "meter_id": {"type": "integer"},
        "breaker_id": {"type": "string"},
        "state": {"enum": ["open", "closed", "tripped"]},
        "since": {"type": "string", "format": "date-time"},
        "last_heard": {"type": "string", "format": "date-time"},
        "age_s": {"type": "number", "description": "How long ago it was last heard of."},
    },
}


def build(protection: Protection, metering: Metering, clock: Clock, gate: Gate) -> APIRouter:
    """The routes."""
    router = APIRouter(tags=["Joulepoint power quality"], route_class=gate.keyed(PQ_READ))

    async def events(
        caller: Admitted,
        request: Request,
        page: Asked,
        meter_id: MeterId = None,
        kind: KindOf = None,
        breaker_id: BreakerId = None,
        start: From = None,
        to: To = None,
    ) -> Response:
        ordered(start, to)
        which = Which(caller.tenant, visible(metering, caller, meter_id), kind, breaker_id, start, to)
        found = await protection.query(which, place_of(page), page.limit)
        return encoded(listed(request, found, lambda row: (row.report.time, row.id), shown))

    async def event(caller: Admitted, number: Number) -> Response:
        return encoded(shown(await protection.event(caller.tenant, number, visible(metering, caller, None))))

    async def breakers(caller: Admitted, request: Request, page: Asked, meter_id: MeterId = None) -> Response:
        now = clock.micros()
        rows = sorted(protection.breakers(caller.tenant, visible(metering, caller, meter_id)), key=_position)

        def row(known: Breaker) -> dict[str, Any]:
            return {
                "meter_id": known.meter,
                "breaker_id": known.breaker,
                "state": known.state,
                "since": spell(known.since),
                "last_heard": spell(known.time),
                "age_s": max(0, now - known.time) / SECOND,
            }

        return encoded(paging.page(request, rows, _position, page, row, width=4))

    add_reads(
        router,
        Read(PATH, events, "List protection events, newest first", page_of(PROTECTION_EVENT)),
        Read(f"{PATH}/{{number}}", event, "Show a protection event", PROTECTION_EVENT),
        Read(BREAKERS, breakers, "List breakers as they are now", page_of(BREAKER)),
    )
    return router


def _position(known: Breaker) -> tuple[int, ...]:
    """A breaker's place in the list, which none that comes later moves: its meter and its name, as far as a cursor can hold it,
    and a digest of the whole name."""
    name = known.breaker.encode()
    start = name[:14].ljust(14, b"\0")
    digest = blake2b(name, digest_size=7).digest()
    return (known.meter, *(int.from_bytes(part) for part in (start[:7], start[7:], digest)))
