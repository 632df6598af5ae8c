"""Every route of the contract, on a platform."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from fastapi import APIRouter, Request, Response
from starlette.types import ASGIApp

from wattline.around import Around
from wattline.contracts.joulepoint import (
    accounts,
    analytics_export,
    analytics_forecast,
    analytics_kpi,
    analytics_live,
    analytics_matrix,
    constraints,
    credentials,
    energy_data,
    events,
    gateway_keys,
    groups,
    meter_keys,
    meters,
    oauth,
    pq_routes,
    problem,
    schedules,
    tariffs,
    topology_graph,
    topology_resources,
)
from wattline.contracts.joulepoint.around import MANNERS
from wattline.contracts.joulepoint.device_door import Senders
from wattline.contracts.joulepoint.gate import Gate
from wattline.contracts.joulepoint.live import routes as live
from wattline.contracts.joulepoint.mqtt.attach import attach
from wattline.contracts.joulepoint.rates import Rates
from wattline.contracts.joulepoint.slashes import strays
from wattline.identity.limits import RateLimiter
from wattline.platform import Platform

METADATA = "/.well-known/oauth-authorization-server"
BELOW = ("/api/energy", "/api/events", "/api/integrations", "/oauth")
PREFIXES = (*BELOW, METADATA)


@dataclass(frozen=True, eq=False)
class JoulepointContract:
    """What the application mounts (`wattline.app.Contract`)."""

    hot: Mapping[str, ASGIApp]
    routers: Sequence[tuple[str, APIRouter]]
    around: Callable[[ASGIApp], ASGIApp] | None = None
    prefixes: Sequence[str] = PREFIXES
    for_devices: Collection[str] = ()

    def failed(self, request: Request, error: Exception) -> Response:
        """The answer to a failure at one of this contract's paths."""
        return problem.failed(request, error)


def build(platform: Platform) -> JoulepointContract:
    """The contract on a running platform."""
    settings, metering, resources = platform.settings, platform.metering, platform.resources
    limiter = RateLimiter(platform.clock)
    gate = Gate(platform.identity, platform.oauth, settings, limiter)
    rates = Rates(limiter, "device", settings.joulepoint_device_rate, settings.joulepoint_device_burst)
    senders = Senders(metering.keys, gate, rates, platform.signature_failures, platform.clock, platform.metrics)
    measured = pq_routes.doors(platform, senders)
    doors = {
        **energy_data.doors(platform.readings, senders, most_bytes=settings.max_record_bytes),
        **pq_routes.hot(measured),
    }

    routers = [
        energy_data.build(doors),
        meters.build(metering, resources, gate),
        meter_keys.build(metering, gate),
        gateway_keys.build(metering, gate),
        groups.build(metering, resources, gate),
        accounts.build(metering, resources, gate),
        analytics_live.build(platform.figures, platform.clock, gate),
        analytics_kpi.build(platform.figures, platform.clock, gate),
        analytics_matrix.build(platform.figures, platform.clock, gate),
        analytics_export.build(platform.figures, platform.exports, platform.clock, gate),
        analytics_forecast.build(platform.forecasting, platform.figures, platform.clock, gate),
        *pq_routes.build(platform, measured, gate),
        topology_graph.build(platform.topology, platform.registry, platform.clock, gate),
        *topology_resources.build(platform.topology, metering, resources, gate),
        tariffs.build(platform.tariffs, resources, gate),
        *schedules.build(platform.schedules, metering, resources, gate),
        constraints.build(platform.constraints, resources, gate),
        oauth.build(platform.oauth),
        credentials.build(platform.oauth, gate, platform.clock),
        events.build(platform.occurrences, gate),
        live.build(platform, platform.occurrences, gate),
    ]
    if platform.mqtt is not None:
        attach(platform, platform.mqtt)

    every = [("", router) for router in (*routers, strays(routers, BELOW))]

    def around(app: ASGIApp) -> ASGIApp:
        # Doors look after themselves: devices call them, often, and no browser does.
        return app if app in doors.values() else Around(app, MANNERS, settings.cors_origins, settings.max_body_bytes)

    return JoulepointContract(doors, every, around)
