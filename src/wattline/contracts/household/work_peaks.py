"""POST /process_peaks and GET /mark_peaks: look for peaks now, in one household or in all."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field

from wattline.contracts.household.documents import refusals
from wattline.contracts.household.gate import CRON, Admitted, Gate
from wattline.contracts.household.work_body import TAGS, WorkDone, of_sensor, request_body
from wattline.households.peaks.model import Peak
from wattline.households.service import Households
from wattline.model.clock import from_micros


class MarkedPeak(BaseModel):
    """A span in which the household used clearly more than its base load."""

    id: str
    start: datetime
    end: datetime = Field(description="Not included. A peak that still runs ends, so far, with its last reading.")
    power_w: float = Field(description="The mean above the base load while it ran, in W.")
    base_w: float = Field(description="The base load, in W.")
    energy_kwh: float = Field(description="What was used above the base load.")


class PeaksProcessed(WorkDone):
    """The peaks that were found or have grown since the newest half hour closed."""

    peaks: list[MarkedPeak]


def _shown(peak: Peak) -> dict[str, Any]:
    return {
        "id": peak.id,
        "start": from_micros(peak.start),
        "end": from_micros(peak.end),
        "power_w": peak.power_w,
        "base_w": peak.base_w,
        "energy_kwh": peak.energy_kwh,
    }


def build(households: Households, gate: Gate) -> APIRouter:
    """Both routes."""
    router = APIRouter(tags=[*TAGS])
    keyed = APIRouter(tags=[*TAGS], route_class=gate.keyed(CRON))

    @router.post(
        "/process_peaks",
        summary="Look for the peaks of a sensor",
        response_model=PeaksProcessed,
        responses=refusals(404, 413),
        openapi_extra={"requestBody": request_body("sensor_id", "The MAC address of the sensor.")},
    )
    async def process(request: Request) -> dict[str, Any]:
        """Look at every closed half hour that was not looked at yet, and answer when that is done.

        The answer has the peaks that were found or have grown since the newest half hour closed, by this request, an earlier
        one or the server itself: asked again within the half hour, the answer is the same and nothing is done twice. A sensor
        that is unknown, another tenant's or assigned to nobody, and one without such a peak, is a 404.
        """
        found = await of_sensor(request, gate, households.peaks.process, "peaks")
        return {"status": 200, "statusMessage": "Peaks processed", "peaks": [_shown(peak) for peak in found]}

    @keyed.get("/mark_peaks", summary="Look for everybody's peaks", response_model=WorkDone, responses=refusals())
    async def mark(caller: Admitted) -> dict[str, Any]:
        """The same for every sensor of the key's tenant, peaks or none. The server does so by itself every half hour."""
        await households.peaks.process_all(households.peaks.slot(), tenant=caller.tenant)
        return {"status": 200, "statusMessage": "Peaks marked"}

    router.include_router(keyed)
    return router
