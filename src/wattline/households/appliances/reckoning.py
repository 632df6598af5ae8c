"""What a household's peaks tell of its appliances, written where it has changed."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace

from sqlalchemy.ext.asyncio import AsyncConnection

from wattline.households.appliances import store
from wattline.households.appliances.estimate import Cause, estimate
from wattline.households.appliances.weekly import weekly_hours


async def reckon(connection: AsyncConnection, tenant: str, user: str, now: int) -> None:
    """Bring powers, their errors, weekly hours and the household's R^2 up to date; the household is held."""
    owned = await store.appliances(connection, tenant, user)
    rows = await store.linked(connection, tenant, user)
    powers = {row.peak: row.power_w for row in rows}
    causes: defaultdict[str, set[int]] = defaultdict(set)
    spans: defaultdict[int, list[tuple[int, int]]] = defaultdict(list)
    for row in rows:
        causes[row.peak].add(row.device)
        spans[row.device].append((row.start, row.end))
    found = estimate(owned, [Cause(powers[peak], frozenset(devices)) for peak, devices in causes.items()])
    horizon = max((row.end for row in rows), default=0)
    for each in owned:
        after = replace(each, weekly_hours=weekly_hours(spans[each.id], horizon))
        if each.estimated:
            power = found.powers.get(each.id)
            after = replace(after, power_w=power.power_w if power else None, sigma_w=power.sigma_w if power else None)
        if after != each:
            await store.save(connection, after, now)
    await store.set_r_squared(connection, tenant, user, found.r_squared)
