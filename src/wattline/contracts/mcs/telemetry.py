"""The telemetry routes: answered on their hot paths, and described here for FastAPI and its OpenAPI document."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response
from starlette.types import ASGIApp

from wattline.contracts.mcs import documents
from wattline.contracts.mcs.blocks import Blocks
from wattline.contracts.mcs.gate import Gate
from wattline.contracts.mcs.history import HistoryQueries
from wattline.contracts.mcs.hot import HotQuery
from wattline.contracts.mcs.latest import LatestValues
from wattline.contracts.mcs.parameters import HistoryQuery, LatestQuery, MultiQuery
from wattline.model.principal import Principal
from wattline.platform import Platform


def build(platform: Platform, gate: Gate, blocks: Blocks) -> tuple[APIRouter, Mapping[str, ASGIApp]]:
    """The routes, and what answers each of their paths (without the prefix) before any router is asked."""
    router = APIRouter(tags=["MCS telemetry"])
    caller = Depends(gate.reader)
    histories, newest = HistoryQueries(platform, gate, blocks), LatestValues(platform, blocks)

    @router.get(
        "/telemetry",
        summary="Historical telemetry of a sensor",
        response_model=documents.TelemetryResponse,
        responses=documents.refusals(400, 404, 409, 422),
    )
    async def telemetry(query: Annotated[HistoryQuery, Query()], principal: Principal = caller) -> Response:
        """The history of one sensor, ascending, at the resolution that fits the length of the range.

        Below 2 h readings as sent, below 12 h minutes, below 3 d five minutes, below 90 d hours, else days. `tier` names what
        was taken: where the range begins before what that tier still holds, it is the finest that does. A bucket is in the
        answer where it begins in the range; the one that is still open is there too.
        """
        return await histories.one(principal, query)

    @router.get(
        "/telemetry/latest",
        summary="Last value of every sensor of a block",
        response_model=documents.LatestResponse,
        response_model_exclude_none=False,
        responses=documents.refusals(409, 422),
    )
    async def telemetry_latest(query: Annotated[LatestQuery, Query()], principal: Principal = caller) -> Response:
        """The newest reading of each sensor of a block that is not older than an hour, by sensor id."""
        return await newest(principal, query)

    @router.get(
        "/telemetry/multi",
        summary="Historical telemetry of several sensors",
        response_model=documents.MultiResponse,
        responses=documents.refusals(400, 422),
    )
    async def telemetry_multi(query: Annotated[MultiQuery, Query()], principal: Principal = caller) -> Response:
        """Histories side by side. A sensor that does not exist has no points."""
        return await histories.many(principal, query)

    hot: dict[str, ASGIApp] = {
        "/telemetry": HotQuery(gate, HistoryQuery, histories.one),
        "/telemetry/latest": HotQuery(gate, LatestQuery, newest),
        "/telemetry/multi": HotQuery(gate, MultiQuery, histories.many),
    }
    return router, hot
