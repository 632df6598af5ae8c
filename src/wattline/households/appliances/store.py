"""The queries of appliances. Every one names the tenant and the household: another's rows do not exist."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from wattline.households.appliances.model import Appliance
from wattline.households.tables import devices, peak_devices, peaks, suggestions, users
from wattline.model.errors import NotFound

MOST_NAMED = 500
"""Ids that one statement names."""
LONGEST_ID = 30
_T = TypeVar("_T")
_d, _l, _p, _s, _u = devices.c, peak_devices.c, peaks.c, suggestions.c, users.c
_OWN = ("name", "category", "power_w", "estimated", "sigma_w", "weekly_hours")


def is_key(text: str) -> bool:
    """Whether a text can be the id of a user or a peak; a store may choke on what cannot."""
    return 0 < len(text) <= LONGEST_ID and text.isascii() and text.isprintable()


def is_number(device: int) -> bool:
    """Whether a number can be the id of an appliance."""
    return 0 < device < 2**63


def _batches(ids: Collection[_T]) -> Iterator[list[_T]]:
    ordered = list(ids)
    for at in range(0, len(ordered), MOST_NAMED):
        yield ordered[at : at + MOST_NAMED]


def _appliance(row: sa.Row[Any]) -> Appliance:
    found = row._mapping
    return Appliance(found["id"], found["tenant"], found["user"], **{name: found[name] for name in _OWN})


async def hold(connection: AsyncConnection, tenant: str, user: str) -> None:
    """Let no other transaction work on the household until this one ends. Raises `NotFound` where there is none."""
    statement = sa.select(_u.id).where(_u.tenant == tenant, _u.id == user, _u.deleted.is_(None)).with_for_update()
    if not is_key(user) or (await connection.execute(statement)).first() is None:
        raise NotFound("no such household")


async def appliances(connection: AsyncConnection, tenant: str, user: str) -> list[Appliance]:
    """The appliances of a household, by id."""
    statement = sa.select(devices).where(_d.tenant == tenant, _d.user == user).order_by(_d.id)
    return [_appliance(row) for row in await connection.execute(statement)]


async def appliance(connection: AsyncConnection, tenant: str, user: str, device: int) -> Appliance:
    """One of a household's. Raises `NotFound`."""
    if is_number(device):
        statement = sa.select(devices).where(_d.tenant == tenant, _d.user == user, _d.id == device)
        row = (await connection.execute(statement)).first()
        if row is not None:
            return _appliance(row)
    raise NotFound("no such device")


async def add(connection: AsyncConnection, made: Appliance, now: int) -> int:
    """Keep a new appliance and give its id."""
    values = {name: getattr(made, name) for name in ("tenant", "user", *_OWN)}
    statement = sa.insert(devices).values(**values, created=now, updated=now).returning(_d.id)
    return int((await connection.execute(statement)).scalar_one())


async def save(connection: AsyncConnection, changed: Appliance, now: int) -> None:
    """Write what an appliance is now."""
    owned = (_d.tenant == changed.tenant) & (_d.user == changed.user) & (_d.id == changed.id)
    values = {name: getattr(changed, name) for name in _OWN}
    await connection.execute(sa.update(devices).where(owned).values(**values, updated=now))


async def drop(connection: AsyncConnection, gone: Appliance) -> None:
    """Forget an appliance, and that it caused peaks."""
    await connection.execute(sa.delete(peak_devices).where(_l.tenant == gone.tenant, _l.device == gone.id))
    owned = (_d.tenant == gone.tenant) & (_d.user == gone.user) & (_d.id == gone.id)
    await connection.execute(sa.delete(devices).where(owned))


async def hold_peaks(connection: AsyncConnection, tenant: str, ids: Iterable[str], user: str | None = None) -> list[str]:
    """Which of these are peaks there, of this household or of any; none of them goes away until the transaction ends."""
    found: list[str] = []
    for part in _batches(sorted(each for each in ids if is_key(each))):
        statement = sa.select(_p.id).where(_p.tenant == tenant, _p.id.in_(part)).order_by(_p.id).with_for_update()
        found += (await connection.execute(statement if user is None else statement.where(_p.user == user))).scalars()
    return found


