"""GET and POST /api/energy/analytics/forecast: what is to be expected, how sure that is, and how good such forecasts were."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any, Literal

import msgspec
from fastapi import APIRouter, Query, Request, Response

from wattline.contracts.joulepoint import analytics_forecast_body as bodies_of
from wattline.contracts.joulepoint.analytics_forecast_document import document
from wattline.contracts.joulepoint.analytics_parameters import ANALYTICS, NO_STORE, TAG, Asked, Whom
from wattline.contracts.joulepoint.bodies import JSON
from wattline.contracts.joulepoint.bodies import document as body_of
from wattline.contracts.joulepoint.gate import ENERGY_READ, Admitted, Gate
from wattline.contracts.joulepoint.problem import Problem, bad_parameter, refusals
from wattline.contracts.joulepoint.query import Instant
from wattline.forecasting.model import HORIZON_HOURS, STEPS, InsufficientHistory, ModelName, Question, Target
from wattline.forecasting.service import Forecasting
from wattline.metering.figures.service import Figures
from wattline.metering.figures.subject import Subject
from wattline.model.clock import Clock
from wattline.model.errors import Fault, Faulty
from wattline.model.principal import Principal

PATH = f"{ANALYTICS}/forecast"
LONGEST_LIST = 200
_OF_MODEL = "`auto` chooses, or blends, by a backtest; the others are simple."
_OF_TARGET = "`demand` is what is taken less what is given; `generation` is never negative."
Hours = Annotated[int, Query(ge=1, le=HORIZON_HOURS, description="How far ahead, in hours.")]
Step = Annotated[Literal["15m", "1h"], Query(description="The length of a step.")]
Model = Annotated[ModelName, Query(description=_OF_MODEL)]
Levels = Annotated[str, Query(max_length=LONGEST_LIST, description="Quantiles, parted by commas.")]
Of = Annotated[Target, Query(description=_OF_TARGET)]
AsOf = Annotated[Instant | None, Query(description="Forecast as if it were this moment: nothing later is looked at.")]
Bound = Annotated[
    float | None, Query(ge=-bodies_of.MOST_KW, le=bodies_of.MOST_KW, allow_inf_nan=False, description="Clip to this, in kW.")
]
_COLUMN = {
    "type": "array",
    "items": {
        "type": "object",
        "required": ["t", "value"],
        "properties": {"t": {"type": "string", "format": "date-time"}, "value": {"type": "number"}},
    },
}
_BODY = {
    "type": "object",
    "description": "The parameters of the query as fields, and `weather` that reaches from the past over the horizon.",
    "additionalProperties": True,
    "properties": {
        "meter_id": {"type": "integer"},
        "weather": {"type": "object", "additionalProperties": _COLUMN, "description": "Such as `temperature`, in Cel."},
    },
}
_ANSWERS: dict[int | str, dict[str, Any]] = {200: {"description": "The forecast"}}


def build(forecasting: Forecasting[Subject], figures: Figures, clock: Clock, gate: Gate) -> APIRouter:
    """The routes."""
    router = APIRouter(tags=[TAG])

    async def answer(caller: Principal, asked: Whom, question: Question) -> Response:
        subject = asked.subject(caller, figures)
        zone = asked.zone(subject)
        now = clock.micros()
        found = await forecasting.forecast(subject, zone, question)
        # A week of quarter hours with many quantiles is told beside the event loop.
        told = await asyncio.to_thread(lambda: msgspec.json.encode(document(asked.named(), zone, question, now, found)))
        return Response(told, headers=NO_STORE, media_type=JSON)

    async def forecast(
        caller: Admitted,
        asked: Asked,
        horizon_h: Hours = 24,
        step: Step = "1h",
        model: Model = "seasonal_naive",
        quantiles: Levels = "0.1,0.5,0.9",
        target: Of = "demand",
        as_of: AsOf = None,
        lower: Bound = None,
        upper: Bound = None,
    ) -> Response:
        if lower is not None and upper is not None and lower > upper:
            raise bad_parameter("lower", "out_of_range", "must not be above upper")
        question = Question(
            as_of=clock.micros() if as_of is None else as_of,
            horizon_h=horizon_h,
            step_s=STEPS[step],
            model=model,
            target=target,
            quantiles=levels(quantiles),
            lower=lower,
            upper=upper,
            live=as_of is None,
        )
        with _told(in_query=True):
            return await answer(caller, asked, question)

    async def forecast_with_weather(caller: Admitted, request: Request) -> Response:
        body = await body_of(request)
        # A year of weather takes a while to read.
        asked, question = await asyncio.to_thread(bodies_of.read, body, clock.micros())
        with _told(in_query=False):
            return await answer(caller, asked, question)

    for method, route, summary, extra in (
        ("GET", forecast, "Forecast demand or generation", None),
        ("POST", forecast_with_weather, "Forecast with the weather", {"requestBody": _content()}),
    ):
        router.add_api_route(
            PATH,
            route,
            methods=[method],
            summary=summary,
            response_class=Response,
            response_model=None,
            route_class_override=gate.keyed(ENERGY_READ),
            responses=refusals(404, 503) | _ANSWERS,
            openapi_extra=extra,
        )
    return router


def levels(text: str) -> tuple[float, ...]:
    """The quantiles of a list, ascending. Raises `Problem` 400."""
    found = set()
    for part in text.split(","):
        try:
            level = float(part)
        except ValueError:
            raise bad_parameter("quantiles", "invalid", "quantiles are numbers, parted by commas") from None
        if not 0 < level < 1 or level in found:
            raise bad_parameter("quantiles", "out_of_range", "a quantile is above 0, below 1 and named once")
        found.add(level)
    if len(found) > bodies_of.MOST_LEVELS:
        raise bad_parameter("quantiles", "too_long", f"there are at most {bodies_of.MOST_LEVELS} quantiles")
    return tuple(sorted(found))


def _content() -> dict[str, Any]:
    return {"required": True, "content": {JSON: {"schema": _BODY}}}


@contextmanager
def _told(*, in_query: bool) -> Iterator[None]:
    """Give too short a history its own code, and call a parameter of the query one."""
    try:
        yield
    except InsufficientHistory as error:
        raise Problem(422, "insufficient_history", error.faults[0].detail, error.faults) from None
    except Faulty as error:
        if not in_query:
            raise
        faults = [Fault(f"?{fault.pointer[1:]}", fault.code, fault.detail) for fault in error.faults]
        raise Problem(400, "bad_parameter", str(error), faults) from None
