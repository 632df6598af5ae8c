"""GET /api/energy/analytics/live_trail: the last minutes of a meter, or the sum of a group's."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
import numpy as np
from fastapi import APIRouter, Query, Response

from wattline.contracts.joulepoint.analytics_parameters import ANALYTICS, NO_STORE, TAG, Asked, as_parameters
from wattline.contracts.joulepoint.bodies import JSON
from wattline.contracts.joulepoint.gate import ENERGY_READ, Admitted, Gate
from wattline.contracts.joulepoint.problem import refusals
from wattline.metering.figures.calendar import spelled
from wattline.metering.figures.live import Trail
from wattline.metering.figures.service import Figures
from wattline.model.clock import SECOND, Clock

USUAL_MINUTES, MOST_MINUTES = 15, 180
USUAL_POINTS, LEAST_POINTS, MOST_POINTS = 900, 4, 10_000
LONGEST_FIELDS = 1000
Minutes = Annotated[int, Query(ge=1, le=MOST_MINUTES, description="How far back.")]
Names = Annotated[str | None, Query(max_length=LONGEST_FIELDS, description="Fields, with commas between; all that were told.")]
Points = Annotated[
    int, Query(ge=LEAST_POINTS, le=MOST_POINTS, description="Where there are more readings, each field's extremes stay.")
]


def build(figures: Figures, clock: Clock, gate: Gate) -> APIRouter:
    """The route."""
    router = APIRouter(tags=[TAG])

    async def live_trail(
        caller: Admitted,
        asked: Asked,
        minutes: Minutes = USUAL_MINUTES,
        fields: Names = None,
        max_points: Points = USUAL_POINTS,
    ) -> Response:
        subject = asked.subject(caller, figures)
        zone = asked.zone(subject)
        names = None if fields is None else [each.strip() for each in fields.split(",") if each.strip()]
        with as_parameters():
            trail = await figures.live.trail(subject, minutes, names, max_points)
        now = clock.micros()
        document: dict[str, Any] = {
            **asked.named(),
            "tz": zone.key,
            "interval_s": trail.interval_s,
            "stale": trail.stale,
            "age_s": None if trail.newest is None else round(max(now - trail.newest, 0) / SECOND, 3),
            "latest": None if trail.newest is None else {"t": spelled(trail.newest, zone), **trail.latest},
            "coverage_pct": None if trail.coverage is None else round(100 * trail.coverage, 3),
            "silent_meters": list(trail.silent),
            "points": _points(trail, lambda moment: spelled(moment, zone)),
        }
        return Response(msgspec.json.encode(document), headers=NO_STORE, media_type=JSON)

    router.add_api_route(
        f"{ANALYTICS}/live_trail",
        live_trail,
        methods=["GET"],
        summary="Show the last minutes",
        response_class=Response,
        response_model=None,
        route_class_override=gate.keyed(ENERGY_READ),
        responses=refusals(404, 503) | {200: {"description": "The trail: points ascending, null where a field was not told"}},
    )
    return router


def _points(trail: Trail, spell: Any) -> list[dict[str, Any]]:
    columns = {}
    for name, column in trail.columns.items():
        cells = column.astype(object)
        cells[np.isnan(column)] = None
        columns[name] = cells.tolist()
    names = list(columns)
    rows = zip(trail.time.tolist(), *columns.values(), strict=True)
    return [{"t": spell(moment), **dict(zip(names, values, strict=True))} for moment, *values in rows]
