"""/users/{user_id}/anomalies below the management path: unusual use of a household, and meters of it that fell silent."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field

from wattline.billing.days import zone_named
from wattline.contracts.household.csv_range import bound, span
from wattline.contracts.household.documents import refusals
from wattline.contracts.household.gate import Admitted, Gate
from wattline.households.anomalies.model import Anomaly
from wattline.households.service import Households
from wattline.model.clock import DAY, Clock, from_micros
from wattline.model.errors import Invalid

TAGS = ["Household data"]
USUAL = 30 * DAY
LONGEST = 366 * DAY
Begin = Annotated[
    str | None, Query(description="A local day or an instant, both included; 30 days before the end unless given.")
]
End = Annotated[str | None, Query(description="A local day or an instant, both included; now unless given. At most 366 days.")]


class HouseholdAnomaly(BaseModel):
    """One incident. What does not belong to its reason is null."""

    id: str
    sensor_id: str = Field(description="The MAC address of the meter.")
    kind: Literal["usage", "silent"]
    reason: Literal["power", "base", "silent", "never"] = Field(
        description="`power`: far more was used than expected; `base`: what is always on at night rose; `silent`: the meter "
        "stopped sending; `never`: it was assigned and has not sent anything."
    )
    start: datetime
    end: datetime | None = Field(description="Null while it lasts.")
    until: datetime | None = Field(description="The end of the high use so far.")
    power_w: float | None = Field(description="The mean power of the incident, or the base load now, in W.")
    expected_w: float | None = Field(description="What was expected meanwhile, or the base load before, in W.")
    most_w: float | None = Field(description="The most in five minutes, in W.")
    usual_w: float | None = Field(description="The most over 20 minutes that the household otherwise uses, in W.")
    excess_kwh: float | None = Field(description="What was used beyond what was expected; of a base load, over a year.")
    cost_eur: str | None = Field(description="What that costs at the household's working price; null where none is known.")


class HouseholdAnomalies(BaseModel):
    """Incidents, oldest first."""

    anomalies: list[HouseholdAnomaly]


def shown(anomaly: Anomaly) -> dict[str, Any]:
    """An incident as the contract tells it."""
    figures = anomaly.figures
    until = figures.get("until")
    return {
        "id": anomaly.id,
        "sensor_id": anomaly.mac,
        "kind": anomaly.kind,
        "reason": figures["reason"],
        "start": from_micros(anomaly.start),
        "end": None if anomaly.end is None else from_micros(anomaly.end),
        "until": None if until is None else from_micros(until),
        **{name: figures.get(name) for name in ("power_w", "expected_w", "most_w", "usual_w")},
        "excess_kwh": figures.get("excess_kwh", figures.get("year_kwh")),
        "cost_eur": figures.get("cost"),
    }


def build(households: Households, gate: Gate, clock: Clock) -> APIRouter:
    """The route that a household's own token opens, and an administrator's key."""
    router = APIRouter(tags=[*TAGS], route_class=gate.owned())

    @router.get(
        "/users/{user_id}/anomalies", summary="List anomalies", response_model=HouseholdAnomalies, responses=refusals(404)
    )
    async def listed(request: Request, caller: Admitted, user_id: str, start: Begin = None, end: End = None) -> dict[str, Any]:
        """The incidents that touch the range, oldest first."""
        user = await households.accounts.user(caller.tenant, user_id)
        first, last = bound(request.query_params, "start"), bound(request.query_params, "end")
        since, until = span(first, last, zone_named(user.zone))
        until = clock.micros() if last is None else until
        since = until - USUAL if first is None else since
        if since >= until:
            raise Invalid("end must be after start", "end")
        if until - since > LONGEST:
            raise Invalid("from start to end there are at most 366 days", "start")
        found = await households.anomalies.found(caller.tenant, user_id, since, until)
        return {"anomalies": [shown(each) for each in found]}

    return router
