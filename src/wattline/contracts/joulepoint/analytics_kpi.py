"""GET /api/energy/analytics/kpi: the key figures of a period, and of the one before it."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Query, Response

from wattline.contracts.joulepoint.analytics_parameters import ANALYTICS, NO_STORE, TAG, Asked, Period, as_parameters
from wattline.contracts.joulepoint.bodies import JSON
from wattline.contracts.joulepoint.gate import ENERGY_READ, Admitted, Gate
from wattline.contracts.joulepoint.problem import refusals
from wattline.metering.figures.calendar import spelled
from wattline.metering.figures.kpi import Demand, Kpi
from wattline.metering.figures.service import Compare, Figures
from wattline.model.clock import Clock

INTERVAL_MIN = 15
PLAIN = (
    "import_kwh",
    "export_kwh",
    "net_kwh",
    "peak_kw",
    "avg_kw",
    "min_kw",
    "load_factor",
    "base_kw",
    "pf_avg",
    "self_consumption_pct",
    "self_sufficiency_pct",
)
Comparing = Annotated[
    Compare, Query(description="With the period of the same length before it, the same dates a year earlier, or nothing.")
]

Sort = Annotated[
    Demand,
    Query(
        description="Whether `peak_kw` is the largest mean of 15 minutes on the clock, or of any 15 minutes. Sliding windows "
        "begin on whole minutes; within the `demand_resolution_s` of the answer energy is spread evenly."
    ),
]


def build(figures: Figures, clock: Clock, gate: Gate) -> APIRouter:
    """The route."""
    router = APIRouter(tags=[TAG])

    async def kpi(
        caller: Admitted, asked: Asked, period: Period, compare: Comparing = "none", demand: Sort = "block"
    ) -> Response:
        subject = asked.subject(caller, figures)
        zone = asked.zone(subject)
        start, end = period.resolved(clock, len(subject.members))
        with as_parameters():
            found = await figures.kpi(subject, start, end, zone, compare, demand)

        def shown(one: Kpi) -> dict[str, Any]:
            return document(one, lambda moment: spelled(moment, zone))

        answer = {**asked.named(), "tz": zone.key, **shown(found.now)}
        answer["previous"] = None if found.before is None else shown(found.before)
        answer["change_pct"] = found.change_pct
        return Response(msgspec.json.encode(answer), headers=NO_STORE, media_type=JSON)

    router.add_api_route(
        f"{ANALYTICS}/kpi",
        kpi,
        methods=["GET"],
        summary="Show key figures",
        response_class=Response,
        response_model=None,
        route_class_override=gate.keyed(ENERGY_READ),
        responses=refusals(404, 503) | {200: {"description": "The key figures; null for what is not known"}},
    )
    return router


def document(found: Kpi, spell: Any) -> dict[str, Any]:
    """Key figures as they are answered."""
    shown: dict[str, Any] = {"period": {"from": spell(found.start), "to": spell(found.end)}}
    for name in PLAIN:
        shown[name] = getattr(found, name)
        if name == "peak_kw":
            shown["peak_at"] = None if found.peak_at is None else spell(found.peak_at)
            shown["demand_interval_min"] = INTERVAL_MIN
            if found.demand == "sliding":
                shown |= {"demand": found.demand, "demand_resolution_s": found.resolution_s}
    shown["cost"] = None if found.cost is None else {"amount": str(found.cost), "currency": found.currency}
    shown["co2_kg"] = found.co2_kg
    shown["data"] = {
        "expected": found.expected,
        "received": found.received,
        "completeness_pct": found.completeness_pct,
        "coverage_pct": found.coverage_pct,
        "estimated_kwh": found.estimated_kwh,
        "implausible_kwh": found.withheld_kwh,
        "silent_meters": list(found.silent),
    }
    return shown
