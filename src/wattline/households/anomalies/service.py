"""Incidents of unusual use and of silence."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncConnection

from wattline.billing.days import zone_named
from wattline.households.accounts import store as accounts_store
from wattline.households.accounts.model import Tariff, User
from wattline.households.accounts.service import Accounts
from wattline.households.anomalies import store
from wattline.households.anomalies.history import STEP
from wattline.households.anomalies.incidents import priced
from wattline.households.anomalies.letters import letter_of
from wattline.households.anomalies.model import Anomaly
from wattline.households.anomalies.silence import first_after, last_heard, over, silence
from wattline.households.anomalies.store import Key, Move, Overtaken
from wattline.households.anomalies.watch import HISTORY, WINDOW, Found, Learnt, Watched, look, together
from wattline.households.meters.model import ELECTRICITY, Meter
from wattline.households.meters.service import Meters
from wattline.ingest.series import Series
from wattline.model.clock import DAY, HOUR, MINUTE, Clock
from wattline.model.errors import Invalid, NotFound, StorageFull, Unavailable
from wattline.notify.service import Notify
from wattline.registry.stream import Stream
from wattline.state.database import Database

__all__ = ["Anomalies", "Anomaly"]

SETTLING = 30 * MINUTE
"""us after the start of a process before it calls a meter silent: it may be the server that was away."""
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Home:
    """A household's meter in a pass."""

    key: Key
    user: User
    stream: Stream | None
    since: int


