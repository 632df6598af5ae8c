"""/users/{user_id}/peaks below the management path: the peaks of a household, and the devices that caused them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, Field
from starlette.datastructures import QueryParams

from wattline.billing.days import zone_named
from wattline.contracts.household.csv_range import bound, span
from wattline.contracts.household.documents import Body, refusals
from wattline.contracts.household.gate import Admitted, Gate
from wattline.households.energy.power import Power, mean_power
from wattline.households.peaks.model import Peak
from wattline.households.service import Households
from wattline.model.clock import DAY, Clock, from_micros
from wattline.model.errors import Invalid, NotFound

TAGS = ["Household devices"]
USUAL = 7 * DAY
LONGEST = 366 * DAY
Begin = Annotated[
    str | None, Query(description="A local day or an instant, both included; a week before the end unless given.")
]
End = Annotated[str | None, Query(description="A local day or an instant, both included; now unless given. At most 366 days.")]


def _possible(peak_id: str) -> str:
    """The id of a peak, unless no store can hold it."""
    if not peak_id.isprintable():
        raise NotFound("there is no such peak")
    return peak_id


class PeakDevices(Body):
    """Which devices caused a peak."""

    devices: list[int] = Field(max_length=1000, description="Their ids; an empty list where nobody knows.")


class PeakSuggestion(BaseModel):
    """What a peak looks like."""

    category: str
    confidence: float = Field(description="0.5 to 1.")


class HouseholdPeak(BaseModel):
    """A span in which the household used clearly more than its base load."""

    id: str
    sensor_id: str = Field(description="The MAC address of its meter.")
    start: datetime
    end: datetime = Field(description="Not included.")
    power_w: float = Field(description="The mean above the base load, in W.")
    base_w: float = Field(description="The base load, in W.")
    energy_kwh: float = Field(description="What was used above the base load.")
    devices: list[int] = Field(description="The devices that the household says caused it.")
    suggestions: list[PeakSuggestion] = Field(description="Categories of devices that it looks like, most likely first.")


class HouseholdPeaks(BaseModel):
    """Peaks, oldest first."""

    peaks: list[HouseholdPeak]


class PeakSample(BaseModel):
    """The mean power from the reading before to this one."""

    timestamp: datetime
    power: float = Field(description="In W, base load included.")


class SampledPeak(HouseholdPeak):
    """A peak with what was measured in it."""

    samples: list[PeakSample]


def _asked(query: QueryParams, zone: ZoneInfo, now: int) -> tuple[int, int]:
    """The range [start, end) in us. Raises `Invalid` where it is empty or longer than a year."""
    start, end = bound(query, "start"), bound(query, "end")
    since, until = span(start, end, zone)
    until = now if end is None else until
    since = until - USUAL if start is None else since
    if since >= until:
        raise Invalid("end must be after start", "end")
    if until - since > LONGEST:
        raise Invalid("from start to end there are at most 366 days", "start")
    return since, until


def _samples(found: Power) -> list[dict[str, Any]]:
    pairs = zip(found.time.tolist(), found.watts.tolist(), strict=True)
    return [{"timestamp": from_micros(time), "power": watts} for time, watts in pairs]


def build(households: Households, gate: Gate, clock: Clock) -> APIRouter:
    """The routes that a household's own token opens, and an administrator's key."""
    router = APIRouter(tags=[*TAGS], route_class=gate.owned())
    accounts, appliances, peaks = households.accounts, households.appliances, households.peaks
    told = refusals(404)

    async def shown(found: Sequence[Peak]) -> list[dict[str, Any]]:
        if not found:
            return []
        tenant, user = found[0].tenant, found[0].user
        ids = [peak.id for peak in found]
        devices = await appliances.assigned(tenant, user, ids)
        likely = await appliances.suggestions(tenant, user, ids)
        return [
            {
                "id": peak.id,
                "sensor_id": peak.mac,
                "start": from_micros(peak.start),
                "end": from_micros(peak.end),
                "power_w": peak.power_w,
                "base_w": peak.base_w,
                "energy_kwh": peak.energy_kwh,
                "devices": devices[peak.id],
                "suggestions": [{"category": name, "confidence": confidence} for name, confidence in likely[peak.id]],
            }
            for peak in found
        ]

    @router.get("/users/{user_id}/peaks", summary="List peaks", response_model=HouseholdPeaks, responses=told)
    async def listed(request: Request, caller: Admitted, user_id: str, start: Begin = None, end: End = None) -> dict[str, Any]:
        """The peaks that touch the range, oldest first, with the devices assigned to them and what they look like."""
        user = await accounts.user(caller.tenant, user_id)
        since, until = _asked(request.query_params, zone_named(user.zone), clock.micros())
        return {"peaks": await shown(await peaks.found(caller.tenant, user_id, since, until))}

    @router.get("/users/{user_id}/peaks/{peak_id}", summary="Show a peak", response_model=SampledPeak, responses=told)
    async def one(caller: Admitted, user_id: str, peak_id: str) -> dict[str, Any]:
        """A peak with the power of the household's own meter in it: samples as `/ml` takes them."""
        await accounts.user(caller.tenant, user_id)
        peak = await peaks.peak(caller.tenant, user_id, _possible(peak_id))
        stream = households.meters.stream(caller.tenant, user_id, peak.mac)
        samples = [] if stream is None else _samples(await mean_power(households.series, stream, peak.start, peak.end))
        return {**(await shown([peak]))[0], "samples": samples}

    @router.put(
        "/users/{user_id}/peaks/{peak_id}/devices",
        summary="Say which devices caused a peak",
        response_model=HouseholdPeak,
        responses=refusals(404, 413),
    )
    async def assign(caller: Admitted, user_id: str, peak_id: str, body: PeakDevices) -> dict[str, Any]:
        """In place of those that were said before. Powers and weekly hours of the devices follow at once."""
        await accounts.user(caller.tenant, user_id)
        await appliances.assign(caller.tenant, user_id, peak_id, body.devices)
        return (await shown([await peaks.peak(caller.tenant, user_id, peak_id)]))[0]

    @router.delete("/users/{user_id}/peaks/{peak_id}", summary="Forget a peak", status_code=204, responses=told)
    async def remove(caller: Admitted, user_id: str, peak_id: str) -> Response:
        """With what was said and suggested of it; powers and weekly hours of the devices follow. It is not found again."""
        await accounts.user(caller.tenant, user_id)
        await peaks.remove(caller.tenant, user_id, _possible(peak_id))
        return Response(status_code=204)

    return router
