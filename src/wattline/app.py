"""The web application: the contracts' hot routes before everything else, then FastAPI, with offline docs and metrics."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Protocol

from fastapi import APIRouter, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi_offline import FastAPIOffline
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from wattline import __version__
from wattline.contracts import flux, hop, household, joulepoint, mcs
from wattline.metrics import CONTENT_TYPE, Metrics
from wattline.model.errors import WattlineError
from wattline.platform import Platform

UNMATCHED = "(none)"


class Contract(Protocol):
    """What the application mounts of a contract."""

    @property
    def prefixes(self) -> Sequence[str]:
        """Where its paths begin. A path belongs to the contract with the longest prefix that fits."""
        ...

    @property
    def hot(self) -> Mapping[str, ASGIApp]:
        """What answers exact paths before everything else."""
        ...

    @property
    def for_devices(self) -> Collection[str]:
        """The hot paths that are called by devices with fixed readers: see `wattline.framing`."""
        ...

    @property
    def routers(self) -> Sequence[tuple[str, APIRouter]]:
        """Every route, the hot ones too, for FastAPI and its OpenAPI document: routers, each with what its paths begin with.

        A router that includes others has a prefix here: without one FastAPI resolves every route of it at the start, in vain.
        """
        ...

    @property
    def around(self) -> Callable[[ASGIApp], ASGIApp] | None:
        """What is put around every one of its routes, such as CORS."""
        ...

    def failed(self, request: Request, error: Exception) -> Response:
        """The answer to a failure on one of its paths."""
        ...


class Owners:
    """Tells whose a path is."""

    def __init__(self, contracts: Sequence[Contract]) -> None:
        found = [(prefix, contract) for contract in contracts for prefix in contract.prefixes]
        self._by_prefix = sorted(found, key=lambda pair: -len(pair[0]))

    def of(self, path: str) -> Contract | None:
        """The contract of a path, or None."""
        return next((contract for prefix, contract in self._by_prefix if path.startswith(prefix)), None)

    def failed(self, request: Request, error: Exception) -> Response:
        """Let the contract of the path answer; a failure anywhere else is a server error."""
        owner = self.of(request.url.path)
        if owner is None:
            raise error
        return owner.failed(request, error)


class Front:
    """Sends a request to its hot route, found by its exact path, or to FastAPI; counts and times both."""

    def __init__(self, contracts: Sequence[Contract], app: FastAPI, metrics: Metrics) -> None:
        self.hot: dict[str, ASGIApp] = {}
        self.for_devices = frozenset(path for contract in contracts for path in contract.for_devices)
        self.app = app
        self._metrics = metrics
        self._owners = Owners([contract for contract in contracts if contract.around is not None])
        self._around: dict[int, ASGIApp] = {}
        for contract in contracts:
            around = contract.around
            self.hot |= contract.hot if around is None else {path: around(hot) for path, hot in contract.hot.items()}
            if around is not None:
                self._around[id(contract)] = around(app)

    def _cold(self, path: str) -> ASGIApp:
        owner = self._owners.of(path)
        return self.app if owner is None else self._around[id(owner)]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        hot = self.hot.get(scope["path"])
        started = time.perf_counter()
        status = 500

        async def observed(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                self._metrics.http_seconds.observe(time.perf_counter() - started, self._route(scope, hot))
            await send(message)

        try:
            await (hot or self._cold(scope["path"]))(scope, receive, observed)
        finally:
            self._metrics.http_requests.add(1, self._route(scope, hot), str(status))

    def _route(self, scope: Scope, hot: ASGIApp | None) -> str:
        """The route's template: a bounded set, whatever paths callers try."""
        if hot is not None:
            path: str = scope["path"]
            return path
        route = scope.get("route")
        return getattr(route, "path", UNMATCHED)


def _own_routes(app: FastAPI, platform: Platform) -> None:
    @app.get("/metrics", summary="Metrics for Prometheus", tags=["operations"], response_class=Response)
    async def metrics() -> Response:
        """Counters, gauges and histograms of this process, in the Prometheus text format. No credentials are asked."""
        return Response(platform.metrics.render(), media_type=CONTENT_TYPE)


def create_app(platform: Platform) -> Front:
    """The ASGI application of a running platform."""
    app = FastAPIOffline(
        title="Wattline",
        version=__version__,
        summary="One energy-telemetry platform that serves published API contracts from one engine.",
        openapi_url="/openapi.json",
        docs_url="/docs",
        redoc_url="/redoc",
    )
    contracts: tuple[Contract, ...] = tuple(contract.build(platform) for contract in (hop, mcs, flux, household, joulepoint))
    owners = Owners(contracts)
    for contract in contracts:
        for prefix, router in contract.routers:
            app.include_router(router, prefix=prefix)
    for kind in (WattlineError, RequestValidationError, Exception):
        app.add_exception_handler(kind, owners.failed)
    _own_routes(app, platform)
    return Front(contracts, app, platform.metrics)
