"""The rows of peaks, and up to when each meter was looked at."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from wattline.households.peaks.detection import Found
from wattline.households.peaks.model import Peak
from wattline.households.tables import peak_devices, peaks, progress, suggestions

WORK, OPEN = "peaks", "peaks.open"
"""Progress: up to when the windows of a meter were looked at, and from when on it may still change what was found."""
NEVER = -1
"""The progress of a meter that was not looked at."""
MOST_NAMED = 200
_FIELDS = [field.name for field in fields(Peak)]
_p = peaks.c
_g = progress.c


@dataclass(frozen=True, slots=True)
class Home:
    """A meter and the household that it reads."""

    tenant: str
    user: str
    mac: str


@dataclass(frozen=True, slots=True)
class Standing:
    """Up to when a home was looked at (us), and from when on what was found there may still change."""

    upto: int
    since: int | None


@dataclass(frozen=True, slots=True)
class Look:
    """What was found in a home by somebody who saw `before`, and where that leaves it."""

    home: Home
    before: Standing | None
    after: Standing
    found: Sequence[Found]


def _of(table: Any, homes: Sequence[Home]) -> sa.ColumnElement[bool]:
    """A condition that all rows of these homes meet, and hardly another."""
    return sa.and_(*(table[name].in_({getattr(home, name) for home in homes}) for name in ("tenant", "user", "mac")))


async def standings(connection: AsyncConnection, homes: Sequence[Home], *, lock: bool = False) -> dict[Home, Standing]:
    """Where these homes stand; those that were never looked at are left out."""
    rows: dict[Home, dict[str, int]] = {}
    for at in range(0, len(homes), MOST_NAMED):
        some = homes[at : at + MOST_NAMED]
        statement = sa.select(progress).where(_g.work.in_([WORK, OPEN]), _of(_g, some)).order_by(_g.mac, _g.work)
        for row in await connection.execute(statement.with_for_update() if lock else statement):
            rows.setdefault(Home(row.tenant, row.user, row.mac), {})[row.work] = row.upto
    found = {home: rows[home] for home in homes if rows.get(home, {}).get(WORK, NEVER) != NEVER}
    return {home: Standing(works[WORK], works.get(OPEN)) for home, works in found.items()}


async def keep(connection: AsyncConnection, looks: Sequence[Look], now: int) -> list[tuple[Peak, Found]]:
    """Write down what was found, and give the peaks that are new or have changed.

    A home that somebody else looked at in the meantime is left as they left it.
    """
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    first = [_progress(look.home, WORK, NEVER) for look in looks if look.before is None]
    if first:
        await connection.execute(insert(progress).on_conflict_do_nothing(), first)
    standing = await standings(connection, [look.home for look in looks], lock=True)
    looks = [look for look in looks if standing.get(look.home) == look.before]
    await _move(connection, looks, standing)
    stored = await _stored(connection, looks)
    new: list[tuple[Peak, Found]] = []
    grown: list[tuple[Peak, Found]] = []
    gone: list[Peak] = []
    for look in looks:
        _compare(look, stored.get(look.home, []), new, grown, gone)
    for each in gone:
        await forget(connection, each)
    if grown:
        same = (_p.tenant == sa.bindparam("of_tenant"), _p.id == sa.bindparam("of_id"))
        columns = ("start", "end", "power_w", "base_w", "energy_kwh")
        values = [
            {"of_tenant": each.tenant, "of_id": each.id, "updated": now} | {name: getattr(each, name) for name in columns}
            for each, _ in grown
        ]
        await connection.execute(sa.update(peaks).where(*same), values)
    if new:
        rows = [{name: getattr(each, name) for name in _FIELDS} | {"created": now, "updated": now} for each, _ in new]
        await connection.execute(sa.insert(peaks), rows)
    return new + grown


def _progress(home: Home, work: str, upto: int) -> dict[str, Any]:
    return {"work": work, "tenant": home.tenant, "user": home.user, "mac": home.mac, "upto": upto}


async def _move(connection: AsyncConnection, looks: Sequence[Look], standing: dict[Home, Standing]) -> None:
    where = [_g[name] == sa.bindparam(f"of_{name}") for name in ("work", "tenant", "user", "mac")]

    def named(look: Look, work: str) -> dict[str, Any]:
        row = _progress(look.home, work, 0)
        return {f"of_{name}": row[name] for name in ("work", "tenant", "user", "mac")}

    moved = [named(look, WORK) | {"upto": look.after.upto} for look in looks]
    closed = [named(look, OPEN) for look in looks if (known := standing.get(look.home)) and known.since is not None]
    opened = [_progress(look.home, OPEN, look.after.since) for look in looks if look.after.since is not None]
    if moved:
        await connection.execute(sa.update(progress).where(*where), moved)
    if closed:
        await connection.execute(sa.delete(progress).where(*where), closed)
    if opened:
        await connection.execute(sa.insert(progress), opened)


async def _stored(connection: AsyncConnection, looks: Sequence[Look]) -> dict[Home, list[Peak]]:
    """The peaks of each home that reach into what was looked at."""
    with_peaks = [look for look in looks if look.found]
    found: dict[Home, list[Peak]] = {}
    for at in range(0, len(with_peaks), MOST_NAMED):
        some = with_peaks[at : at + MOST_NAMED]
        since = min(each.start for look in some for each in look.found)
        statement = sa.select(peaks).where(_of(_p, [look.home for look in some]), _p.end > since).order_by(_p.start)
        for row in await connection.execute(statement):
            found.setdefault(Home(row.tenant, row.user, row.mac), []).append(peak_of(row))
    return found


def _compare(
    look: Look, stored: list[Peak], new: list[tuple[Peak, Found]], grown: list[tuple[Peak, Found]], gone: list[Peak]
) -> None:
    left = list(stored)
    for found in look.found:
        touched = [each for each in left if each.start < found.end and each.end > found.start]
        left = [each for each in left if each not in touched]
        figures = (found.start, found.end, found.power_w, found.base_w, found.energy_kwh)
        home = look.home
        if touched:
            known, *others = touched
            gone += others
            changed = Peak(home.tenant, known.id, home.user, home.mac, *figures)
            if changed != known:
                grown.append((changed, found))
        else:
            new.append((Peak(home.tenant, _id(home, found.start), home.user, home.mac, *figures), found))


def _id(home: Home, start: int) -> str:
    """The same for the same peak, whoever finds it first."""
    return hashlib.sha256(f"{home.tenant}\0{home.user}\0{home.mac}\0{start}".encode()).hexdigest()[:30]


def peak_of(row: sa.Row[Any]) -> Peak:
    """A peak from a row of the whole table."""
    found = row._mapping
    return Peak(**{name: found[name] for name in _FIELDS})


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


async def forget(connection: AsyncConnection, peak: Peak) -> None:
    """Take a peak away with what was said of it."""
    for table in (peak_devices, suggestions):
        await connection.execute(sa.delete(table).where(table.c.tenant == peak.tenant, table.c.peak == peak.id))
    await connection.execute(sa.delete(peaks).where(_p.tenant == peak.tenant, _p.id == peak.id))


async def close(connection: AsyncConnection, home: Home, until: int, lag: int) -> None:
    """Look at nothing before `until` again."""
    standing = (await standings(connection, [home], lock=True)).get(home)
    if standing is None or until <= (standing.since if standing.since is not None else standing.upto - lag):
        return
    await _move(connection, [Look(home, standing, replace(standing, since=until), ())], {home: standing})
