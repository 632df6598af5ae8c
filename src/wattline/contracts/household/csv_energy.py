"""GET /csv_energy: every row of a household, as CSV, in pieces as they are read."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

from fastapi import APIRouter, Query, Request
from fastapi.responses import StreamingResponse

from wattline.billing.days import zone_named
from wattline.contracts.household.csv_download import Pieces, documented, download
from wattline.contracts.household.csv_range import bound, german, single, span
from wattline.contracts.household.csv_text import EXCEL, PLAIN, Dialect, line, table
from wattline.contracts.household.documents import refusals
from wattline.contracts.household.gate import ADMIN, READ, Documented, Gate
from wattline.households.energy.rows import EnergyRows, plan, rows
from wattline.households.energy.streams import electric_streams
from wattline.households.service import Households
from wattline.model.clock import Clock
from wattline.model.errors import Invalid, Unauthenticated

GERMAN = (
    "Zählerstand (Verbraucht)",
    "Verbrauch in kWh",
    "Zählerstand (Eingespeißt)",
    "Erzeugt in kWh",
    "Leistung in Watt",
    "Zeitstempel",
)
ENGLISH = (
    "Meter reading (consumed)",
    "Consumption in kWh",
    "Meter reading (fed in)",
    "Generated in kWh",
    "Power in watts",
    "Timestamp",
)
DIALECTS = {None: PLAIN, "excel": EXCEL}
NOTHING = "nothing was measured in this range"


def build(households: Households, gate: Gate, clock: Clock) -> APIRouter:
    """The route."""
    router = APIRouter(tags=["Household data"])

    @router.get(
        "/csv_energy",
        summary="Download what a household used, as CSV",
        response_class=StreamingResponse,
        responses=documented("The rows.") | refusals(404),
    )
    async def csv_energy(
        request: Request,
        _key: Documented = None,
        start: str | None = Query(None, description="First local day, or instant, included. From the first row unless given."),
        end: str | None = Query(None, description="Last local day, or instant, included. To the last row unless given."),
        user_id: str | None = Query(None, description="The household, for an administrator; a token has its own."),
        dialect: str | None = Query(None, description="`excel`: with semicolons and decimal commas, for a German spreadsheet."),
    ) -> StreamingResponse:
        """One line a row, oldest first: reading and consumption since the row before, both of what was fed in too (kWh), power
        (W), and the time in UTC. The header is in German, unless `Accept-Language` prefers another language: then in English.
        A download that fails on the way breaks off; it never ends as if it were whole.
        """
        query = request.query_params
        tenant, household = await _household(gate, request, single(query, "user_id"))
        low, high = bound(query, "start"), bound(query, "end")
        written = DIALECTS.get(single(query, "dialect"))
        if written is None:
            raise Invalid("dialect: there is excel, or none", "dialect")
        user = await households.accounts.user(tenant, household)
        first, last = span(low, high, zone_named(user.zone))
        streams = await electric_streams(households.meters, tenant, user.id)
        planned = await plan(households.series, streams, first, last)
        native = german(request.headers.get("accept-language"))
        text = _text(rows(households.series, planned), GERMAN if native else ENGLISH, written)
        return await download(text, f"export_{user.id}", clock, NOTHING, "de" if native else "en")

    return router


async def _household(gate: Gate, request: Request, user_id: str | None) -> tuple[str, str]:
    """The tenant and the household that is asked for."""
    key = request.headers.get("authorization")
    if user_id is not None:
        return (await gate.household(key, user_id)).tenant, user_id
    try:
        principal = await gate.admit(key, READ)
    except Unauthenticated:
        principal = await gate.admit(key, ADMIN)
    if principal.sites is None or len(principal.sites) != 1:
        raise Invalid("user_id is missing: this key is not that of one household", "user_id")
    return principal.tenant, next(iter(principal.sites))


async def _text(found: AsyncGenerator[EnergyRows, None], header: tuple[str, ...], dialect: Dialect) -> Pieces:
    """The file, a piece for each slice; it is written off the loop, while the next slice is read."""
    before = dialect.mark + line(header, dialect)
    async with aclosing(found) as slices:
        async for part in slices:
            yield before + await asyncio.to_thread(_lines, part, dialect)
            before = b""


def _lines(part: EnergyRows, dialect: Dialect) -> bytes:
    columns = (part.value, part.consumption, part.value_out, part.inserted, part.value_current)
    return table(columns, part.time, dialect)
