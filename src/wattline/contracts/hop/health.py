"""GET /health: whether readings can be taken, kept and shown. No key is asked."""

from __future__ import annotations

from fastapi import APIRouter, Response

from wattline.contracts.hop import documents
from wattline.contracts.hop.answers import whole
from wattline.contracts.hop.rows import HealthRow
from wattline.contracts.hop.times import spell_health
from wattline.platform import Platform

VERSION = "v5"
DATABASE = "hopsensors_v5"


def build(platform: Platform) -> APIRouter:
    """The route, on this platform."""
    router = APIRouter(tags=["HOP health"])
    shown = documents.model(HealthRow)

    @router.get(
        "/health",
        summary="Health of the service",
        response_model=shown,
        responses={503: {"model": shown, "description": "A store is down."}},
    )
    async def health() -> Response:
        """`ok`, or with status 503 `degraded` where a store does not answer or the journal is full."""
        well = await platform.pulse.well()
        row = HealthRow("ok" if well else "degraded", VERSION, DATABASE, spell_health(platform.clock.micros()))
        return whole(row, status=200 if well else 503)

    return router