async def assigners(connection: AsyncConnection, tenant: str, ids: Collection[str]) -> list[str]:
    """The households that said of any of these peaks what caused it."""
    found: set[str] = set()
    joined = peak_devices.join(peaks, (_p.tenant == _l.tenant) & (_p.id == _l.peak))
    for part in _batches(ids):
        statement = sa.select(_p.user).distinct().select_from(joined).where(_l.tenant == tenant, _l.peak.in_(part))
        found.update((await connection.execute(statement)).scalars())
    return sorted(found)


async def link(connection: AsyncConnection, tenant: str, peak: str, causes: Collection[int]) -> None:
    """Let exactly these appliances have caused a peak."""
    await connection.execute(sa.delete(peak_devices).where(_l.tenant == tenant, _l.peak == peak))
    if causes:
        rows = [{"tenant": tenant, "peak": peak, "device": device} for device in sorted(causes)]
        await connection.execute(sa.insert(peak_devices), rows)


async def linked(connection: AsyncConnection, tenant: str, user: str) -> list[sa.Row[Any]]:
    """Which appliance caused which peak of the household: rows of peak, device, start, end, power_w."""
    joined = peak_devices.join(peaks, (_p.tenant == _l.tenant) & (_p.id == _l.peak))
    joined = joined.join(devices, (_d.tenant == _l.tenant) & (_d.user == _p.user) & (_d.id == _l.device))
    statement = sa.select(_l.peak, _l.device, _p.start, _p.end, _p.power_w).select_from(joined)
    return list(await connection.execute(statement.where(_p.tenant == tenant, _p.user == user)))


async def links_of(connection: AsyncConnection, tenant: str, user: str, ids: Sequence[str]) -> dict[str, list[int]]:
    """The appliances of each of these peaks of the household, by id."""
    found: dict[str, list[int]] = {}
    joined = peak_devices.join(peaks, (_p.tenant == _l.tenant) & (_p.id == _l.peak))
    for part in _batches([each for each in ids if is_key(each)]):
        statement = sa.select(_l.peak, _l.device).select_from(joined).order_by(_l.peak, _l.device)
        statement = statement.where(_p.tenant == tenant, _p.user == user, _l.peak.in_(part))
        for row in await connection.execute(statement):
            found.setdefault(row.peak, []).append(row.device)
    return found


async def set_r_squared(connection: AsyncConnection, tenant: str, user: str, r_squared: float | None) -> None:
    """Write how well the estimate explains the household's peaks."""
    await connection.execute(sa.update(users).where(_u.tenant == tenant, _u.id == user).values(r_squared=r_squared))


async def suggested(
    connection: AsyncConnection, tenant: str, user: str, ids: Sequence[str]
) -> dict[str, list[tuple[str, float]]]:
    """What each of these peaks of the household looks like: category and confidence, most likely first."""
    found: dict[str, list[tuple[str, float]]] = {}
    joined = suggestions.join(peaks, (_p.tenant == _s.tenant) & (_p.id == _s.peak))
    for part in _batches([each for each in ids if is_key(each)]):
        statement = sa.select(_s.peak, _s.category, _s.confidence).select_from(joined)
        statement = statement.where(_p.tenant == tenant, _p.user == user, _s.peak.in_(part))
        for row in await connection.execute(statement.order_by(_s.peak, _s.confidence.desc(), _s.category)):
            found.setdefault(row.peak, []).append((row.category, row.confidence))
    return found


async def replace_suggestions(
    connection: AsyncConnection, tenant: str, likely: Mapping[str, Sequence[tuple[str, float]]]
) -> None:
    """Let each of these peaks look like this, and like nothing else."""
    for part in _batches(likely):
        await connection.execute(sa.delete(suggestions).where(_s.tenant == tenant, _s.peak.in_(part)))
    rows = [
        {"tenant": tenant, "peak": peak, "category": category, "confidence": confidence}
        for peak, found in likely.items()
        for category, confidence in found
    ]
    if rows:
        await connection.execute(sa.insert(suggestions), rows)
