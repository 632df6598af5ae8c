"""GET /alarms, /alarms/history and /alarms/stats."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

import msgspec
from fastapi import APIRouter, Depends, Query, Response
from pydantic import BaseModel, Field

from wattline.alarms.model import PRIORITIES, STATES, Alarm, Priority, State
from wattline.alarms.query import AlarmFilter, AlarmPage
from wattline.contracts.mcs import derive
from wattline.contracts.mcs.alarms_rows import AlarmRow, alarm_row
from wattline.contracts.mcs.alarms_stats import StatsRow, stats_row
from wattline.contracts.mcs.blocks import BlockAlias, Blocks, BlockText, named
from wattline.contracts.mcs.documents import refusals
from wattline.contracts.mcs.errors import JSON, BadRequest
from wattline.contracts.mcs.gate import Gate
from wattline.contracts.mcs.times import Moment
from wattline.model.clock import to_micros
from wattline.model.errors import NotFound
from wattline.model.principal import Principal
from wattline.platform import Platform

NO_BLOCK = -1
"""A block's number that no block has."""
LARGEST = 2**63 - 1


class AlarmQuery(BaseModel):
    """GET /alarms."""

    state: str | None = Field(None, description="Separated by commas; every state but CLEARED unless given.")
    priority: str | None = Field(None, description="P0 to P3, separated by commas.")
    block_slug: BlockText = None
    block_id: BlockAlias = None
    site_slug: str | None = Field(None, description="Only alarms of this site.")
    sensor_id: int | None = Field(None, description="Added: only alarms of this sensor.")
    start: Moment | None = Field(None, description="Added: raised from then on.")
    end: Moment | None = Field(None, description="Added: raised before then.")
    offset: int = Field(0, ge=0, le=LARGEST)
    limit: int = Field(100, ge=1, le=1000)


class HistoryQuery(AlarmQuery):
    """GET /alarms/history."""

    state: str | None = Field(None, description="Separated by commas; every state unless given.")


class AlarmsRow(msgspec.Struct):
    """A page of alarms, P0 before P3, then the newest raise first."""

    total: Annotated[int, derive.said("All that match, whatever the page.")]
    standing: Annotated[int, derive.said("Those of them that are ACTIVE or RTN_UNACK.")]
    alarms: list[AlarmRow]


def words(text: str | None) -> list[str] | None:
    """The values of a list that is separated by commas, trimmed and in capitals; None where none was given."""
    if text is None or not text.strip():
        return None
    return [each.strip().upper() for each in text.split(",")]


def states(text: str | None) -> list[State] | None:
    """The states of a list; what is none matches nothing."""
    asked = words(text)
    return None if asked is None else [state for state in STATES if state in asked]


def priorities(text: str | None) -> list[Priority] | None:
    """The priorities of a list; what is none matches nothing."""
    asked = words(text)
    return None if asked is None else [priority for priority in PRIORITIES if priority in asked]


def span(start: datetime | None, end: datetime | None) -> tuple[int | None, int | None]:
    """An optional range in microseconds. Raises `BadRequest` where it is empty."""
    found = (None if start is None else to_micros(start), None if end is None else to_micros(end))
    if found[0] is not None and found[1] is not None and found[1] <= found[0]:
        raise BadRequest("end must be after start")
    return found


class AlarmQueries:
    """Questions about alarms, as a principal may ask them."""

    def __init__(self, platform: Platform, blocks: Blocks) -> None:
        self._alarms = platform.alarms
        self._registry = platform.registry
        self._blocks = blocks

    def _block(self, principal: Principal, text: str | None) -> int | None:
        if text is None:
            return None
        block = self._blocks.find(principal, text)
        return NO_BLOCK if block is None else block.id

    async def page(self, principal: Principal, query: AlarmQuery, usual: Sequence[State] | None) -> AlarmsRow:
        """A page of alarms; `usual` are the states where none were asked for, None every one but CLEARED."""
        start, end = span(query.start, query.end)
        asked = states(query.state)
        where = AlarmFilter(
            states=usual if asked is None else asked,
            priorities=priorities(query.priority),
            site=query.site_slug,
            block_id=self._block(principal, named(query.block_slug, query.block_id)),
            sensor=query.sensor_id,
            start=start,
            end=end,
            sites=principal.sites,
        )
        if self._is_of_nothing(principal, where):
            return AlarmsRow(0, 0, [])
        found: AlarmPage = await self._alarms.query(principal.tenant, where, query.offset, query.limit)
        return AlarmsRow(found.total, found.standing, [row for alarm in found.alarms if (row := self._row(alarm)) is not None])

    def _row(self, alarm: Alarm) -> AlarmRow | None:
        """The alarm; None where another process has just registered its sensor and this one is about to learn of it."""
        try:
            return alarm_row(alarm, self._registry.any_point(alarm.sensor))
        except NotFound:
            return None

    def _is_of_nothing(self, principal: Principal, where: AlarmFilter) -> bool:
        """Whether a place was named that the principal does not see: no store is asked about a text that a caller made up."""
        if where.block_id == NO_BLOCK:
            return True
        if where.sensor is not None and not 0 < where.sensor < 2**31:
            return True
        return where.site is not None and self._blocks.site(principal, where.site) is None

    async def stats(self, principal: Principal, text: str | None) -> StatsRow:
        """The figures of a block, or of all that the principal sees."""
        found = await self._alarms.statistics(principal.tenant, self._block(principal, text), principal.sites)
        return stats_row(found, self._registry)


def _answer(shown: object) -> Response:
    return Response(msgspec.json.encode(shown), media_type=JSON)


def build(platform: Platform, gate: Gate, blocks: Blocks) -> APIRouter:
    """The routes, on this platform."""
    router = APIRouter(tags=["MCS alarms"])
    queries = AlarmQueries(platform, blocks)
    caller = Depends(gate.reader)
    page = derive.model(AlarmsRow)

    @router.get("/alarms", summary="Alarms that are not cleared", response_model=page, responses=refusals(400, 409, 422))
    async def alarms(query: Annotated[AlarmQuery, Query()], principal: Principal = caller) -> Response:
        """Most severe first, then the newest. Words that are no state or priority match nothing."""
        return _answer(await queries.page(principal, query, None))

    @router.get("/alarms/history", summary="Alarms of any time", response_model=page, responses=refusals(400, 409, 422))
    async def history(query: Annotated[HistoryQuery, Query()], principal: Principal = caller) -> Response:
        """As /alarms, with those that are cleared."""
        return _answer(await queries.page(principal, query, STATES))

    @router.get(
        "/alarms/stats", summary="ISA-18.2 figures", response_model=derive.model(StatsRow), responses=refusals(409, 422)
    )
    async def stats(block_slug: BlockText = None, block_id: BlockAlias = None, principal: Principal = caller) -> Response:
        """How many alarms there are and how well they are handled, by ANSI/ISA-18.2 and EEMUA 191."""
        return _answer(await queries.stats(principal, named(block_slug, block_id)))

    return router
