"""/users/{user_id}/reports below the management path: what was reported to a household."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from wattline.contracts.household.documents import refusals
from wattline.contracts.household.gate import Admitted, Gate
from wattline.contracts.household.report_documents import HouseholdReport, HouseholdReports, shown
from wattline.households.service import Households


def build(households: Households, gate: Gate) -> APIRouter:
    """The routes, for the household's own token and an administrator."""
    router = APIRouter(tags=["Household management"], route_class=gate.owned())

    @router.get(
        "/users/{user_id}/reports",
        summary="List a household's reports",
        response_model=HouseholdReports,
        responses=refusals(404),
    )
    async def reports(caller: Admitted, user_id: str) -> dict[str, Any]:
        """Every report, newest first."""
        user = await households.accounts.user(caller.tenant, user_id)
        return {"user_id": user.id, "reports": [shown(each) for each in await households.reports.reports(user.tenant, user.id)]}

    @router.get(
        "/users/{user_id}/reports/{report_id}",
        summary="Show a report",
        response_model=HouseholdReport,
        responses=refusals(404),
    )
    async def one(caller: Admitted, user_id: str, report_id: str) -> dict[str, Any]:
        """As it was made, and mailed."""
        user = await households.accounts.user(caller.tenant, user_id)
        return shown(await households.reports.report(user.tenant, user.id, report_id))

    return router
