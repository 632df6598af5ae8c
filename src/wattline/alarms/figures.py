"""The queries behind the statistics; each looks at a bounded time, through an index."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from wattline.alarms import floods
from wattline.alarms.model import PRIORITIES, Priority
from wattline.alarms.statistics import CHATTER_RAISES, RESPONSE_TARGETS, TOP, Contributor, Response, Statistics
from wattline.alarms.tables import LIVE, alarms, raises
from wattline.model.clock import DAY, HOUR, MINUTE, SECOND

_a = alarms.c
_r = raises.c
_WINDOW_MINUTES = floods.WINDOW // MINUTE


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose alarms are counted. `sites` None is every site of the tenant, `block` None every block."""

    tenant: str
    block: int | None
    sites: Collection[str] | None
    flood_blocks: Collection[int]
    """Where a flood counts: the block, the tenant as a whole (`floods.WHOLE`), or the blocks of the sites."""

    def of(self, table: sa.Table, by_time: bool = False) -> list[sa.ColumnElement[bool]]:
        """The scope as SQL. `by_time`: the rows are found by their time, not by their block, of which there may be far more."""
        found = [table.c.tenant == self.tenant]
        if self.block is not None:
            # No index helps with a sum, so that the one on times is taken.
            found.append((table.c.block + 0 if by_time else table.c.block) == self.block)
        if self.sites is not None:
            found.append(table.c.site.in_(sorted(self.sites)))
        return found


async def statistics(connection: AsyncConnection, scope: Scope, now: int, out: int, stale: Sequence[int]) -> Statistics:
    """Everything as of `now`; how many sensors are out of service and which are stale is known to the caller."""
    states, stale_alarms = await _states(connection, scope, now)
    priorities = await _priorities(connection, scope, now)
    raised_24h = sum(priorities.values())
    responses = await _responses(connection, scope, now)
    acked = sum(response.acked for response, _ in responses.values())
    return Statistics(
        standing=states["ACTIVE"] + states["RTN_UNACK"],
        acked=states["ACKED"],
        shelved=states["SHELVED"],
        suppressed=states["SUPPRESSED"],
        out_of_service=out,
        raised_last_hour=await _raised(connection, scope, now - HOUR, now),
        average_response=sum(total for _, total in responses.values()) / acked / SECOND if acked else 0.0,
        p95_response=await _p95(connection, scope, now, acked),
        raised_24h=raised_24h,
        raised_10_minutes=await _raised(connection, scope, now - floods.WINDOW, now),
        peak_10_minutes=await _peak(connection, scope, now),
        flooded=await floods.any_open(connection, scope.tenant, scope.flood_blocks),
        flood_share_24h=await floods.share(connection, scope.tenant, scope.flood_blocks, now - DAY, now),
        top=await _top(connection, scope, now, raised_24h),
        stale_alarms=stale_alarms,
        stale_sensors=tuple(stale),
        chattering=await _chattering(connection, scope, now),
        priorities_24h=priorities,
        responses={priority: response for priority, (response, _) in responses.items()},
    )


async def _states(connection: AsyncConnection, scope: Scope, now: int) -> tuple[Counter[str], int]:
    """How many alarms are in each state, and how many have stood for over a day: nobody needs them, or nobody looks."""
    old = sa.func.sum(sa.case((_a.raised < now - DAY, 1), else_=0))
    statement = sa.select(_a.state, sa.func.count(), old).where(*scope.of(alarms), _a.state.in_(LIVE)).group_by(_a.state)
    found = list(await connection.execute(statement))
    counts = Counter({row[0]: row[1] for row in found})
    return counts, sum(int(row[2]) for row in found if row[0] in ("ACTIVE", "RTN_UNACK"))


def _within(scope: Scope, start: int, end: int) -> list[sa.ColumnElement[bool]]:
    return [*scope.of(raises), _r.time > start, _r.time <= end]


async def _raised(connection: AsyncConnection, scope: Scope, start: int, end: int) -> int:
    statement = sa.select(sa.func.count()).select_from(raises).where(*_within(scope, start, end))
    return int((await connection.execute(statement)).scalar_one())


