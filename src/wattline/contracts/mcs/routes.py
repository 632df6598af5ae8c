"""Every route of the contract, on a platform."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from fastapi import APIRouter, Request, Response
from starlette.types import ASGIApp

from wattline.contracts.mcs import places
from wattline.contracts.mcs.blocks import Blocks
from wattline.contracts.mcs.cors import Around
from wattline.contracts.mcs.errors import failed
from wattline.contracts.mcs.gate import Gate, Terms
from wattline.contracts.mcs.mqtt.attach import attach
from wattline.identity.limits import RateLimiter
from wattline.platform import Platform

PREFIX = "/api/v1"
PREFIXES = (f"{PREFIX}/", "/health", "/stats")


@dataclass(frozen=True, slots=True)
class McsContract:
    """What the application mounts.

    `hot` answers exact paths before any routing. `failed` answers failures at paths that begin with one of `prefixes`, and
    `around` wraps the whole application.
    """

    hot: Mapping[str, ASGIApp]
    routers: tuple[APIRouter, ...]
    failed: Callable[[Request, Exception], Response]
    prefixes: tuple[str, ...]
    around: Callable[[ASGIApp], ASGIApp]


def owns(path: str) -> bool:
    """Whether a path is this contract's."""
    return path.startswith(f"{PREFIX}/") or path in {PREFIX, "/health", "/stats"}


def build(platform: Platform) -> McsContract:
    """The contract on a running platform."""
    settings = platform.settings
    terms = Terms(
        getattr(settings, "mcs_requests_per_minute", None),
        getattr(settings, "mcs_long_queries_per_minute", None),
        getattr(settings, "mcs_sockets_per_key", None),
    )
    origins = getattr(settings, "cors_origins", ("*",))
    gate = Gate(platform.identity, settings, RateLimiter(platform.clock), terms)
    blocks = Blocks(platform.registry)
    api = APIRouter(prefix=PREFIX)

    for module in (places,):
        api.include_router(module.build(platform, gate, blocks))
    # Alarms, events, billing and the live feeds: a line each.

    if platform.mqtt is not None:
        attach(platform, platform.mqtt)

    def around(app: ASGIApp) -> ASGIApp:
        return Around(app, owns, origins, settings.max_record_bytes)

    return McsContract(hot={}, routers=(api,), failed=failed, prefixes=PREFIXES, around=around)
