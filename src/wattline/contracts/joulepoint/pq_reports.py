"""GET /api/energy/pq/compliance and /pq/stats: a week against a standard, and how often voltages left their range."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

import msgspec
from fastapi import APIRouter, Query, Response

from wattline.billing.days import zone_named
from wattline.contracts.joulepoint.gate import PQ_READ, Admitted, Gate
from wattline.contracts.joulepoint.pq_rows import From, MeterId, To, visible
from wattline.contracts.joulepoint.problem import bad_parameter
from wattline.contracts.joulepoint.query import spell
from wattline.contracts.joulepoint.reads import Read, add_reads
from wattline.contracts.joulepoint.resource_routes import encoded
from wattline.ingest.series import Series
from wattline.metering.checks import HIGHEST_ID
from wattline.metering.service import Metering
from wattline.model.clock import DAY, Clock, from_micros
from wattline.quality.assessment import Assessment, week_of
from wattline.quality.indices import of_system
from wattline.quality.service import PowerQuality

COMPLIANCE, STATS = "/api/energy/pq/compliance", "/api/energy/pq/stats"
USUAL_PERIOD = 30 * DAY
StandardName = Annotated[Literal["en50160", "ieee519"], Query(description="By which standard.")]
OneMeter = Annotated[int, Query(ge=1, le=HIGHEST_ID, description="Of which meter.")]
Week = Annotated[str | None, Query(max_length=8, description="A week of ISO 8601 in the meter's zone, as 2026-W24; this one.")]
_WEEK = re.compile(r"(\d{4})-W(\d\d)", re.ASCII)


def build(quality: PowerQuality, metering: Metering, series: Series, clock: Clock, gate: Gate) -> APIRouter:
    """The routes."""
    router = APIRouter(tags=["Joulepoint power quality"], route_class=gate.keyed(PQ_READ))
    assessment = Assessment(metering, series)

    async def compliance(
        caller: Admitted, meter_id: OneMeter, standard: StandardName = "en50160", week: Week = None
    ) -> Response:
        visible(metering, caller, meter_id)
        meter = metering.meters.get(caller.tenant, meter_id)
        now = clock.micros()
        year, number, _ = from_micros(now).astimezone(zone_named(meter.timezone)).isocalendar()
        if week is not None:
            named = _WEEK.fullmatch(week)
            if named is None:
                raise bad_parameter("week", "bad_week", "must be a week such as 2026-W24")
            year, number = int(named[1]), int(named[2])
        try:
            start, end = week_of(year, number, meter.timezone)
        except (ValueError, OverflowError):
            raise bad_parameter("week", "bad_week", "there is no such week") from None
        name = f"{year:04}-W{number:02}"
        config = quality.configs.config(meter)
        found = await assessment.report(standard, meter, config, name, max(0, start), max(0, end), now)
        return encoded(
            {
                "meter_id": meter.id,
                "standard": found.standard,
                "week": found.week,
                "tz": meter.timezone,
                "period": {"from": spell(start), "to": spell(end)},
                "nominal_voltage": found.nominal_voltage,
                "compliant": found.compliant,
                "criteria": [msgspec.structs.asdict(each) for each in found.criteria],
                "notes": found.notes,
            }
        )

    async def stats(caller: Admitted, meter_id: MeterId = None, start: From = None, to: To = None) -> Response:
        now = clock.micros()
        end = now if to is None else to
        begin = end - USUAL_PERIOD if start is None else start
        if end <= begin:
            raise bad_parameter("to", "order", "must be after from")
        meters = visible(metering, caller, meter_id)
        each = await quality.counts(caller.tenant, meters, begin, end)
        rows = [{"meter_id": number, **found} for number, found in sorted(each.items())]
        period = {"from": spell(begin), "to": spell(end)}
        system: dict[str, Any] = {"meters": len(each), **of_system(each, begin, end)}
        return encoded({"period": period, "system": system, "meters": rows})

    add_reads(
        router,
        Read(COMPLIANCE, compliance, "Judge a week of a meter by EN 50160 or IEEE 519", _COMPLIANCE),
        Read(STATS, stats, "Count voltage events: SARFI", _STATS),
    )
    return router


_COMPLIANCE: dict[str, Any] = {
    "type": "object",
    "properties": {
        "meter_id": {"type": "integer"},
        "standard": {"type": "string"},
        "week": {"type": "string"},
        "tz": {"type": "string"},
        "period": {"type": "object"},
        "nominal_voltage": {"type": "number"},
        "compliant": {"type": ["boolean", "null"], "description": "Null where something could not be judged."},
        "criteria": {"type": "array", "items": {"type": "object"}},
        "notes": {"type": "array", "items": {"type": "string"}},
    },
}
_STATS: dict[str, Any] = {
    "type": "object",
    "properties": {"period": {"type": "object"}, "system": {"type": "object"}, "meters": {"type": "array"}},
}
