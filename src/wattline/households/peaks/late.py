"""Readings that came after their windows were looked at: from when on to look again, durably.

A note is written before the reading is. It lies at a multiple of six hours, and readings after it that come within a minute
need none of their own: ten thousand readings that a meter kept make a few notes. A look leaves the note where it is for five
minutes after it was written last, so that no reading that relied on it is missed, whichever process looks.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from wattline.households.peaks.looking import floor
from wattline.households.peaks.store import MOST_NAMED, Home, Standing, inserting, move, of_homes, progress_row, standings
from wattline.households.tables import progress
from wattline.model.clock import HOUR, MINUTE, Clock
from wattline.state.database import Database

LATE, HEARD = "peaks.late", "peaks.heard"
"""Progress: from when on readings came late, and when that was noted last."""
COARSE = 6 * HOUR
OFTEN = MINUTE
"""us for which a note is relied on without a look at it."""
SETTLES = 5 * MINUTE
"""us after which nobody relies on a note any more, and every reading that did is in the store."""
AHEAD = MINUTE
"""us that the clock of who looks may be ahead of ours."""
MOST_KNOWN = 10_000
_g = progress.c


@dataclass(frozen=True, slots=True)
class Note:
    """That readings came late in a home: none of them is older than `since`; written last at `heard` (us)."""

    since: int
    heard: int


class Lateness:
    """Writes notes; each is durable when `note` returns."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._known: dict[Home, Note] = {}

    async def note(self, home: Home, time: int) -> None:
        """A reading of this time (us) is about to be stored. Raises `Unavailable` and `StorageFull` as the database does."""
        now = self._clock.micros()
        if time >= floor(now + AHEAD):
            return
        since = time // COARSE * COARSE
        known = self._known.get(home)
        fresh = known is not None and 0 <= now - known.heard < OFTEN
        if known is not None and fresh and known.since <= since:
            return
        async with self._database.transaction() as connection:
            await write(connection, home, Note(since, now))
        if len(self._known) >= MOST_KNOWN:
            self._known = {each: note for each, note in self._known.items() if now - note.heard < OFTEN}
        self._known[home] = Note(min(since, known.since) if known is not None and fresh else since, now)


async def write(connection: AsyncConnection, home: Home, note: Note) -> None:
    """Write a note; with one that is there, the earlier time and the later writing count."""
    insert = inserting(connection, progress)
    new, old = insert.excluded.upto, _g.upto
    # In the order in which `rewind` locks them.
    for work, upto, better in ((HEARD, note.heard, new > old), (LATE, note.since, new < old)):
        changed = {"upto": sa.case((better, new), else_=old)}
        key = [_g[name] for name in ("work", "tenant", "user", "mac")]
        statement = insert.on_conflict_do_update(index_elements=key, set_=changed)
        await connection.execute(statement, progress_row(home, work, upto))


async def notes(
    connection: AsyncConnection, *, tenant: str | None = None, homes: Collection[Home] = (), lock: bool = False
) -> dict[Home, Note]:
    """Every note, of a tenant or of some homes (at most `MOST_NAMED`)."""
    statement = sa.select(progress).where(_g.work.in_([LATE, HEARD])).order_by(_g.mac, _g.user, _g.work)
    if tenant is not None:
        statement = statement.where(_g.tenant == tenant)
    if homes:
        statement = statement.where(of_homes(_g, homes))
    if lock:
        statement = statement.with_for_update()
    found: dict[Home, dict[str, int]] = {}
    for row in await connection.execute(statement):
        found.setdefault(Home(row.tenant, row.user, row.mac), {})[row.work] = row.upto
    return {home: Note(works[LATE], works.get(HEARD, works[LATE])) for home, works in found.items() if LATE in works}


async def rewind(
    connection: AsyncConnection,
    before: Mapping[Home, Standing],
    seen: Mapping[Home, Note],
    to: Mapping[Home, Standing],
    began: int,
) -> None:
    """Let homes stand where their notes say, and forget the notes that nobody relies on any more; `began` (us) is when whoever
    does so began. A home that stands elsewhere than `before`, or whose note is another one, is left as it is."""
    homes = sorted(seen, key=lambda home: (home.mac, home.user))
    for at in range(0, len(homes), MOST_NAMED):
        some = homes[at : at + MOST_NAMED]
        now = await standings(connection, some, lock=True)
        written = await notes(connection, homes=some, lock=True)
        same = [home for home in some if now.get(home) == before.get(home) and written.get(home) == seen[home]]
        await move(connection, [(home, to[home]) for home in same if home in to], now)
        await _forget(connection, [home for home in same if began - seen[home].heard >= SETTLES])


async def _forget(connection: AsyncConnection, homes: Sequence[Home]) -> None:
    for home in homes:
        mine = (_g.tenant == home.tenant, _g.user == home.user, _g.mac == home.mac)
        await connection.execute(sa.delete(progress).where(_g.work.in_([LATE, HEARD]), *mine))