class Anomalies:
    """Looks at closed half hours, each once and in order. An incident, its mail and how far was looked are one transaction.

    A meter is silent when nothing came from it for `silent_after` us, or for `never_after` us since it was assigned. What is
    older than `kept` us is not looked at.
    """

    def __init__(
        self,
        database: Database,
        accounts: Accounts,
        meters: Meters,
        series: Series,
        notify: Notify,
        clock: Clock,
        *,
        silent_after: int = 6 * HOUR,
        never_after: int = DAY,
        kept: int = 90 * DAY,
    ) -> None:
        self._database = database
        self._accounts = accounts
        self._meters = meters
        self._series = series
        self._notify = notify
        self._clock = clock
        self._silent_after = silent_after
        self._never_after = never_after
        self._kept = kept
        self._started = clock.micros()
        self._learnt = Learnt()

    def slot(self) -> int:
        """When the newest half hour closed (us)."""
        return self._clock.micros() // WINDOW * WINDOW

    async def process(self, tenant: str, mac: str) -> list[Anomaly]:
        """Look at what was not looked at. Gives the incidents that were found to begin, go on or end since the newest half hour
        closed, by this call or before. Again is without effect.

        Raises `NotFound` for a meter that is unknown or assigned to nobody.
        """
        meter = self._meters.meter(tenant, mac)
        if meter.user is None:
            raise NotFound("there is no such sensor")
        user = await self._accounts.user(tenant, meter.user)
        slot = self.slot()
        await self._pass([meter], {(tenant, user.id): user}, slot, Key(tenant, user.id, meter.mac))
        async with self._database.read() as connection:
            return await store.changed(connection, Key(tenant, user.id, meter.mac), slot)

    async def process_all(self, slot: int, tenant: str | None = None) -> None:
        """The same for every assigned meter, of a tenant or of all, with what was measured before `slot` (us).

        A meter that fails is told of in the log and looked at again in the next slot.
        """
        users = {(user.tenant, user.id): user for user in await self._accounts.users(tenant)}
        await self._pass(self._meters.meters(tenant), users, slot // WINDOW * WINDOW, tenant=tenant)

    async def found(self, tenant: str, user: str, start: int, end: int) -> list[Anomaly]:
        """The incidents of a household that touch [start, end), oldest first."""
        async with self._database.read() as connection:
            return await store.touching(connection, tenant, user, start, end)

    async def _pass(
        self,
        meters: Sequence[Meter],
        users: Mapping[tuple[str, str], User],
        slot: int,
        only: Key | None = None,
        tenant: str | None = None,
    ) -> None:
        now = self._clock.micros()
        async with self._database.read() as connection:
            # One moment: how far was looked, and what was found by then.
            before = await store.looked_at(connection, only)
            since = await store.assigned_since(connection, only)
            usage = await store.recent(connection, "usage", slot - self._kept - HISTORY, only)
            silent = await store.recent(connection, "silent", None, only)
        homes = []
        for meter in meters:
            user = users.get((meter.tenant, meter.user or ""))
            if user is None or meter.kind not in ELECTRICITY:
                continue
            key = Key(meter.tenant, user.id, meter.mac)
            if key in since:
                homes.append(_Home(key, user, self._meters.stream(*key), since[key]))
        streams = [home.stream for home in homes if home.stream is not None]
        newest = await last_heard(self._series, streams, slot - STEP, now - self._kept, now)
        heard = {home.key: newest[home.stream.id] for home in homes if home.stream is not None and home.stream.id in newest}
        watched = [each for home in homes if (each := self._watched(home, before, heard, slot)) is not None]
        for some in together(watched):
            await self._look(some, usage, now)
        mine = {key: rows for key, rows in silent.items() if tenant in (None, key.tenant)}
        await self._listen(homes, heard, mine, now)
        gone = {key: rows for key, rows in usage.items() if tenant in (None, key.tenant) and key not in since}
        await self._close(gone, now)

    def _watched(self, home: _Home, before: Mapping[Key, int], heard: Mapping[Key, int], slot: int) -> Watched | None:
        if home.stream is None or home.key not in heard:
            return None
        looked = before.get(home.key)
        begin = max(home.since if looked is None else looked, slot - self._kept) // WINDOW * WINDOW
        # The last reading of a window may be some time before its end: its last step is known by it.
        end = min(slot, (heard[home.key] + STEP) // WINDOW * WINDOW)
        return Watched(home.key, home.user, home.stream, looked, begin, end) if begin < end else None

    async def _look(self, watched: Sequence[Watched], usage: Mapping[Key, Sequence[Anomaly]], now: int) -> None:
        """Look at them at once; one by one where that fails, so that one does not hinder the others."""
        try:
            zone = zone_named(watched[0].user.zone)
            found = await look(self._series, zone, watched, usage, self._learnt, now)
            await self._keep(found, now)
        except (Unavailable, StorageFull):
            # What is away is away for all.
            raise
        except Exception as error:
            if len(watched) > 1:
                for each in watched:
                    await self._look([each], usage, now)
            elif isinstance(error, Overtaken):
                log.info("another process looked at this meter", extra={"stream": watched[0].stream.id})
            else:
                _log("the use of a meter was not judged", error, watched[0].stream.id)

    async def _keep(self, found: Sequence[Found], now: int) -> None:
        moves = [Move(each.watched.key, each.watched.before, each.upto) for each in found]
        if not moves:
            return
        tariffs = await self._tariffs([each.watched.key for each in found if each.incidents])
        async with self._database.transaction() as connection:
            await store.move(connection, moves)
            for each in found:
                for incident in each.incidents:
                    row = priced(incident.row, tariffs.get(each.watched.key, ()), zone_named(each.watched.user.zone))
                    await store.put(connection, row, now)
                    if incident.new:
                        await self._write(connection, row, each.watched.user, now)
        self._notify.nudge()

    async def _tariffs(self, keys: Sequence[Key]) -> dict[Key, list[Tariff]]:
        found: dict[Key, list[Tariff]] = {}
        for tenant in sorted({key.tenant for key in keys}):
            users = [key.user for key in keys if key.tenant == tenant]
            known = await self._accounts.tariffs_of(tenant, users)
            found |= {key: known.get(key.user, []) for key in keys if key.tenant == tenant}
        return found

    async def _write(self, connection: AsyncConnection, row: Anomaly, user: User, now: int) -> None:
        # Held until the end, so that nobody who is deleted now is written to afterwards, or at an address that was taken back.
        held = await accounts_store.user(connection, user.tenant, user.id, hold=True)
        letter = None if held is None else letter_of(row, held, now)
        if letter is None:
            return
        try:
            await self._notify.letter(connection, letter)
        except Invalid:
            log.warning("a household's mail address is none", extra={"tenant": user.tenant, "user": user.id})

    async def _listen(
        self,
        homes: Sequence[_Home],
        heard: Mapping[Key, int],
        known: Mapping[Key, Sequence[Anomaly]],
        now: int,
    ) -> None:
        """Note which meters fell silent, and which silences are over."""
        since = {home.key: home.since for home in homes}
        streams = {home.key: home.stream for home in homes}
        ended = []
        for key, rows in known.items():
            stream = streams.get(key)
            for row in rows:
                if over(row, since, heard):
                    # What a reader kept and sent later fills the gap, and does not make it shorter.
                    first = None if stream is None else await first_after(self._series, stream, row.figures["noticed"], now)
                    ended.append((row, now if first is None else first))
        lasting = {key for key, rows in known.items()} - {Key(row.tenant, row.user, row.mac) for row, _ in ended}
        begun = []
        if now - self._started >= SETTLING:
            for home in homes:
                if home.key not in lasting:
                    limits = (self._silent_after, self._never_after)
                    fell_silent = silence(home.key, home.since, heard.get(home.key), now, *limits)
                    if fell_silent is not None:
                        begun.append((fell_silent, home.user))
        if not ended and not begun:
            return
        async with self._database.transaction() as connection:
            for row, at in ended:
                await store.end(connection, row.tenant, row.id, at, now)
            for row, user in begun:
                if await store.add(connection, row, now):
                    await self._write(connection, row, user, now)
        self._notify.nudge()

    async def _close(self, gone: Mapping[Key, Sequence[Anomaly]], now: int) -> None:
        """End what lasted when a meter was taken from its household."""
        open_ones = [row for rows in gone.values() for row in rows if row.end is None]
        if open_ones:
            async with self._database.transaction() as connection:
                for row in open_ones:
                    await store.end(connection, row.tenant, row.id, max(row.start, row.figures.get("until", now)), now)


def _log(text: str, error: Exception, stream: int) -> None:
    """Log where something failed; not the error's words, which may tell of the household."""
    where = "".join(traceback.format_tb(error.__traceback__))
    log.error("%s: %s\n%s", text, type(error).__name__, where, extra={"stream": stream})
