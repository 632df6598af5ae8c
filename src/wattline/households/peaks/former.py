"""Homes whose meter reads another household now, or none: what it read there until then is looked at too."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from wattline.households.meters.model import ELECTRICITY
from wattline.households.peaks.store import NEVER, WORK, Home
from wattline.households.tables import assignments, meters, progress, users

_a, _g, _m, _u = assignments.c, progress.c, meters.c, users.c


async def former(connection: AsyncConnection, tenant: str | None, since: int) -> dict[Home, int]:
    """Homes that gave a meter away after `since` and were not looked at up to then: when they did (us).

    A meter that was removed counts where it was looked at before: then it is known to be one of electricity. Households that
    were deleted are left out.
    """
    looked = sa.and_(_g.work == WORK, _g.tenant == _a.tenant, _g.user == _a.user, _g.mac == _a.mac)
    upto = sa.func.coalesce(_g.upto, NEVER)
    electric = sa.or_(_m.kind.in_([int(kind) for kind in ELECTRICITY]), sa.and_(_m.mac.is_(None), upto != NEVER))
    deleted = sa.exists().where(_u.tenant == _a.tenant, _u.id == _a.user, _u.deleted.is_not(None))
    joined = assignments.outerjoin(progress, looked).outerjoin(meters, _m.mac == _a.mac)
    statement = (
        sa.select(_a.tenant, _a.user, _a.mac, sa.func.max(_a.until).label("until"))
        .select_from(joined)
        .where(_a.until > since, _a.until > _a.since, upto < _a.until, electric, ~deleted)
        .group_by(_a.tenant, _a.user, _a.mac)
    )
    if tenant is not None:
        statement = statement.where(_a.tenant == tenant)
    return {Home(row.tenant, row.user, row.mac): row.until for row in await connection.execute(statement)}
