"""Which alarms a question asks for, and the page of them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from wattline.alarms.model import Alarm, Priority, State
from wattline.alarms.store import alarm_of
from wattline.alarms.tables import LIVE, alarms
from wattline.model.errors import Invalid

MOST_ON_A_PAGE = 1000
_LARGEST = 2**63 - 1
_a = alarms.c


@dataclass(frozen=True, slots=True)
class AlarmFilter:
    """Every condition that is given must hold; `states` None is every state but CLEARED.

    `start` and `end` bound the raise, half-open, in microseconds since 1970 UTC. `sites` are the keys of the sites that the
    asker may see, None for all; `site` is the one asked for.
    """

    states: Collection[State] | None = None
    priorities: Collection[Priority] | None = None
    site: str | None = None
    block_id: int | None = None
    sensor: int | None = None
    start: int | None = None
    end: int | None = None
    sites: Collection[str] | None = None

    def conditions(self, tenant: str) -> list[sa.ColumnElement[bool]]:
        """The filter as SQL; never without the tenant."""
        found = [_a.tenant == tenant]
        found.append(_a.state.in_(LIVE if self.states is None else sorted(self.states)))
        if self.priorities is not None:
            found.append(_a.priority.in_(sorted(self.priorities)))
        for column, wanted in ((_a.site, self.site), (_a.block, self.block_id), (_a.sensor, self.sensor)):
            if wanted is not None:
                found.append(column == wanted)
        if self.sites is not None:
            found.append(_a.site.in_(sorted(self.sites)))
        if self.start is not None:
            found.append(_a.raised >= self.start)
        if self.end is not None:
            found.append(_a.raised < self.end)
        return found


@dataclass(frozen=True, slots=True)
class AlarmPage:
    """Alarms, P0 before P3, then the newest raise first. `total` and `standing` (ACTIVE or RTN_UNACK) count all that match."""

    total: int
    standing: int
    alarms: list[Alarm]


async def page(connection: AsyncConnection, tenant: str, where: AlarmFilter, offset: int, limit: int) -> AlarmPage:
    """One page; raises `Invalid` for an offset below 0, and a limit outside 0 to 1000."""
    if not 0 <= offset <= _LARGEST:
        raise Invalid("offset must not be negative", "offset")
    if not 0 <= limit <= MOST_ON_A_PAGE:
        raise Invalid(f"limit must be 0 to {MOST_ON_A_PAGE}", "limit")
    conditions = where.conditions(tenant)
    standing = sa.func.sum(sa.case((_a.state.in_(("ACTIVE", "RTN_UNACK")), 1), else_=0))
    counted = (await connection.execute(sa.select(sa.func.count(), standing).where(*conditions))).one()
    order = (_a.priority, _a.raised.desc(), _a.id.desc())
    statement = sa.select(alarms).where(*conditions).order_by(*order).limit(limit).offset(offset)
    found = [alarm_of(row) for row in await connection.execute(statement)]
    return AlarmPage(counted[0], int(counted[1] or 0), found)


async def by_id(connection: AsyncConnection, tenant: str, alarm_id: int) -> Alarm | None:
    """One alarm of the tenant by its id, live or ended."""
    if not 0 < alarm_id <= _LARGEST:
        return None
    row = (await connection.execute(sa.select(alarms).where(_a.tenant == tenant, _a.id == alarm_id))).first()
    return None if row is None else alarm_of(row)
