"""The routes of the live streams, and the document that describes them."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, WebSocketRoute

from wattline.contracts.joulepoint.gate import Gate
from wattline.contracts.joulepoint.live import asyncapi, server_sent
from wattline.contracts.joulepoint.live.conversation import Live
from wattline.contracts.joulepoint.live.door import PATH, Door
from wattline.contracts.joulepoint.live.hub import Hub
from wattline.contracts.joulepoint.live.occurrences import Tails
from wattline.contracts.joulepoint.live.visitors import PATIENCE, Patience, Visitors
from wattline.contracts.joulepoint.problem import Problem, answer
from wattline.metering.occurrences.service import Occurrences
from wattline.platform import Platform


def build(platform: Platform, occurrences: Occurrences, gate: Gate, patience: Patience = PATIENCE) -> APIRouter:
    """The routes, on this platform. Nothing is listened to before the first client."""
    hub = Hub(platform.bus, platform.registry, platform.metering, platform.topology, platform.clock, platform.metrics)
    tails = Tails(occurrences, platform.events, platform.registry)
    hub.heard.append(tails.heard)
    hub.missed.append(tails.missed)
    live = Live(hub, tails, platform.pipeline.received, platform.clock)
    visitors = Visitors(gate, hub, platform.stopping, patience)
    router = server_sent.build(live, gate, visitors)
    router.routes.extend(asyncapi.build().routes)
    door = Door(live, visitors)
    # Without a slash at the end and with one.
    for path in (PATH, f"{PATH}/"):
        router.routes.append(WebSocketRoute(path, door, name=path))
        router.routes.append(Route(path, _no_upgrade, include_in_schema=False))
    return router


async def _no_upgrade(request: Request) -> Response:
    """Whoever opens the address like a page is told what it is."""
    upgrade = {"Upgrade": "websocket", "Connection": "Upgrade"}
    words = f"this is a WebSocket; the same comes as Server-Sent Events at {server_sent.PATH}"
    return answer(Problem(426, "upgrade_required", words, headers=upgrade), request.scope)
