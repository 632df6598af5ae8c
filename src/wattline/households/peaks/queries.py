"""What is read of the rows of peaks."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from wattline.households.peaks.model import Peak
from wattline.households.peaks.store import Home, peak_of
from wattline.households.tables import peaks

_p = peaks.c


async def between(connection: AsyncConnection, tenant: str, user: str, start: int, end: int) -> list[Peak]:
    """The peaks of a household that touch [start, end), oldest first."""
    touching = (_p.tenant == tenant, _p.user == user, _p.end > start, _p.start < end)
    rows = await connection.execute(sa.select(peaks).where(*touching).order_by(_p.start, _p.mac))
    return [peak_of(row) for row in rows]


async def changed_since(connection: AsyncConnection, home: Home, since: int) -> list[Peak]:
    """The peaks of a home that were found or grew at `since` or later, oldest first."""
    mine = (_p.tenant == home.tenant, _p.user == home.user, _p.mac == home.mac, _p.updated >= since)
    return [peak_of(row) for row in await connection.execute(sa.select(peaks).where(*mine).order_by(_p.start))]


async def one(connection: AsyncConnection, tenant: str, user: str, peak_id: str) -> Peak | None:
    """A peak of a household."""
    mine = (_p.tenant == tenant, _p.id == peak_id, _p.user == user)
    row = (await connection.execute(sa.select(peaks).where(*mine))).first()
    return peak_of(row) if row is not None else None
