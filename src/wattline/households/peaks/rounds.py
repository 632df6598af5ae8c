"""Looking at many homes: together where they stand near each other, day by day where one is far behind."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from wattline.households.peaks import late, store, telling
from wattline.households.peaks.detection import LAG
from wattline.households.peaks.late import Note
from wattline.households.peaks.looking import Watched, ceiling, floor, look, profile, resume
from wattline.households.peaks.model import WINDOW, Profile
from wattline.households.peaks.reference import SPAN
from wattline.households.peaks.samples import LONGEST
from wattline.households.peaks.store import Home, Look, Standing
from wattline.ingest.series import Series
from wattline.model.clock import DAY, Clock
from wattline.model.errors import StorageFull, Unavailable
from wattline.registry.stream import Stream
from wattline.state.database import Database

Suggest = Callable[[Sequence[Profile]], Awaitable[None]]
StreamOf = Callable[[str, str, str], Stream | None]
"""The rows of a meter (tenant, household, address), if there are any."""

NEAR = LAG + 2 * WINDOW
"""us that meters looked at together may lag behind; what lies farther back is looked at day by day."""
OLDEST = 90 * DAY
"""us before now where the first look at a meter begins at the earliest."""
TOGETHER = 25
"""Meters of which a day is read together, so that memory does not grow with their number."""
UNTOLD = 2 * DAY
"""us for which a peak is told of again, where that failed."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Place:
    """The rows of a home. `former`: the household gave the meter away; when (us), where there is something left to look at."""

    stream: Stream
    ended: int | None = None
    former: bool = False


@dataclass(frozen=True, slots=True)
class _Plan:
    """A home that is far behind: the time of its newest reading, and the ends of the days that it has readings on (us)."""

    watched: Watched
    newest: int
    ends: Sequence[int]


