"""Every route of the contract, on a platform."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from fastapi import APIRouter, Request, Response
from starlette.types import ASGIApp

from wattline.around import Around
from wattline.contracts.mcs import (
    alarms,
    alarms_actions,
    availability,
    billing,
    errors,
    events,
    health,
    inventory,
    places,
    stats,
    sustainability,
    telemetry,
)
from wattline.contracts.mcs.around import MANNERS
from wattline.contracts.mcs.blocks import Blocks
from wattline.contracts.mcs.feeds import routes as feeds
from wattline.contracts.mcs.gate import Gate, Terms
from wattline.contracts.mcs.mqtt.attach import attach
from wattline.identity.limits import RateLimiter
from wattline.platform import Platform

PREFIX = "/api/v1"
PREFIXES = (f"{PREFIX}/", "/health", "/stats")


@dataclass(frozen=True, eq=False)
class McsContract:
    """What the application mounts (`wattline.app.Contract`)."""

    hot: Mapping[str, ASGIApp]
    routers: Sequence[tuple[str, APIRouter]]
    around: Callable[[ASGIApp], ASGIApp]
    prefixes: Sequence[str] = PREFIXES
    for_devices: Collection[str] = ()

    def failed(self, request: Request, error: Exception) -> Response:
        """The answer to a failure at one of this contract's paths."""
        return errors.failed(request, error)


def build(platform: Platform) -> McsContract:
    """The contract on a running platform."""
    settings = platform.settings
    terms = Terms(settings.mcs_requests_per_minute, settings.mcs_long_queries_per_minute, settings.mcs_sockets_per_key)
    gate = Gate(platform.identity, settings, RateLimiter(platform.clock), terms)
    blocks = Blocks(platform.registry)
    api = APIRouter()

    charts, hot = telemetry.build(platform, gate, blocks)
    api.include_router(charts)
    for module in (availability, places, inventory):
        api.include_router(module.build(platform, gate, blocks))
    root = (health.build(platform), stats.build(platform, gate, blocks))
    for router in root:
        api.include_router(router)
    for module in (alarms, alarms_actions, events, billing, sustainability, feeds):
        api.include_router(module.build(platform, gate, blocks))

    if platform.mqtt is not None:
        attach(platform, platform.mqtt)

    around = partial(Around, manners=MANNERS, origins=settings.cors_origins, most_bytes=settings.max_record_bytes)
    return McsContract(
        {f"{PREFIX}{path}": app for path, app in hot.items()}, ((PREFIX, api), *(("", each) for each in root)), around
    )
