"""Finding, keeping and telling peaks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager

from sqlalchemy.ext.asyncio import AsyncConnection

from wattline.households.meters.model import ELECTRICITY, Meter
from wattline.households.meters.service import Meters
from wattline.households.peaks import queries, store
from wattline.households.peaks.former import former
from wattline.households.peaks.late import Lateness, notes
from wattline.households.peaks.looking import floor
from wattline.households.peaks.model import Peak
from wattline.households.peaks.rounds import OLDEST, Place, Rounds, Suggest
from wattline.households.peaks.store import Home
from wattline.ingest.series import Series
from wattline.model.clock import Clock
from wattline.model.errors import NotFound
from wattline.registry.stream import Stream
from wattline.state.database import Database

AT_ONCE = 200
"""Meters that are read and written together, so that memory does not grow with their number."""
Within = Callable[[str, str], AbstractAsyncContextManager[AsyncConnection]]
"""A transaction in which something of a household (tenant, user) changes, and what follows from its peaks with it."""


class Peaks:
    """Windows of half an hour, looked at in order; `suggest` is told of every new or grown peak.

    What is found does not depend on when anybody looks, nor on the order in which readings come: what comes late is looked at
    again, with all that it matters to. What was found in a home and up to when it was looked at are one transaction, in which
    two processes compare and set. Readings that are older than `kept` (us) are not looked at again.
    """

    def __init__(
        self,
        database: Database,
        meters: Meters,
        series: Series,
        clock: Clock,
        suggest: Suggest,
        *,
        kept: int = OLDEST,
        within: Within | None = None,
    ) -> None:
        self._database = database
        self._meters = meters
        self._clock = clock
        self._lateness = Lateness(database, clock)
        self._rounds = Rounds(database, series, clock, suggest, kept=kept)
        self._within = within

    async def late(self, meter: Meter, stream: Stream, time: int) -> None:
        """A reading of this time (us) is about to be stored, though newer ones may have been looked at.

        When this returns it is durable that its windows are looked at again. Raises `Unavailable` and `StorageFull` as the
        database does.
        """
        if meter.kind in ELECTRICITY:
            await self._lateness.note(Home(meter.tenant, stream.device.site.key, meter.mac), time)

    async def process(self, tenant: str, mac: str) -> list[Peak]:
        """Look at every closed window of the meter's household that was not looked at, and give the peaks that were found or
        have grown since the newest window closed, whoever looked: asked again within the half hour, the same.

        Raises `NotFound` for a meter that is unknown or assigned to nobody.
        """
        meter = self._meters.meter(tenant, mac)
        if meter.user is None:
            raise NotFound("there is no such sensor")
        slot = self.slot()
        home = Home(meter.tenant, meter.user, meter.mac)
        places = self._current([meter])
        await self._rounds.tell_again(self._meters.stream, tenant, meter.mac)
        async with self._database.read() as connection:
            late = await notes(connection, homes=[home])
        await self._rounds.rewind(places, late)
        await self._rounds.look(places, slot)
        async with self._database.read() as connection:
            return await queries.changed_since(connection, home, slot)

    def slot(self) -> int:
        """When the newest window closed (us)."""
        return floor(self._clock.micros())

    async def process_all(self, slot: int, tenant: str | None = None) -> None:
        """The same for every meter, of a tenant or of all, with the windows that closed before `slot` (us); also for what
        meters read in households that they were taken from since.

        A meter that fails is told of in the log and looked at again in the next slot.
        """
        slot = floor(slot)
        async with self._database.read() as connection:
            late = await notes(connection, tenant=tenant)
        places = self._current(self._meters.meters(tenant))
        self._add(places, dict.fromkeys(late))
        await self._rounds.tell_again(self._meters.stream, tenant)
        await self._rounds.rewind(places, late)
        async with self._database.read() as connection:
            ended = await former(connection, tenant, slot - OLDEST)
        self._add(places, ended)
        homes = list(places)
        for at in range(0, len(homes), AT_ONCE):
            await self._rounds.look({home: places[home] for home in homes[at : at + AT_ONCE]}, slot)

    async def found(self, tenant: str, user: str, start: int, end: int) -> list[Peak]:
        """The peaks of a household that touch [start, end), oldest first."""
        async with self._database.read() as connection:
            return await queries.between(connection, tenant, user, start, end)

    async def peak(self, tenant: str, user: str, peak_id: str) -> Peak:
        """Raises `NotFound`, also for another household's."""
        async with self._database.read() as connection:
            found = await queries.one(connection, tenant, user, peak_id)
        if found is None:
            raise NotFound("there is no such peak")
        return found

    async def remove(self, tenant: str, user: str, peak_id: str) -> None:
        """Forget a peak and its appliances. Nothing in its span is a peak again; where use goes on, what follows may be one.

        Raises `NotFound`.
        """
        async with self._database.transaction() if self._within is None else self._within(tenant, user) as connection:
            found = await queries.one(connection, tenant, user, peak_id)
            if found is not None:
                # Whoever writes down what was found holds this first; by then the peak may be another, or gone.
                await store.standings(connection, [Home(tenant, user, found.mac)], lock=True)
                found = await queries.one(connection, tenant, user, peak_id)
            if found is None:
                raise NotFound("there is no such peak")
            await store.remove(connection, found)

    def _current(self, meters: Sequence[Meter]) -> dict[Home, Place]:
        found = {}
        for meter in meters:
            if meter.user is not None and meter.kind in ELECTRICITY:
                stream = self._meters.stream(meter.tenant, meter.user, meter.mac)
                if stream is not None:
                    found[Home(meter.tenant, meter.user, meter.mac)] = Place(stream)
        return found

    def _add(self, places: dict[Home, Place], homes: Mapping[Home, int | None]) -> None:
        """Add homes that gave their meter away; those that have it again are there."""
        for home, ended in homes.items():
            known = places.get(home)
            stream = self._meters.stream(home.tenant, home.user, home.mac)
            if stream is not None and (known is None or (known.former and ended is not None)):
                places[home] = Place(stream, ended, former=True)
