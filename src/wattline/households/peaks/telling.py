"""Which peaks were told of to whoever suggests appliances. A peak that was stored and not told of is told of later."""

from __future__ import annotations

from collections.abc import Iterable

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from wattline.households.peaks.model import Peak
from wattline.households.peaks.store import peak_of
from wattline.households.tables import peaks

MOST_UNTOLD = 200
"""Peaks that are told of again in one pass."""
_p = peaks.c


async def untold(connection: AsyncConnection, since: int, tenant: str | None, mac: str | None) -> list[tuple[Peak, int]]:
    """The first peaks that changed after `since` and were not told of since then, each with when that was (us)."""
    statement = (
        sa.select(peaks).where(_p.suggested.is_(None), _p.updated > since).order_by(_p.updated, _p.id).limit(MOST_UNTOLD)
    )
    if tenant is not None:
        statement = statement.where(_p.tenant == tenant)
    if mac is not None:
        statement = statement.where(_p.mac == mac)
    return [(peak_of(row), row.updated) for row in await connection.execute(statement)]


async def told(connection: AsyncConnection, changed: Iterable[tuple[Peak, int]]) -> None:
    """Peaks were told of as they are since a time (us)."""
    same = (_p.tenant == sa.bindparam("of_tenant"), _p.id == sa.bindparam("of_id"), _p.updated == sa.bindparam("of_updated"))
    values = [
        {"of_tenant": peak.tenant, "of_id": peak.id, "of_updated": updated, "suggested": updated} for peak, updated in changed
    ]
    if values:
        await connection.execute(sa.update(peaks).where(*same), values)
