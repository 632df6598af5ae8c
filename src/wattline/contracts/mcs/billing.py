"""GET /billing/kwh, /billing/kwht, /billing/energy-daily and /billing/coverage."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import StreamingResponse

from wattline.billing.model import Boundary, EnergyReport
from wattline.contracts.mcs import csv_text, derive
from wattline.contracts.mcs.billing_rows import (
    PIECE,
    BlockCoverage,
    DayRow,
    KwhReport,
    KwhRow,
    KwhtReport,
    KwhtRow,
    coverage_row,
    day_row,
    pieces,
    rounded,
)
from wattline.contracts.mcs.blocks import Blocks, required
from wattline.contracts.mcs.documents import refusals
from wattline.contracts.mcs.errors import JSON, Unprocessable, fault
from wattline.contracts.mcs.gate import Gate
from wattline.contracts.mcs.parameters import DailyQuery, EnergyQuery
from wattline.contracts.mcs.times import Range, spell, time_range
from wattline.model.errors import Invalid
from wattline.model.place import Block
from wattline.model.principal import Principal
from wattline.platform import Platform

CSV_TOO: dict[int | str, dict[str, Any]] = {
    200: {"content": {csv_text.MEDIA: {"schema": {"type": "string"}}}, "description": "JSON, or CSV where that is accepted."}
}
Wanted = Annotated[EnergyQuery, Query()]
Rows = type[KwhRow] | type[KwhtRow]
Account = Callable[[Block, int, int], Awaitable[EnergyReport]]
"""How the energy of a block over a range is had (`wattline.billing.energy.Energy`)."""


def _head(block_slug: str, asked: Range, report: EnergyReport | None, total: str) -> dict[str, object]:
    return {
        "block_slug": block_slug,
        "start": spell(asked.start),
        "end": spell(asked.end),
        total: 0.0 if report is None else rounded(report.total),
        "row_count": 0 if report is None else len(report.rows),
        "boundary": str(Boundary.NONE if report is None else report.boundary),
        "coverage": 0.0 if report is None else report.coverage,
        "estimated_share": 0.0 if report is None else report.estimated_share,
        "anomalies": 0 if report is None else report.anomalies,
    }


def _json(head: dict[str, object], report: EnergyReport | None, row: Rows) -> Iterator[bytes]:
    """The report in pieces: a year of a block is some hundred megabytes."""
    yield msgspec.json.encode(head)[:-1] + b',"data":['
    between = b""
    for part in () if report is None else pieces(report, row):
        yield between + msgspec.json.encode(part)[1:-1]
        between = b","
    yield b"]}"


def _csv(report: EnergyReport | None, row: Rows) -> Iterator[bytes]:
    names = [field.name for field in msgspec.structs.fields(row)]
    yield csv_text.lines([names])
    for part in () if report is None else pieces(report, row):
        yield csv_text.lines([getattr(each, name) for name in names] for each in part)


async def _stream(parts: Iterator[bytes]) -> AsyncIterator[bytes]:
    for part in parts:
        yield part
        await asyncio.sleep(0)


def build(platform: Platform, gate: Gate, blocks: Blocks) -> APIRouter:
    """The routes, on this platform."""
    router = APIRouter(tags=["MCS billing"])
    caller = Depends(gate.reader)
    energy, clock = platform.energy, platform.clock
    told = refusals(400, 409, 422)

    def asked_for(principal: Principal, query: EnergyQuery) -> tuple[str, Block | None, Range]:
        text = required(query.block_slug, query.block_id)
        asked = time_range(query.start, query.end, clock.micros())
        block = blocks.find(principal, text)
        return (text if block is None else block.slug), block, asked

    async def rows(request: Request, principal: Principal, query: EnergyQuery, account: Account, row: Rows) -> Response:
        slug, block, asked = asked_for(principal, query)
        report = None if block is None else await account(block, asked.start, asked.end)
        if csv_text.wanted(request.headers):
            media, parts = csv_text.MEDIA, _csv(report, row)
        else:
            head = _head(slug, asked, report, "total_kwh" if row is KwhRow else "total_kwht")
            media, parts = JSON, _json(head, report, row)
        if report is None or len(report.rows) <= PIECE:
            return Response(b"".join(parts), media_type=media)
        return StreamingResponse(_stream(parts), media_type=media)

    @router.get(
        "/billing/kwh",
        summary="Electrical energy in five-minute rows",
        response_model=derive.model(KwhReport),
        responses={**told, **CSV_TOO},
    )
    async def kwh(request: Request, query: Wanted, principal: Principal = caller) -> Response:
        """Every electrical meter of the block. The total counts each kilowatt-hour once: see `authoritative`."""
        return await rows(request, principal, query, energy.electrical, KwhRow)

    @router.get(
        "/billing/kwht",
        summary="Recovered heat in five-minute rows",
        response_model=derive.model(KwhtReport),
        responses={**told, **CSV_TOO},
    )
    async def kwht(request: Request, query: Wanted, principal: Principal = caller) -> Response:
        """Every heat meter of the block; where there is none, heat computed from flow and temperatures."""
        return await rows(request, principal, query, energy.thermal, KwhtRow)

    @router.get(
        "/billing/energy-daily",
        summary="Energy by day",
        response_model=derive.many(DayRow),
        responses={**told, **CSV_TOO},
    )
    async def energy_daily(request: Request, query: Annotated[DailyQuery, Query()], principal: Principal = caller) -> Response:
        """Electrical energy, recovered and rejected heat, heat recovery and PUE of the days in which anything was measured."""
        slug, block, asked = asked_for(principal, query)
        try:
            days = [] if block is None else await energy.daily(block, asked.start, asked.end, query.tz)
        except Invalid as error:
            raise Unprocessable([fault("value_error", ["query", "tz"], str(error), query.tz)]) from None
        rows = [day_row(slug, "" if block is None else block.site.key, day) for day in days]
        if csv_text.wanted(request.headers):
            names = [field.name for field in msgspec.structs.fields(DayRow)]
            shown = [[" ".join(row.flags) if name == "flags" else getattr(row, name) for name in names] for row in rows]
            return Response(csv_text.lines([names, *shown]), media_type=csv_text.MEDIA)
        return Response(msgspec.json.encode(rows), media_type=JSON)

    @router.get(
        "/billing/coverage", summary="What the energy rests on", response_model=derive.model(BlockCoverage), responses=told
    )
    async def coverage(query: Wanted, principal: Principal = caller) -> Response:
        """The meters of a block, which of them make the totals, and how much of the time they measured."""
        slug, block, asked = asked_for(principal, query)
        times = spell(asked.start), spell(asked.end)
        if block is None:
            found = BlockCoverage(slug, None, *times, None, None)
        else:
            electrical = await energy.electrical(block, asked.start, asked.end)
            thermal = await energy.thermal(block, asked.start, asked.end)
            found = BlockCoverage(slug, block.site.key, *times, coverage_row(electrical), coverage_row(thermal))
        return Response(msgspec.json.encode(found), media_type=JSON)

    return router
