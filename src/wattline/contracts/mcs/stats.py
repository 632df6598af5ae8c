"""GET /stats: figures of what the caller may see, each told for itself: one that cannot be had now is null."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable
from datetime import timedelta
from typing import Literal, TypeVar

from fastapi import APIRouter, Depends

from wattline.contracts.mcs import documents
from wattline.contracts.mcs.blocks import Blocks
from wattline.contracts.mcs.gate import Gate
from wattline.contracts.mcs.tiers import TIERS, Tier
from wattline.model.clock import DAY, HOUR, MINUTE, SECOND, from_micros
from wattline.model.errors import WattlineError
from wattline.model.principal import Principal
from wattline.platform import Platform
from wattline.registry.point import Point

T = TypeVar("T")

PATIENCE_SECONDS = 5.0
REMEMBERED = 5 * SECOND
"""Figures hold for so long: a count of the last hour's readings is not cheap."""
MOST_CALLERS = 1000
LATE, VERY_LATE = 10 * MINUTE, 30 * MINUTE


def pretty(size: int) -> str:
    """A number of bytes as a person reads it: up to 10,240 of each unit, in whole numbers."""
    for unit in ("bytes", "kB", "MB", "GB"):
        if size < 10 * 1024:
            return f"{size} {unit}"
        size = (size + 512) // 1024
    return f"{size} TB"


def tier_state(tier: Tier, watermark: int, now: int) -> documents.TierStatistics:
    """How far a tier is computed. A bucket can be computed when it is over: only what is beyond that is overdue."""
    until = watermark // tier.width * tier.width
    if not until:
        return documents.TierStatistics(view_name=_name(tier), last_refreshed_to=None, refresh_lag=None, status="CRITICAL")
    lag = max(0, now - until)
    overdue = lag - tier.width
    status: Literal["OK", "WARNING", "CRITICAL"] = "CRITICAL" if overdue > VERY_LATE else "WARNING" if overdue > LATE else "OK"
    shown = str(timedelta(seconds=lag // SECOND))
    return documents.TierStatistics(
        view_name=_name(tier), last_refreshed_to=from_micros(until), refresh_lag=shown, status=status
    )


def _name(tier: Tier) -> documents.Tier:
    found: documents.Tier = tier.name  # type: ignore[assignment]
    return found


class Statistics:
    """Gathers the figures, at most every five seconds for each set of sites."""

    def __init__(self, platform: Platform, blocks: Blocks) -> None:
        self._platform = platform
        self._blocks = blocks
        self._known: dict[tuple[str, frozenset[str] | None], tuple[int, asyncio.Task[documents.StatsResponse]]] = {}

    async def of(self, principal: Principal) -> documents.StatsResponse:
        """The figures for a caller."""
        now = self._platform.clock.micros()
        key = (principal.tenant, principal.sites)
        asked, task = self._known.get(key, (now, None))
        if task is None or (task.done() and not 0 <= now - asked < REMEMBERED):
            if len(self._known) >= MOST_CALLERS:
                self._known.clear()
            task = asyncio.create_task(self._gather(principal, now))
            self._known[key] = (now, task)
        return await asyncio.shield(task)

    async def _gather(self, principal: Principal, now: int) -> documents.StatsResponse:
        platform = self._platform
        points = [p for block in self._blocks.blocks(principal) for p in platform.registry.block_points(block.id)]
        extent, size, letters = await asyncio.gather(
            _or_none(platform.series.extent(points, now - HOUR, now + HOUR)),
            _or_none(platform.series.stored_bytes()),
            _or_none(platform.dead_letters.count_since(principal.tenant, now - DAY)),
        )
        return documents.StatsResponse(
            telemetry=documents.TelemetryStatistics(
                rows_last_hour=None if extent is None else extent.count,
                table_size=None if size is None else pretty(size),
                oldest_in_window=None if extent is None or not extent.count else from_micros(extent.oldest),
                newest_in_window=None if extent is None or not extent.count else from_micros(extent.newest),
            ),
            aggregates=[tier_state(tier, platform.series.watermark, now) for tier in TIERS if tier.width],
            alarms=self._alarms(points),
            dead_letter_24h=letters,
        )

    def _alarms(self, points: list[Point]) -> documents.AlarmStatistics:
        live = (self._platform.alarms.live(point.id) for point in points)
        states = Counter(alarm.state for alarm in live if alarm is not None)
        return documents.AlarmStatistics(
            active=states["ACTIVE"],
            acked=states["ACKED"],
            shelved=states["SHELVED"],
            suppressed=states["SUPPRESSED"],
            rtn_unack=states["RTN_UNACK"],
        )


async def _or_none(figure: Awaitable[T]) -> T | None:
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            return await figure
    except (WattlineError, TimeoutError):
        return None


def build(platform: Platform, gate: Gate, blocks: Blocks) -> APIRouter:
    """The route, on this platform."""
    router = APIRouter(tags=["MCS operations"])
    statistics = Statistics(platform, blocks)
    caller = Depends(gate.reader)

    @router.get("/stats", summary="System statistics", responses=documents.refusals())
    async def stats(principal: Principal = caller) -> documents.StatsResponse:
        """Readings, tiers, alarms and dead letters of the account, as far as the key includes them."""
        return await statistics.of(principal)

    return router
