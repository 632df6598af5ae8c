"""GET /csv_experiment: who takes part in an experiment and what they used, as CSV."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from decimal import Decimal

from fastapi import APIRouter, Query, Request
from fastapi.responses import StreamingResponse

from wattline.contracts.household.csv_download import Pieces, documented, download
from wattline.contracts.household.csv_range import single
from wattline.contracts.household.csv_text import line
from wattline.contracts.household.documents import refusals
from wattline.contracts.household.gate import ADMIN, Admitted, Gate
from wattline.households.energy.participation import Participation, participations
from wattline.households.service import Households
from wattline.model.clock import Clock
from wattline.model.errors import Invalid

HEADER = (
    "firstname",
    "lastname",
    "email",
    "token",
    "status",
    "number",
    "installation_date",
    "deinstallation_date",
    "total_kwh",
    "days_with_data",
    "mean_kwh_per_day",
)
_EXACT = Decimal("0.000001")


def build(households: Households, gate: Gate, clock: Clock) -> APIRouter:
    """The route, for an administrator."""
    router = APIRouter(tags=["Household data"], route_class=gate.keyed(ADMIN))

    @router.get(
        "/csv_experiment",
        summary="Download who takes part in an experiment, as CSV",
        response_class=StreamingResponse,
        responses=documented("One line a participant.") | refusals(404),
    )
    async def csv_experiment(
        request: Request,
        caller: Admitted,
        experiment_id: str | None = Query(None, description="The experiment; required."),
    ) -> StreamingResponse:
        """The first four columns are those of a survey's list of participants: first name, last name, e-mail address, and the
        user id without `-` and `_` as the token. Then the state, the run, both dates, and what the household used on the local
        days between them (kWh in total, days with data, mean of a day with data). Nothing is changed by the download.
        """
        experiment = single(request.query_params, "experiment_id")
        if not experiment:
            raise Invalid("experiment_id is missing", "experiment_id")
        found = await households.accounts.participants(caller.tenant, experiment)
        text = _text(participations(found, households.meters, households.series, clock.micros()))
        return await download(text, "export_experiment", clock, "nobody takes part in this experiment")

    return router


async def _text(found: AsyncGenerator[Participation, None]) -> Pieces:
    before = line(HEADER)
    async with aclosing(found) as each:
        async for one in each:
            yield before + _line(one)
            before = b""


def _line(one: Participation) -> bytes:
    user, part = one.user, one.participant
    return line(
        (
            _name(user.firstname),
            _name(user.lastname),
            user.email,
            user.id.replace("-", "").replace("_", ""),
            part.status,
            part.number,
            None if part.installed is None else part.installed.isoformat(),
            None if part.deinstalled is None else part.deinstalled.isoformat(),
            one.total_kwh,
            one.days_with_data,
            None if one.mean_kwh is None else one.mean_kwh.quantize(_EXACT),
        )
    )


def _name(text: str | None) -> str | None:
    """A name as the survey's list takes it: in one cell without quotes."""
    return None if text is None else text.replace(",", " ")
