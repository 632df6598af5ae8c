"""GET /api/energy/pq/events and /pq/events/{id}: what was detected."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response

from wattline.contracts.joulepoint.gate import PQ_READ, Admitted, Gate
from wattline.contracts.joulepoint.pq_rows import (
    EVENT,
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
from wattline.contracts.joulepoint.reads import Read, add_reads
from wattline.contracts.joulepoint.resource_routes import encoded
from wattline.metering.checks import HIGHEST_ID
from wattline.metering.service import Metering
from wattline.model.clock import SECOND
from wattline.quality.disturbance import Type
from wattline.quality.ledger import shown
from wattline.quality.service import PowerQuality
from wattline.quality.store import Which

PATH = "/api/energy/pq/events"
Number = Annotated[int, Path(ge=1, le=HIGHEST_ID, description="The id.")]
TypeOf = Annotated[Type | None, Query(alias="type", description="Of this type alone.")]
Open = Annotated[bool | None, Query(description="True: those that last; false: those that have ended.")]
LeastDuration = Annotated[float | None, Query(ge=0, le=1e9, description="Lasted as many seconds at least, until now if open.")]


def build(quality: PowerQuality, metering: Metering, gate: Gate) -> APIRouter:
    """The routes."""
    router = APIRouter(tags=["Joulepoint power quality"], route_class=gate.keyed(PQ_READ))

    async def events(
        caller: Admitted,
        request: Request,
        page: Asked,
        meter_id: MeterId = None,
        kind: TypeOf = None,
        start: From = None,
        to: To = None,
        open: Open = None,  # noqa: A002 - the parameter's name
        min_duration_s: LeastDuration = None,
    ) -> Response:
        ordered(start, to)
        least = None if min_duration_s is None else round(min_duration_s * SECOND)
        meters = visible(metering, caller, meter_id)
        which = Which(caller.tenant, meters, kind, start, to, open, least)
        found = await quality.query(which, place_of(page), page.limit)
        return encoded(listed(request, found, lambda row: (row.start, row.id), shown))

    async def event(caller: Admitted, number: Number) -> Response:
        return encoded(shown(await quality.event(caller.tenant, number, visible(metering, caller, None))))

    add_reads(
        router,
        Read(PATH, events, "List power-quality events, newest first", page_of(EVENT)),
        Read(f"{PATH}/{{number}}", event, "Show a power-quality event", EVENT),
    )
    return router
