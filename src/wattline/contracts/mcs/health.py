"""GET /health, for anybody: whether readings can be taken, kept and shown."""

from __future__ import annotations

from fastapi import APIRouter

from wattline import __version__
from wattline.contracts.mcs import documents
from wattline.model.clock import SECOND
from wattline.platform import Platform


def build(platform: Platform) -> APIRouter:
    """The route, on this platform."""
    router = APIRouter(tags=["MCS operations"])
    started = platform.clock.micros()

    @router.get("/health", summary="Health check")
    async def health() -> documents.HealthResponse:
        """Always 200: `ok`, or `degraded` where a store does not answer. No key is asked."""
        stores = await platform.pulse.well()
        # The bus is a part of this process: it lives until the server stops.
        bus = not platform.stopping.is_set()
        return documents.HealthResponse(
            status="ok" if stores and bus else "degraded",
            version=__version__,
            db_connected=stores,
            redis_connected=bus,
            uptime_seconds=round(max(0, platform.clock.micros() - started) / SECOND, 1),
        )

    return router
