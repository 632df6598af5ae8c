"""The routes of the live streams, and the document that describes them."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.routing import WebSocketRoute

from wattline.contracts.joulepoint.gate import Gate
from wattline.contracts.joulepoint.live import asyncapi, server_sent
from wattline.contracts.joulepoint.live.conversation import Live
from wattline.contracts.joulepoint.live.door import PATH, Door
from wattline.contracts.joulepoint.live.hub import Hub
from wattline.contracts.joulepoint.live.occurrences import Tails
from wattline.contracts.joulepoint.live.visitors import PATIENCE, Patience, Visitors
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
    return router
