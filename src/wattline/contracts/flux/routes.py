"""Every route of the contract, on a platform."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from types import SimpleNamespace

from fastapi import APIRouter, Request, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from wattline import __version__
from wattline.contracts.flux.answers import failure
from wattline.contracts.flux.asked import Views
from wattline.contracts.flux.door import PREFIX, Door
from wattline.contracts.flux.errors import Refusal
from wattline.contracts.flux.explain import documented
from wattline.contracts.flux.gate import policy
from wattline.contracts.flux.gate.around import Around
from wattline.contracts.flux.gate.gate import Gate
from wattline.contracts.flux.openapi import Root
from wattline.contracts.flux.read.answer import Limits
from wattline.contracts.flux.read.rows import Reader
from wattline.contracts.flux.realtime import routes as realtime
from wattline.contracts.flux.relation import Relation, Relations
from wattline.contracts.flux.relations.devices import Devices
from wattline.contracts.flux.relations.foreign import Foreign
from wattline.contracts.flux.relations.intervals import IntervalRows
from wattline.contracts.flux.relations.market import MarketData, MarketTypes
from wattline.contracts.flux.relations.readings import Readings
from wattline.contracts.flux.relations.registry import DeviceRegistry
from wattline.contracts.flux.relations.rollups import Rollup
from wattline.contracts.flux.resources import Resources
from wattline.contracts.flux.rpc import functions
from wattline.contracts.flux.rpc.call import Calls
from wattline.contracts.flux.tables import BESS, BESS_ROLLUPS, METER, METER_ROLLUPS
from wattline.contracts.flux.telling import told
from wattline.contracts.flux.write.model import Options
from wattline.identity.limits import RateLimiter
from wattline.platform import Platform

PREFIXES = (PREFIX, "/realtime/v1")


@dataclass(frozen=True, eq=False)
class FluxContract:
    """What the application mounts (`wattline.app.Contract`)."""

    hot: Mapping[str, ASGIApp]
    routers: Sequence[tuple[str, APIRouter]]
    around: Callable[[ASGIApp], ASGIApp]
    prefixes: Sequence[str] = PREFIXES
    for_devices: Collection[str] = ()

    def failed(self, request: Request, error: Exception) -> Response:
        """The answer to a failure at one of this contract's paths."""
        return told(error)


class _Below:
    """Sends what lies below the first prefix to the door, whatever path or method it is.

    What no route answers is told in the contract's shape too.
    """

    def __init__(self, app: ASGIApp, door: Door) -> None:
        self._app = app
        self._door = door

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path, method = scope["path"], scope["method"]
        if path == PREFIX or path.startswith(f"{PREFIX}/"):
            # The metrics count by the template: a bounded set.
            scope["route"] = SimpleNamespace(path=f"{PREFIX}/{{table}}")
            await self._door(scope, receive, send)
        elif method == "POST" and realtime.SENT.fullmatch(path):
            await self._app(scope, receive, send)
        else:
            await failure(_unknown(path, method)).send(send, head=method == "HEAD")


def _unknown(path: str, method: str) -> Refusal:
    if realtime.SENT.fullmatch(path):
        return Refusal(405, "PGRST117", f"Unsupported HTTP method: {method}", headers={"Allow": "POST"})
    return Refusal(404, "PGRST125", "Invalid path specified in request URL")


def relations(platform: Platform) -> Relations:
    """Every relation of the contract; what is committed to one is published on the bus as "flux"."""
    publish = partial(platform.bus.publish, "flux")
    devices = {kind.name: Devices(platform.registry, platform.listings, kind) for kind in (BESS, METER)}
    made: list[Relation] = [
        *(Readings(kind, devices[kind.name], platform.pipeline, platform.clock, publish) for kind in (BESS, METER)),
        DeviceRegistry(platform.listings, platform.changes, publish),
        MarketData(platform.markets, platform.changes, publish),
        MarketTypes(platform.markets, platform.changes, publish),
    ]
    for kind, rollups in ((BESS, BESS_ROLLUPS), (METER, METER_ROLLUPS)):
        rows = IntervalRows(devices[kind.name], platform.pipeline.intervals)
        made += [Rollup(rollup, rows) for rollup in rollups]
    platform.pipeline.listeners.append(Foreign(platform.listings, (BESS, METER), publish).heard)
    return Relations({relation.type.name: relation for relation in made})


def build(platform: Platform) -> FluxContract:
    """The contract on a running platform."""
    settings = platform.settings
    every = relations(platform)
    gate = Gate(platform.identity, settings, RateLimiter(platform.clock), platform.clock)
    rights = policy.build(settings)
    views = Views(rights, platform.clock)
    reader = Reader(
        every,
        Limits(settings.flux_answer_rows, settings.flux_held_rows, settings.flux_max_rows, settings.flux_aggregates),
    )
    meters = IntervalRows(Devices(platform.registry, platform.listings, METER), platform.pipeline.intervals)
    market = every.by_name["market_data"]
    assert isinstance(market, MarketData)
    called = functions.build(meters, market)
    door = Door(
        gate,
        Resources(reader, views, Options(rollback=settings.flux_rollback, most_rows=settings.flux_answer_rows)),
        Calls(called, reader, views),
        Root(every, called, __version__),
        most_bytes=settings.max_body_bytes,
    )
    paths = [
        f"{PREFIX}/",
        *(f"{PREFIX}/{name}" for name in every.names()),
        *(f"{PREFIX}/rpc/{name}" for name in called.by_name),
    ]

    def around(app: ASGIApp) -> ASGIApp:
        return Around(_Below(app, door), settings.cors_origins)

    routers = (("", documented(door)), ("", realtime.build(platform, gate, rights, every)))
    return FluxContract(dict.fromkeys(paths, door), routers, around)
