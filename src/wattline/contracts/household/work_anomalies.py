"""POST /process_anomaly and GET /anomaly: look for unusual use and silent meters now, in one household or in all."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request

from wattline.contracts.household.documents import refusals
from wattline.contracts.household.gate import CRON, Admitted, Gate
from wattline.contracts.household.household_anomalies import HouseholdAnomaly, shown
from wattline.contracts.household.work_body import TAGS, WorkDone, of_sensor, request_body
from wattline.households.service import Households


class AnomaliesProcessed(WorkDone):
    """The incidents that were found to begin, go on or end since the newest half hour closed."""

    anomalies: list[HouseholdAnomaly]


def build(households: Households, gate: Gate) -> APIRouter:
    """Both routes."""
    router = APIRouter(tags=[*TAGS])
    keyed = APIRouter(tags=[*TAGS], route_class=gate.keyed(CRON))

    @router.post(
        "/process_anomaly",
        summary="Look for the anomalies of a sensor",
        response_model=AnomaliesProcessed,
        responses=refusals(404, 413),
        openapi_extra={"requestBody": request_body("sensor_id", "The MAC address of the sensor.")},
    )
    async def process(request: Request) -> dict[str, Any]:
        """Look at every closed half hour that was not looked at yet, and answer when that is done. An incident has one mail.

        The answer has the incidents that were found to begin, go on or end since the newest half hour closed, by this request,
        an earlier one or the server itself: asked again within the half hour, the answer is the same and nothing is done twice.
        A sensor that is unknown, another tenant's or assigned to nobody, and one without such an incident, is a 404.
        """
        found = await of_sensor(request, gate, households.anomalies.process, "anomalies")
        return {"status": 200, "statusMessage": "Anomalies processed", "anomalies": [shown(each) for each in found]}

    @keyed.get("/anomaly", summary="Look for everybody's anomalies", response_model=WorkDone, responses=refusals())
    async def everybody(caller: Admitted) -> dict[str, Any]:
        """The same for every sensor of the key's tenant, anomalies or none. The server does so by itself every half hour."""
        await households.anomalies.process_all(households.anomalies.slot(), tenant=caller.tenant)
        return {"status": 200, "statusMessage": "Anomalies processed"}

    router.include_router(keyed)
    return router
