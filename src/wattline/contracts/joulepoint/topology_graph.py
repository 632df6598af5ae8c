"""GET /api/energy/topology/nodes/graph: the network of a site with what flows in it, now or at an earlier moment."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from wattline.contracts.joulepoint.bodies import JSON
from wattline.contracts.joulepoint.gate import TOPOLOGY_READ, Admitted, Gate
from wattline.contracts.joulepoint.problem import bad_parameter, refusals
from wattline.contracts.joulepoint.query import Instant
from wattline.contracts.joulepoint.topology_documents import GRAPH
from wattline.contracts.joulepoint.topology_resources import NODES, TAG
from wattline.model.clock import Clock
from wattline.model.errors import NotFound
from wattline.registry.service import Registry
from wattline.topology.checks import MAIN, SITE_LENGTH
from wattline.topology.drawing import Plain
from wattline.topology.frame import Frame
from wattline.topology.service import Topology

PATH = f"{NODES}/graph"
BACK_THEN = "As it was then: the documents and breakers of that moment, and the newest readings before it, of any age."
SiteId = Annotated[str, Query(min_length=1, max_length=SITE_LENGTH, description="The key of a site.")]
Live = Annotated[bool, Query(description="With what flows; false: the documents alone.")]
At = Annotated[Instant | None, Query(description=BACK_THEN)]
ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {"description": "The graph", "content": {JSON: {"schema": GRAPH}}},
    304: {"description": "Nothing but ages changed since the answer with the ETag of If-None-Match"},
}


def build(topology: Topology, registry: Registry, clock: Clock, gate: Gate) -> APIRouter:
    """The route."""
    router = APIRouter(tags=[TAG])

    async def graph(caller: Admitted, request: Request, site_id: SiteId = MAIN, live: Live = True, at: At = None) -> Response:
        place = caller.tenant, site_id
        # A site whose devices report is there, if empty; the usual one always is.
        known = site_id == MAIN or topology.has_known(*place) or registry.site(*place) is not None
        if not known or not caller.sees(site_id):
            raise NotFound("no such site")
        if at is not None and at > clock.micros():
            raise bad_parameter("at", "future", "this moment is yet to come")
        seen: Frame | Plain
        if live:
            seen = await (topology.seen(*place) if at is None else topology.look_back(*place, at))
        else:
            seen = await (topology.documents(*place) if at is None else topology.documents_at(*place, at))
        # The tag and the text of thousands of nodes are made beside the event loop, in one go.
        return await asyncio.to_thread(_answer, seen, request.headers.get("if-none-match", ""))

    router.add_api_route(
        PATH,
        graph,
        methods=["GET"],
        summary="Show a site's graph",
        response_class=Response,
        response_model=None,
        route_class_override=gate.keyed(TOPOLOGY_READ),
        responses={**refusals(400, 404, 503), **ANSWERS},
    )
    return router


def _answer(seen: Frame | Plain, asked: str) -> Response:
    headers = {"ETag": seen.etag, "Cache-Control": "private, no-cache"}
    if _names(asked, seen.etag):
        return Response(status_code=304, headers=headers)
    return Response(seen.encoded(), headers=headers, media_type=JSON)


def _names(asked: str, tag: str) -> bool:
    """Whether `If-None-Match` names a tag, weakly compared (RFC 9110, 8.8.3.2)."""
    given = {each.strip().removeprefix("W/") for each in asked.split(",")}
    return "*" in given or tag.removeprefix("W/") in given
