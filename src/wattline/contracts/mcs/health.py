"""GET /health, for anybody: whether readings can be taken, kept and shown."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter

from wattline import __version__
from wattline.contracts.mcs import documents
from wattline.model.clock import SECOND
from wattline.model.errors import WattlineError
from wattline.platform import Platform

PATIENCE_SECONDS = 2.0
"""A store that does not answer within this is down."""
REMEMBERED = SECOND
"""A finding holds for so long, so that anybody who asks without a key cannot load the stores."""


class Pulse:
    """Asks the stores, at most once a second."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self._asking: asyncio.Task[bool] | None = None
        self._asked = -REMEMBERED

    async def well(self) -> bool:
        """Whether the telemetry store and the state store answer and the journal has room."""
        now = self._platform.clock.micros()
        if self._asking is None or (self._asking.done() and not 0 <= now - self._asked < REMEMBERED):
            self._asked = now
            self._asking = asyncio.create_task(self._ask())
        return await asyncio.shield(self._asking)

    async def _ask(self) -> bool:
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                await self._platform.check()
        except (WattlineError, TimeoutError):
            return False
        return True


def build(platform: Platform) -> APIRouter:
    """The route, on this platform."""
    router = APIRouter(tags=["MCS operations"])
    pulse = Pulse(platform)
    started = platform.clock.micros()

    @router.get("/health", summary="Health check")
    async def health() -> documents.HealthResponse:
        """Always 200: `ok`, or `degraded` where a store does not answer. No key is asked."""
        stores = await pulse.well()
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
