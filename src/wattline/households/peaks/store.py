"""The rows of peaks, and up to when each meter was looked at."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from wattline.households.peaks.detection import Found
from wattline.households.peaks.matching import Match, matched
from wattline.households.peaks.model import Peak
from wattline.households.tables import peak_devices, peaks, progress, removed_peaks, suggestions

WORK, OPEN = "peaks", "peaks.open"
"""Progress: up to when the windows of a meter were looked at, and from when on it may still change what was found."""
NEVER = -1
"""The progress of a meter that was not looked at."""
MOST_NAMED = 200
FIGURES = ("start", "end", "power_w", "base_w", "energy_kwh")
_FIELDS = [field.name for field in fields(Peak)]
_p = peaks.c
_g = progress.c
_r = removed_peaks.c
Changed = tuple[Peak, Found]


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
    """What was found in a home by somebody who saw `before`, and where that leaves it.

    `found` are all peaks that begin at or after `begin`, as far as they were seen: up to `end`. What is stored in between and
    was not found is gone, if it ends by `until`.
    """

    home: Home
    before: Standing | None
    after: Standing
    found: Sequence[Found]
    begin: int = 0
    until: int = 0
    end: int = 2**62


def of_homes(table: Any, homes: Iterable[Home]) -> sa.ColumnElement[bool]:
    """A condition that all rows of these homes meet, and hardly another."""
    return sa.and_(*(table[name].in_({getattr(home, name) for home in homes}) for name in ("tenant", "user", "mac")))


def inserting(connection: AsyncConnection, table: sa.Table) -> Any:
    """An insert that can say what to do where there is such a row."""
    return (postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert)(table)


async def standings(connection: AsyncConnection, homes: Sequence[Home], *, lock: bool = False) -> dict[Home, Standing]:
    """Where these homes stand; those that were never looked at are left out."""
    rows: dict[Home, dict[str, int]] = {}
    for at in range(0, len(homes), MOST_NAMED):
        some = homes[at : at + MOST_NAMED]
        statement = sa.select(progress).where(_g.work.in_([WORK, OPEN]), of_homes(_g, some)).order_by(_g.mac, _g.user, _g.work)
        for row in await connection.execute(statement.with_for_update() if lock else statement):
            rows.setdefault(Home(row.tenant, row.user, row.mac), {})[row.work] = row.upto
    found = {home: rows[home] for home in homes if rows.get(home, {}).get(WORK, NEVER) != NEVER}
    return {home: Standing(works[WORK], works.get(OPEN)) for home, works in found.items()}


async def keep(connection: AsyncConnection, looks: Sequence[Look], now: int) -> list[Changed]:
    """Write down what was found, and give the peaks that are new or have changed.

    A home that somebody else looked at in the meantime is left as they left it, and so is one of which a peak was removed that
    is among what was found: the next look knows of that.
    """
    first = [progress_row(look.home, WORK, NEVER) for look in looks if look.before is None]
    if first:
        await connection.execute(inserting(connection, progress).on_conflict_do_nothing(), first)
    standing = await standings(connection, [look.home for look in looks], lock=True)
    looks = [look for look in looks if standing.get(look.home) == look.before]
    spans = await removed(connection, [look.home for look in looks], min((look.begin for look in looks), default=0))
    looks = [look for look in looks if not _meets(look.found, spans.get(look.home, ()))]
    await move(connection, [(look.home, look.after) for look in looks], standing)
    stored = await _stored(connection, looks)
    assigned = await _assigned(connection, [each for some in stored.values() for each in some])
    new: list[Changed] = []
    grown: list[Changed] = []
    for look in looks:
        mine = stored.get(look.home, [])
        matches = matched(look.found, mine, assigned, begin=look.begin, until=look.until, end=look.end)
        for gone in matches.gone:
            await forget(connection, gone)
        for match in matches.found:
            await _write(connection, look.home, match, new, grown)
    await _update(connection, grown, now)
    await _insert(connection, new, now)
    return new + grown


def _meets(found: Sequence[Found], spans: Sequence[tuple[int, int]]) -> bool:
    """Whether some of this was removed while it was found. Who knows of a span finds nothing that begins in it; where use goes
    on beside it, the edges may overlap a little."""
    return any(
        each.start >= start and 2 * (min(each.end, end) - each.start) > end - start for each in found for start, end in spans
    )


async def _write(connection: AsyncConnection, home: Home, match: Match, new: list[Changed], grown: list[Changed]) -> None:
    found = match.found
    figures = tuple(getattr(found, name) for name in FIGURES)
    if match.known is None:
        new.append((Peak(home.tenant, _id(home, found.start), home.user, home.mac, *figures), found))
        return
    changed = Peak(home.tenant, match.known.id, home.user, home.mac, *figures)
    for other in match.others:
        await _hand_over(connection, other, changed)
        await forget(connection, other)
    if changed != match.known or match.others:
        grown.append((changed, found))


async def _hand_over(connection: AsyncConnection, other: Peak, to: Peak) -> None:
    """What caused a peak that went up in another one caused that one too."""
    links = peak_devices.c
    caused = sa.select(links.device).where(links.tenant == other.tenant, links.peak == other.id)
    rows = [{"tenant": to.tenant, "peak": to.id, "device": row.device} for row in await connection.execute(caused)]
    if rows:
        await connection.execute(inserting(connection, peak_devices).on_conflict_do_nothing(), rows)


async def _update(connection: AsyncConnection, grown: Sequence[Changed], now: int) -> None:
    if grown:
        same = (_p.tenant == sa.bindparam("of_tenant"), _p.id == sa.bindparam("of_id"))
        values = [
            {"of_tenant": each.tenant, "of_id": each.id, "updated": now, "suggested": None}
            | {name: getattr(each, name) for name in FIGURES}
            for each, _ in grown
        ]
        await connection.execute(sa.update(peaks).where(*same), values)


async def _insert(connection: AsyncConnection, new: list[Changed], now: int) -> None:
    taken: set[tuple[str, str]] = set()
    for at in range(0, len(new), MOST_NAMED):
        ids = [each.id for each, _ in new[at : at + MOST_NAMED]]
        taken |= {(row.tenant, row.id) for row in await connection.execute(sa.select(_p.tenant, _p.id).where(_p.id.in_(ids)))}
    for at, (each, found) in enumerate(new):
        if (each.tenant, each.id) in taken:
            # It is that of a peak which began then at first, and does not any more.
            values = {name: getattr(each, name) for name in _FIELDS}
            home = Home(each.tenant, each.user, each.mac)
            new[at] = Peak(**values | {"id": _id(home, each.start, now)}), found
    if new:
        rows = [{name: getattr(each, name) for name in _FIELDS} | {"created": now, "updated": now} for each, _ in new]
        await connection.execute(sa.insert(peaks), rows)


def progress_row(home: Home, work: str, upto: int) -> dict[str, Any]:
    """A row of progress."""
    return {"work": work, "tenant": home.tenant, "user": home.user, "mac": home.mac, "upto": upto}


async def move(connection: AsyncConnection, moves: Sequence[tuple[Home, Standing]], standing: Mapping[Home, Standing]) -> None:
    """Let homes, which stand where `standing` says, stand elsewhere; their rows are locked."""
    where = [_g[name] == sa.bindparam(f"of_{name}") for name in ("work", "tenant", "user", "mac")]

    def named(home: Home, work: str) -> dict[str, Any]:
        row = progress_row(home, work, 0)
        return {f"of_{name}": row[name] for name in ("work", "tenant", "user", "mac")}

    moved = [named(home, WORK) | {"upto": after.upto} for home, after in moves]
    closed = [named(home, OPEN) for home, _ in moves if (known := standing.get(home)) and known.since is not None]
    opened = [progress_row(home, OPEN, after.since) for home, after in moves if after.since is not None]
    if moved:
        await connection.execute(sa.update(progress).where(*where), moved)
    if closed:
        await connection.execute(sa.delete(progress).where(*where), closed)
    if opened:
        await connection.execute(sa.insert(progress), opened)


async def _stored(connection: AsyncConnection, looks: Sequence[Look]) -> dict[Home, list[Peak]]:
    """The peaks of each home that reach into what was looked at, oldest first; nobody else changes them meanwhile."""
    found: dict[Home, list[Peak]] = {}
    for at in range(0, len(looks), MOST_NAMED):
        some = looks[at : at + MOST_NAMED]
        since = min(min((look.begin, *(each.start for each in look.found))) for look in some)
        homes = [look.home for look in some]
        # By id, as everybody holds peaks: so nobody waits for another who waits.
        statement = sa.select(peaks).where(of_homes(_p, homes), _p.end > since).order_by(_p.id).with_for_update()
        for row in sorted(await connection.execute(statement), key=lambda row: row.start):
            found.setdefault(Home(row.tenant, row.user, row.mac), []).append(peak_of(row))
    return found


async def _assigned(connection: AsyncConnection, stored: Sequence[Peak]) -> set[str]:
    """Which of these peaks somebody said the causes of."""
    links = peak_devices.c
    found: set[str] = set()
    for at in range(0, len(stored), MOST_NAMED):
        some = stored[at : at + MOST_NAMED]
        named = links.tenant.in_({each.tenant for each in some}), links.peak.in_([each.id for each in some])
        found.update((await connection.execute(sa.select(links.peak).where(*named))).scalars())
    return found


def _id(home: Home, start: int, *more: int) -> str:
    """The same for the same peak, whoever finds it first."""
    parts = (home.tenant, home.user, home.mac, str(start), *map(str, more))
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:30]


def peak_of(row: sa.Row[Any]) -> Peak:
    """A peak from a row of the whole table."""
    found = row._mapping
    return Peak(**{name: found[name] for name in _FIELDS})


async def forget(connection: AsyncConnection, peak: Peak) -> None:
    """Take a peak away with what was said of it."""
    # The peak first: whoever says something of it holds it.
    await connection.execute(sa.delete(peaks).where(_p.tenant == peak.tenant, _p.id == peak.id))
    for table in (peak_devices, suggestions):
        await connection.execute(sa.delete(table).where(table.c.tenant == peak.tenant, table.c.peak == peak.id))


async def remove(connection: AsyncConnection, peak: Peak) -> None:
    """Forget a peak, and let nothing in its span be one again."""
    await forget(connection, peak)
    row = {"tenant": peak.tenant, "user": peak.user, "mac": peak.mac, "start": peak.start, "end": peak.end}
    insert = inserting(connection, removed_peaks)
    farther = sa.case((insert.excluded.end > _r.end, insert.excluded.end), else_=_r.end)
    key = [_r[name] for name in ("tenant", "user", "mac", "start")]
    await connection.execute(insert.on_conflict_do_update(index_elements=key, set_={"end": farther}), row)


async def removed(connection: AsyncConnection, homes: Sequence[Home], since: int) -> dict[Home, list[tuple[int, int]]]:
    """The spans of peaks that were removed from these homes, and that end after `since`."""
    found: dict[Home, list[tuple[int, int]]] = {}
    for at in range(0, len(homes), MOST_NAMED):
        statement = sa.select(removed_peaks).where(of_homes(_r, homes[at : at + MOST_NAMED]), _r.end > since)
        for row in await connection.execute(statement):
            found.setdefault(Home(row.tenant, row.user, row.mac), []).append((row.start, row.end))
    return found
