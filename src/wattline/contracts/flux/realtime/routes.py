"""WS /realtime/v1/websocket, POST /realtime/v1/api/broadcast and POST .../api/broadcast/TOPIC/events/EVENT."""

from __future__ import annotations

import re

from fastapi import APIRouter
from starlette.responses import Response
from starlette.routing import WebSocketRoute

from wattline.contracts.flux.caller import Policy
from wattline.contracts.flux.gate.gate import Gate
from wattline.contracts.flux.realtime.door import Door
from wattline.contracts.flux.realtime.hub import Hub
from wattline.contracts.flux.realtime.joining import Realtime
from wattline.contracts.flux.realtime.limits import Limits
from wattline.contracts.flux.realtime.rooms import Rooms
from wattline.contracts.flux.realtime.sending import Sending, SendingOne
from wattline.contracts.flux.relation import Relations
from wattline.contracts.flux.telling import Telling
from wattline.identity.limits import RateLimiter
from wattline.platform import Platform

SOCKET = "/realtime/v1/websocket"
BROADCAST = "/realtime/v1/api/broadcast"
ONE = f"{BROADCAST}/{{topic:path}}/events/{{event:path}}"
SENT = re.compile(rf"{BROADCAST}(/.+/events/.+)?")
"""The paths that broadcasts are posted to."""


def build(platform: Platform, gate: Gate, policy: Policy, relations: Relations, limits: Limits | None = None) -> APIRouter:
    """The routes, on this platform."""
    limits = limits or Limits()
    hub = Hub(platform.bus, relations, platform.clock, limits)
    limiter = RateLimiter(platform.clock)
    shared = Realtime(hub, Rooms(), gate, policy, limiter, platform.clock, limits, platform.stopping)
    router = APIRouter(route_class=Telling)
    door = Door(shared, platform.identity, platform.settings.open)
    router.routes.append(WebSocketRoute(SOCKET, door, name="realtime"))
    router.add_api_route(
        BROADCAST,
        Sending(shared).__call__,
        methods=["POST"],
        status_code=202,
        response_class=Response,
        tags=["realtime"],
        summary="Broadcast to the clients on topics",
    )
    router.add_api_route(
        ONE,
        SendingOne(shared).__call__,
        methods=["POST"],
        status_code=202,
        response_class=Response,
        tags=["realtime"],
        summary="Broadcast to the clients on one topic",
    )
    return router
