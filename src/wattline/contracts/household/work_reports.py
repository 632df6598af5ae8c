"""POST /process_reports and GET /reports: make reports now, of one household or of all that are due."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request

from wattline.contracts.household.documents import refusals
from wattline.contracts.household.gate import CRON, Admitted, Gate
from wattline.contracts.household.report_documents import HouseholdReport, shown
from wattline.contracts.household.work_body import TAGS, WorkDone, asked, request_body
from wattline.households.service import Households
from wattline.model.clock import Clock


class ReportMade(WorkDone):
    """The report of a household."""

    report: HouseholdReport


def build(households: Households, gate: Gate, clock: Clock) -> APIRouter:
    """Both routes."""
    router = APIRouter(tags=[*TAGS])
    keyed = APIRouter(tags=[*TAGS], route_class=gate.keyed(CRON))

    @router.post(
        "/process_reports",
        summary="Make the report of a household",
        response_model=ReportMade,
        responses=refusals(404, 413, 500),
        openapi_extra={"requestBody": request_body("user_id", "The household.")},
    )
    async def process(request: Request) -> dict[str, Any]:
        """The report of the local days that ended yesterday, as many as the household's reports cover; it is mailed where the
        household wants that. Asked again on the same day, the answer is the same report, and there is no second mail. A
        household that is unknown or another tenant's, and one of which nothing was measured in the period, is a 404.
        """
        caller, user = await asked(request, gate, "user_id", "userId")
        report = await households.reports.process(caller.tenant, user)
        return {"status": 200, "statusMessage": "Report created", "report": shown(report)}

    @keyed.get("/reports", summary="Make every report that is due", response_model=WorkDone, responses=refusals(500))
    async def every(caller: Admitted) -> dict[str, Any]:
        """Of every household of the key's tenant, and answer when that is done: with 500 where one failed. The server does this
        by itself every hour.
        """
        await households.reports.process_all(clock.micros(), tenant=caller.tenant)
        return {"status": 200, "statusMessage": "Reports created"}

    router.include_router(keyed)
    return router
