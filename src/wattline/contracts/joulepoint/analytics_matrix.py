"""GET /api/energy/analytics/matrix: a figure by local date or weekday, and by hour or half hour."""

from __future__ import annotations

from typing import Annotated

import msgspec
from fastapi import APIRouter, Query, Response

from wattline.contracts.joulepoint.analytics_parameters import ANALYTICS, NO_STORE, TAG, Asked, Period, as_parameters
from wattline.contracts.joulepoint.bodies import JSON
from wattline.contracts.joulepoint.gate import ENERGY_READ, Admitted, Gate
from wattline.contracts.joulepoint.problem import refusals
from wattline.metering.figures.matrix import ColumnsBy, RowsBy, Value
from wattline.metering.figures.service import Figures
from wattline.model.clock import Clock

What = Annotated[Value, Query(description="`energy` is what was taken (kWh); `cost` is null without a tariff.")]
Rows = Annotated[RowsBy, Query(description="What a row is.")]
Columns = Annotated[ColumnsBy, Query(description="What a column is, by the local clock.")]


def build(figures: Figures, clock: Clock, gate: Gate) -> APIRouter:
    """The route."""
    router = APIRouter(tags=[TAG])

    async def matrix(
        caller: Admitted, asked: Asked, period: Period, value: What = "energy", rows: Rows = "date", cols: Columns = "hour"
    ) -> Response:
        subject = asked.subject(caller, figures)
        zone = asked.zone(subject)
        start, end = period.resolved(clock, len(subject.members))
        with as_parameters():
            found = await figures.matrix(subject, start, end, zone, value, rows, cols)
        document = {
            **asked.named(),
            "tz": zone.key,
            "value": value,
            "unit": found.unit,
            "rows": found.rows,
            "cols": found.columns,
            "values": found.values,
            "min": found.low,
            "max": found.high,
            "total": found.total,
            "coverage_pct": found.coverage_pct,
            "dst": [{"date": each.date, "col": each.column, "kind": each.kind} for each in found.dst],
        }
        return Response(msgspec.json.encode(document), headers=NO_STORE, media_type=JSON)

    router.add_api_route(
        f"{ANALYTICS}/matrix",
        matrix,
        methods=["GET"],
        summary="Show a matrix of the calendar",
        response_class=Response,
        response_model=None,
        route_class_override=gate.keyed(ENERGY_READ),
        responses=refusals(404, 503) | {200: {"description": "The matrix; null for a cell of which nothing is known"}},
    )
    return router