class Rounds:
    """Passes over homes. Each commit is one of a few meters, and what a crash leaves undone the next pass does."""

    def __init__(self, database: Database, series: Series, clock: Clock, suggest: Suggest, *, kept: int) -> None:
        self._database = database
        self._series = series
        self._clock = clock
        self._suggest = suggest
        self._kept = kept
        self._seen: dict[Home, tuple[int, Standing | None]] = {}
        """The newest reading of homes whose meters fell silent, and where they stood, when they were last looked at."""

    async def rewind(self, places: Mapping[Home, Place], notes: Mapping[Home, Note]) -> None:
        """Let homes in which readings came late stand where those begin to matter."""
        oldest = ceiling(self._clock.micros() - self._kept + SPAN + DAY)
        groups: dict[int, list[Watched]] = {}
        for home, note in notes.items():
            if home in places:
                closed = max(floor(note.since - LONGEST), oldest)
                groups.setdefault(closed, []).append(Watched(home, places[home].stream, None, closed))
        for closed, group in groups.items():
            back = partial(self._back, notes, closed)
            for at in range(0, len(group), TOGETHER):
                await _each("from when on to look at a meter again was not found", back, group[at : at + TOGETHER])

    async def _back(self, notes: Mapping[Home, Note], closed: int, watched: Sequence[Watched]) -> None:
        began = self._clock.micros()
        before = await self._standings([each.home for each in watched])
        looked = [each for each in watched if each.home in before and closed < before[each.home].upto]
        since = await resume(self._series, looked, closed) if looked else []
        to = {each.home: Standing(closed, at) for each, at in zip(looked, since, strict=True)}
        async with self._database.transaction() as connection:
            await late.rewind(connection, before, {each.home: notes[each.home] for each in watched}, to, began)

    async def look(self, places: Mapping[Home, Place], slot: int) -> None:
        """Look at the windows that closed before `slot` (us)."""
        standings = await self._standings(list(places))
        watched = [Watched(home, place.stream, standings.get(home), slot, place.ended) for home, place in places.items()]
        near: list[Watched] = []
        behind: list[Watched] = []
        for each in watched:
            if each.standing is None or each.since < slot - NEAR:
                behind.append(each)
            elif each.standing.upto < slot:
                near.append(each)
        await self._together(near, slot, last=True)
        await self._catch_up(behind, slot)

    async def _together(self, watched: Sequence[Watched], end: int, *, last: bool) -> list[Watched]:
        """Look at all of them up to `end`, and tell with which that failed."""

        async def seen(some: Sequence[Watched]) -> None:
            homes = [each.home for each in some]
            async with self._database.read() as connection:
                removed = await store.removed(connection, homes, min(each.since for each in some) - DAY)
            await self._keep(await look(self._series, some, end, removed, last=last))

        return await _each("the peaks of a meter were not found", seen, watched)

    async def _catch_up(self, watched: Sequence[Watched], slot: int) -> None:
        """Look at meters that are far behind, each day by day: those on which it has readings."""
        if not watched:
            return
        oldest = min(each.standing.upto if each.standing is not None else slot - OLDEST for each in watched)
        streams = [each.stream for each in watched]
        sensors = [stream.sensor_id("total") for stream in streams]
        found = await self._series.buckets(streams, sensors, max(oldest, 0) // DAY * DAY, slot, DAY)
        used = found.count > 0
        sensor, first, last = found.group[used], found.first_time[used], found.last_time[used]
        plans: dict[Home, _Plan] = {}
        for each, mine in zip(watched, sensors, strict=True):
            days = sensor == mine
            newest = int(last[days].max(initial=0))
            if each.ended is None and (newest, each.standing) == self._seen.get(each.home, (0, None)):
                continue
            ends = sorted({min((int(at) // DAY + 1) * DAY, slot) for at in last[days]})
            if each.ended is not None and max([0, *ends]) < ceiling(each.ended) <= slot:
                ends.append(ceiling(each.ended))
            begin = floor(min([*first[days].tolist(), *ends[:1], slot]))
            plans[each.home] = _Plan(replace(each, begin=begin), newest, ends)
        for end in sorted({end for plan in plans.values() for end in plan.ends}):
            await self._day(plans, end)
        standings = await self._standings(list(plans))
        self._seen |= {home: (plan.newest, standings[home]) for home, plan in plans.items() if home in standings}

    async def _day(self, plans: dict[Home, _Plan], end: int) -> None:
        """Look at the homes that have readings on a day up to its end; those where that fails are planned no further."""
        due = [home for home, plan in plans.items() if end in plan.ends]
        standings = await self._standings(due)
        watched = [replace(plans[home].watched, standing=standings.get(home)) for home in due]
        behind = sorted(
            (each for each in watched if each.standing is None or each.standing.upto < end), key=lambda each: each.since
        )
        for last in (False, True):
            some = [each for each in behind if (end == plans[each.home].ends[-1]) is last]
            for at in range(0, len(some), TOGETHER):
                for failed in await self._together(some[at : at + TOGETHER], end, last=last):
                    del plans[failed.home]

    async def _standings(self, homes: Sequence[Home]) -> dict[Home, Standing]:
        async with self._database.read() as connection:
            return await store.standings(connection, homes)

    async def _keep(self, looks: Sequence[Look]) -> None:
        if not looks:
            return
        now = self._clock.micros()
        async with self._database.transaction() as connection:
            changed = await store.keep(connection, looks, now)
        if changed:
            await self._tell([(peak, found.times, found.watts) for peak, found in changed], [now] * len(changed))

    async def tell_again(self, stream_of: StreamOf, tenant: str | None, mac: str | None = None) -> None:
        """Tell of the peaks that were stored in the last days and not told of: the process may have died in between."""
        since = self._clock.micros() - UNTOLD
        async with self._database.read() as connection:
            untold = await telling.untold(connection, since, tenant, mac)
        profiles: list[Profile] = []
        changed: list[int] = []
        for peak, updated in untold:
            stream = stream_of(peak.tenant, peak.user, peak.mac)
            if stream is not None:
                profiles.append((peak, *await profile(self._series, stream, peak)))
                changed.append(updated)
        if profiles:
            await self._tell(profiles, changed)

    async def _tell(self, profiles: Sequence[Profile], changed: Sequence[int]) -> None:
        try:
            await self._suggest(profiles)
            async with self._database.transaction() as connection:
                await telling.told(connection, zip((peak for peak, _, _ in profiles), changed, strict=True))
        except Exception as error:
            # The peaks are stored; the next pass tells of them.
            _log("no appliances were suggested for new peaks", error, peaks=len(profiles))


async def _each(text: str, work: Callable[[Sequence[Watched]], Awaitable[None]], some: Sequence[Watched]) -> list[Watched]:
    """Do some work on all of them at once; on one after the other where that fails, so that one does not hinder the others.

    A failure of one is logged with the text. Those with which it failed.
    """
    if not some:
        return []
    try:
        await work(some)
    except (Unavailable, StorageFull):
        # What is away is away for all.
        raise
    except Exception as error:
        if len(some) == 1:
            _log(text, error, stream=some[0].stream.id)
            return [some[0]]
        return [failed for one in some for failed in await _each(text, work, [one])]
    return []


def _log(text: str, error: Exception, **known: int) -> None:
    """Log where something failed; not the error's words, which may tell of the household."""
    where = "".join(traceback.format_tb(error.__traceback__))
    log.error("%s: %s\n%s", text, type(error).__name__, where, extra=known)
