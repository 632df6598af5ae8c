"""GET /api/energy/analytics/export: readings or energy as CSV; of more than five million rows, a file to fetch later."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Annotated, Any, Literal

import msgspec
from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.responses import StreamingResponse

from wattline.contracts.joulepoint.analytics_parameters import ANALYTICS, NO_STORE, TAG, Asked, Period, as_parameters
from wattline.contracts.joulepoint.bodies import JSON
from wattline.contracts.joulepoint.gate import EXPORT_READ, Admitted, Gate
from wattline.contracts.joulepoint.problem import answer, refusals
from wattline.contracts.joulepoint.query import check, spell
from wattline.metering.export import model
from wattline.metering.export.csv_text import MEDIA
from wattline.metering.export.model import Export, columns_of
from wattline.metering.export.service import Exports, Link
from wattline.metering.export.text import Pieces
from wattline.metering.figures.service import Figures
from wattline.model.clock import SECOND, Clock
from wattline.model.errors import NotFound, WattlineError

PATH, MADE = f"{ANALYTICS}/export", f"{ANALYTICS}/exports"
LONGEST_COLUMNS = 1000
CSV = f"{MEDIA}; charset=utf-8"
NUMBER = re.compile(r"[0-9a-f]{32}")
Format = Annotated[Literal["csv"], Query(alias="format", description="RFC 4180, UTF-8, with a header.")]
Every = Annotated[model.Interval, Query(description="Readings as sent, or energy by the interval, local day or month.")]
Names = Annotated[str | None, Query(max_length=LONGEST_COLUMNS, description="Columns, with commas between.")]
Bom = Annotated[bool, Query(description="Begin with a byte order mark, by which spreadsheets know UTF-8.")]
ExportId = Annotated[str, Path(pattern=f"^{NUMBER.pattern}$", description="The id.")]
FILE: dict[int | str, dict[str, Any]] = {200: {"description": "The file", "content": {MEDIA: {"schema": {"type": "string"}}}}}


def build(figures: Figures, exports: Exports, clock: Clock, gate: Gate) -> APIRouter:
    """The routes."""
    router = APIRouter(tags=[TAG])
    keyed = gate.keyed(EXPORT_READ)

    async def export(
        caller: Admitted,
        asked: Asked,
        period: Period,
        _format: Format = "csv",
        interval: Every = "15m",
        columns: Names = None,
        bom: Bom = False,
    ) -> Response:
        subject = asked.subject(caller, figures)
        zone = asked.zone(subject)
        start, end = period.resolved(clock, 1)
        with as_parameters():
            named = None if columns is None else [each.strip() for each in columns.split(",") if each.strip()]
            wanted = model.Asked(subject.kind, subject.id, start, end, zone.key, interval, columns_of(interval, named), bom)
        if await exports.rows(subject, wanted) > exports.most_rows:
            made = await exports.order(caller, wanted)
            where = {"Location": f"{MADE}/{made.id}", "Retry-After": "5"}
            return Response(msgspec.json.encode(await _shown(exports, made)), 202, where | NO_STORE, JSON)
        pieces = exports.pieces(subject, wanted)
        # What fails before the first line is told by a status; what fails on the way breaks the answer off.
        first = [(await anext(pieces)).text]
        async for piece in pieces:
            first.append(piece.text)
            break
        return StreamingResponse(_whole(first, pieces), headers=_attached(wanted), media_type=CSV)

    async def show(caller: Admitted, number: ExportId) -> Response:
        found = await exports.get(caller, number)
        return Response(msgspec.json.encode(await _shown(exports, found)), headers=NO_STORE, media_type=JSON)

    async def fetch(request: Request, number: str) -> Response:
        try:
            check(request, {"expires": False, "signature": False})
            asked = request.query_params
            expires = asked.get("expires", "")
            if NUMBER.fullmatch(number) is None or not re.fullmatch(r"[0-9]{1,15}", expires, re.ASCII):
                raise NotFound("this link is not valid, or no longer")
            found, pieces = await exports.open(Link(number, int(expires), asked.get("signature", "")))
        except WattlineError as error:
            return answer(error, request.scope)
        headers = _attached(found.asked) | {"Content-Length": str(found.size)}
        return StreamingResponse(pieces, headers=headers, media_type=CSV)

    known: dict[str, Any] = {"methods": ["GET"], "response_class": Response, "response_model": None}
    later: dict[int | str, dict[str, Any]] = {
        202: {"description": "More than five million rows: a file is made; see `Location`"}
    }
    router.add_api_route(
        PATH,
        export,
        summary="Export readings or energy",
        route_class_override=keyed,
        responses=refusals(404, 409, 503) | FILE | later,
        **known,
    )
    router.add_api_route(
        f"{MADE}/{{number}}",
        show,
        summary="Show how far an export is",
        route_class_override=keyed,
        responses=refusals(404, 503) | {200: {"description": "`url` is a link that holds for an hour, once it is done"}},
        **known,
    )
    router.add_api_route(
        f"{MADE}/{{number}}/file",
        fetch,
        summary="Fetch an export by its signed link",
        responses=refusals(404, 503) | FILE,
        **known,
    )
    return router


def _attached(asked: model.Asked) -> dict[str, str]:
    return {"Content-Disposition": f'attachment; filename="{asked.name}"'} | NO_STORE


async def _whole(first: list[bytes], rest: Pieces) -> AsyncGenerator[bytes, None]:
    async with aclosing(rest):
        for text in first:
            yield text
        async for piece in rest:
            yield piece.text


async def _shown(exports: Exports, made: Export) -> dict[str, Any]:
    document: dict[str, Any] = {
        "id": made.id,
        "status": made.state,
        "created_at": spell(made.created),
        "finished_at": None if made.finished is None else spell(made.finished),
        "rows": made.rows,
        "bytes": made.size,
        "url": None,
        "expires_at": None,
    }
    if made.state == "done":
        link = await exports.link(made)
        document["url"] = f"{MADE}/{link.id}/file?expires={link.expires}&signature={link.signature}"
        document["expires_at"] = spell(link.expires * SECOND)
    return document
