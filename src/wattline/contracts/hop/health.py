"""GET /health: whether readings can be taken, kept and shown. No key is asked."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter, Response

from wattline.contracts.hop import documents
from wattline.contracts.hop.answers import whole
from wattline.contracts.hop.rows import HealthRow
from wattline.contracts.hop.times import spell_health
from wattline.model.clock import SECOND
from wattline.model.errors import WattlineError
from wattline.platform import Platform

VERSION = "v5"
DATABASE = "hopsensors_v5"
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
    router = APIRouter(tags=["HOP health"])
    pulse = Pulse(platform)
    shown = documents.model(HealthRow)

    @router.get(
        "/health",
        summary="Health of the service",
        response_model=shown,
        responses={503: {"model": shown, "description": "A store is down."}},
    )
    async def health() -> Response:
        """`ok`, or with status 503 `degraded` where a store does not answer or the journal is full."""
        well = await pulse.well()
        row = HealthRow("ok" if well else "degraded", VERSION, DATABASE, spell_health(platform.clock.micros()))
        return whole(row, status=200 if well else 503)

    return router
