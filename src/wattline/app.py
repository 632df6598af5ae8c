"""The web application: the contracts' hot routes before everything else, then FastAPI, with offline docs and metrics."""

from __future__ import annotations

import time
from collections.abc import Mapping

from fastapi import FastAPI
from fastapi_offline import FastAPIOffline
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from wattline import __version__
from wattline.contracts import hop
from wattline.metrics import CONTENT_TYPE, Metrics
from wattline.platform import Platform

UNMATCHED = "(none)"


class Front:
    """Sends a request to its hot route, found by its exact path, or to FastAPI; counts and times both."""

    def __init__(self, hot: Mapping[str, ASGIApp], app: FastAPI, metrics: Metrics) -> None:
        self.hot = dict(hot)
        self.app = app
        self._metrics = metrics

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
            await (hot or self.app)(scope, receive, observed)
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


def create_app(platform: Platform) -> ASGIApp:
    """The ASGI application of a running platform."""
    app = FastAPIOffline(
        title="Wattline",
        version=__version__,
        summary="One energy-telemetry platform that serves published API contracts from one engine.",
        openapi_url="/openapi.json",
        docs_url="/docs",
        redoc_url="/redoc",
    )
    contract = hop.build(platform)
    app.include_router(contract.router)
    hop.install_errors(app)
    _own_routes(app, platform)
    return Front(contract.hot, app, platform.metrics)