async def _priorities(connection: AsyncConnection, scope: Scope, now: int) -> dict[Priority, int]:
    statement = sa.select(_r.priority, sa.func.count()).where(*_within(scope, now - DAY, now)).group_by(_r.priority)
    found = {row[0]: row[1] for row in await connection.execute(statement)}
    return {priority: found.get(priority, 0) for priority in PRIORITIES}


def _answered(scope: Scope, now: int) -> list[sa.ColumnElement[bool]]:
    return [*scope.of(alarms, by_time=True), _a.raised > now - DAY, _a.raised <= now, _a.acked.is_not(None)]


def _span() -> sa.ColumnElement[int]:
    """As `Alarm.response_time`: from asking for an operator to the acknowledgement."""
    return sa.case((_a.acked > _a.asked, _a.acked - _a.asked), else_=0)


async def _responses(connection: AsyncConnection, scope: Scope, now: int) -> dict[Priority, tuple[Response, int]]:
    """By priority, what was answered, and the sum of the response times in us."""
    span = _span()
    targets = sa.case({p: target * SECOND for p, target in RESPONSE_TARGETS.items()}, value=_a.priority)
    met = sa.func.sum(sa.case((span <= targets, 1), else_=0))
    statement = sa.select(_a.priority, sa.func.count(), met, sa.func.sum(span)).where(*_answered(scope, now))
    found: dict[str, Any] = {row[0]: row for row in await connection.execute(statement.group_by(_a.priority))}
    return {
        p: (Response(target, found[p][1], int(found[p][2])), int(found[p][3])) if p in found else (Response(target, 0, 0), 0)
        for p, target in RESPONSE_TARGETS.items()
    }


async def _p95(connection: AsyncConnection, scope: Scope, now: int, acked: int) -> float | None:
    """The response time that 95 of 100 do not exceed (nearest rank)."""
    if not acked:
        return None
    rank = -(-acked * 95 // 100)
    span = _span()
    statement = sa.select(span).where(*_answered(scope, now)).order_by(span).limit(1).offset(rank - 1)
    return int((await connection.execute(statement)).scalar_one()) / SECOND


async def _peak(connection: AsyncConnection, scope: Scope, now: int) -> int:
    """The most raises of any ten whole minutes of the last 24 h, the running one included."""
    minute = (_r.time // sa.literal(MINUTE, sa.BigInteger)).label("minute")
    statement = sa.select(minute, sa.func.count()).where(*_within(scope, now - DAY, now)).group_by("minute").order_by("minute")
    peak = current = 0
    window: list[tuple[int, int]] = []
    for found, count in await connection.execute(statement):
        window.append((found, count))
        current += count
        while window[0][0] <= found - _WINDOW_MINUTES:
            current -= window.pop(0)[1]
        peak = max(peak, current)
    return peak


async def _top(connection: AsyncConnection, scope: Scope, now: int, raised: int) -> tuple[Contributor, ...]:
    count = sa.func.count()
    statement = sa.select(_r.sensor, count).where(*_within(scope, now - DAY, now)).group_by(_r.sensor)
    found = await connection.execute(statement.order_by(count.desc(), _r.sensor).limit(TOP))
    return tuple(Contributor(sensor, times, times / raised) for sensor, times in found)


async def _chattering(connection: AsyncConnection, scope: Scope, now: int) -> tuple[int, ...]:
    """The sensors that were raised three times or more within some minute of the last 24 h, by id."""
    earlier = sa.func.lag(_r.time, CHATTER_RAISES - 1).over(partition_by=_r.sensor, order_by=(_r.time, _r.raised))
    times = sa.select(_r.sensor, (_r.time - earlier).label("span")).where(*_within(scope, now - DAY, now)).subquery()
    statement = sa.select(times.c.sensor).where(times.c.span < MINUTE).distinct().order_by(times.c.sensor)
    return tuple((await connection.execute(statement)).scalars())
