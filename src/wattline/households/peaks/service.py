"""Finding, keeping and telling peaks."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Awaitable, Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from wattline.households.meters.model import Kind, Meter
from wattline.households.meters.service import Meters
from wattline.households.peaks import store
from wattline.households.peaks.detection import LAG, Found
from wattline.households.peaks.looking import Watched, floor, look
from wattline.households.peaks.model import WINDOW, Peak
from wattline.households.peaks.store import Home, Look
from wattline.ingest.series import Series
from wattline.model.clock import DAY, Clock
from wattline.model.errors import NotFound, StorageFull, Unavailable
from wattline.registry.stream import Stream
from wattline.state.database import Database

Profile = tuple[Peak, NDArray[np.int64], NDArray[np.float64]]
"""A peak with its samples: the end of each in us, and its watts above the base load."""
Suggest = Callable[[Sequence[Profile]], Awaitable[None]]

ELECTRICITY = (Kind.ANALOG_ELECTRICITY, Kind.DIGITAL_ELECTRICITY)
AT_ONCE = 200
"""Meters that are read and written together, so that memory does not grow with their number."""
NEAR = 3 * WINDOW
"""us that meters looked at together may lag behind; what lies farther back is looked at one meter at a time."""
OLDEST = 90 * DAY
"""us before now where the first look at a meter begins at the earliest."""

log = logging.getLogger(__name__)


class Peaks:
    """Windows of half an hour, each looked at once and in order; `suggest` is told of every new or grown peak.

    What was found stays as it is ten minutes after its end; readings that come later than that change nothing. What was found
    in a home and up to when it was looked at are one transaction, in which two processes compare and set.
    """

    def __init__(self, database: Database, meters: Meters, series: Series, clock: Clock, suggest: Suggest) -> None:
        self._database = database
        self._meters = meters
        self._series = series
        self._clock = clock
        self._suggest = suggest
        self._seen: dict[Home, int] = {}
        """The newest reading of homes whose meters fell silent, when they were last looked at."""

    async def process(self, tenant: str, mac: str) -> list[Peak]:
        """Look at every closed window of the meter's household that was not looked at, and give the peaks that were found or
        have grown since the newest window closed, whoever looked: asked again within the half hour, the same.

        Raises `NotFound` for a meter that is unknown or assigned to nobody.
        """
        meter = self._meters.meter(tenant, mac)
        if meter.user is None:
            raise NotFound("there is no such sensor")
        slot = self.slot()
        await self._process([meter], slot)
        async with self._database.read() as connection:
            return await store.changed_since(connection, Home(meter.tenant, meter.user, meter.mac), slot)

    def slot(self) -> int:
        """When the newest window closed (us)."""
        return floor(self._clock.micros())

    async def process_all(self, slot: int, tenant: str | None = None) -> None:
        """The same for every assigned meter, of a tenant or of all, with the windows that closed before `slot` (us).

        A meter that fails is told of in the log and looked at again in the next slot.
        """
        every = [meter for meter in self._meters.meters(tenant) if meter.user is not None]
        for at in range(0, len(every), AT_ONCE):
            await self._process(every[at : at + AT_ONCE], floor(slot))

    async def found(self, tenant: str, user: str, start: int, end: int) -> list[Peak]:
        """The peaks of a household that touch [start, end), oldest first."""
        async with self._database.read() as connection:
            return await store.between(connection, tenant, user, start, end)

    async def peak(self, tenant: str, user: str, peak_id: str) -> Peak:
        """Raises `NotFound`, also for another household's."""
        async with self._database.read() as connection:
            found = await store.one(connection, tenant, user, peak_id)
        if found is None:
            raise NotFound("there is no such peak")
        return found

    async def remove(self, tenant: str, user: str, peak_id: str) -> None:
        """Forget a peak and its appliances; where use goes on, what follows may be another peak. Raises `NotFound`."""
        async with self._database.transaction() as connection:
            found = await store.one(connection, tenant, user, peak_id)
            if found is None:
                raise NotFound("there is no such peak")
            await store.forget(connection, found)
            await store.close(connection, Home(tenant, user, found.mac), found.end, LAG)

    async def _process(self, meters: Sequence[Meter], slot: int) -> None:
        homes = self._homes(meters)
        async with self._database.read() as connection:
            standings = await store.standings(connection, list(homes))
        watched = [Watched(home, stream, standings.get(home), slot) for home, stream in homes.items()]
        near: list[Watched] = []
        behind: list[Watched] = []
        for each in watched:
            if each.standing is None or each.since < slot - NEAR:
                behind.append(each)
            elif each.standing.upto < slot:
                near.append(each)
        await self._together(near, slot)
        await self._catch_up(behind, slot)

    def _homes(self, meters: Sequence[Meter]) -> dict[Home, Stream]:
        found = {}
        for meter in meters:
            if meter.user is not None and meter.kind in ELECTRICITY:
                stream = self._meters.stream(meter.tenant, meter.user, meter.mac)
                if stream is not None:
                    found[Home(meter.tenant, meter.user, meter.mac)] = stream
        return found

    async def _together(self, watched: Sequence[Watched], slot: int) -> bool:
        """Look at all of them at once; one by one where that fails, so that one does not hinder the others. Whether all went
        well."""
        if not watched:
            return True
        try:
            await self._keep(await look(self._series, watched, slot))
        except (Unavailable, StorageFull):
            # What is away is away for all.
            raise
        except Exception as error:
            if len(watched) == 1:
                _log("the peaks of a meter were not found", error, stream=watched[0].stream.id)
                return False
            return all([await self._together([each], slot) for each in watched])
        return True

    async def _catch_up(self, watched: Sequence[Watched], slot: int) -> None:
        """Look at meters that are far behind, each day by day: those on which it has readings."""
        if not watched:
            return
        begin = min(each.standing.upto if each.standing is not None else slot - OLDEST for each in watched)
        streams = [each.stream for each in watched]
        sensors = [stream.sensor_id("total") for stream in streams]
        found = await self._series.buckets(streams, sensors, max(begin, 0) // DAY * DAY, slot, DAY)
        used = found.count > 0
        sensor, first, last = found.group[used], found.first_time[used], found.last_time[used]
        for each, mine in zip(watched, sensors, strict=True):
            days = sensor == mine
            newest = int(last[days].max(initial=0))
            if newest == self._seen.get(each.home, 0):
                continue
            if await self._days(each, floor(int(first[days].min())), last[days], slot):
                self._seen[each.home] = newest

    async def _days(self, watched: Watched, begin: int, last: NDArray[np.int64], slot: int) -> bool:
        """Look at the days that have these last readings, and tell whether that went well."""
        now = Watched(watched.home, watched.stream, watched.standing, begin)
        for newest in np.sort(last).tolist():
            end = min((newest // DAY + 1) * DAY, slot)
            if now.standing is None or now.standing.upto < end:
                if not await self._together([now], end):
                    return False
                async with self._database.read() as connection:
                    standing = (await store.standings(connection, [now.home])).get(now.home)
                now = Watched(now.home, now.stream, standing, begin)
        return True

    async def _keep(self, looks: Sequence[Look]) -> None:
        if not looks:
            return
        async with self._database.transaction() as connection:
            changed = await store.keep(connection, looks, self._clock.micros())
        if changed:
            await self._tell(changed)

    async def _tell(self, changed: Sequence[tuple[Peak, Found]]) -> None:
        try:
            await self._suggest([(peak, found.times, found.watts) for peak, found in changed])
        except Exception as error:
            # The peaks are stored; what they look like is not worth losing them for.
            _log("no appliances were suggested for new peaks", error, peaks=len(changed))


def _log(text: str, error: Exception, **known: int) -> None:
    """Log where something failed; not the error's words, which may tell of the household."""
    where = "".join(traceback.format_tb(error.__traceback__))
    log.error("%s: %s\n%s", text, type(error).__name__, where, extra=known)
