"""Protection events and breakers of every tenant's meters."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from wattline.events.model import Entry
from wattline.events.service import EventLog
from wattline.metering.model import Meter
from wattline.metering.readings.ingested import CAUSE, event_id
from wattline.metering.readings.notes import note_of
from wattline.metering.service import Metering
from wattline.model.clock import MINUTE, Clock, from_micros
from wattline.model.errors import Conflict, Fault, Faulty, NotFound, StorageFull, Unavailable
from wattline.model.record import Row
from wattline.quality.finishing import Finishing
from wattline.quality.pages import Page, Place
from wattline.quality.protection import store
from wattline.quality.protection.model import MAIN, READING, STATES, Breaker, ProtectionEvent, Report, State, step
from wattline.quality.protection.store import Which
from wattline.registry.service import Registry
from wattline.state.database import Database

KIND = "protection.event"
"""The kind of every event of protection in the log, and the topic of the bus."""
SAVE_EVERY = MINUTE
_STATE = "breaker_state"
MOST_BREAKERS = 500
"""Of one meter: they are kept in memory."""


class Told(msgspec.Struct, frozen=True):
    """What is published of an event once it is committed; `sequence` is its place in the tenant's log, `event_id` its id."""

    event: ProtectionEvent
    site: str
    sequence: int
    event_id: str
    data: Mapping[str, Any]


def shown(event: ProtectionEvent) -> dict[str, Any]:
    """An event as the log and every consumer has it."""
    report = event.report
    return {
        "id": event.id,
        "meter_id": event.meter,
        "kind": report.kind,
        "breaker_id": report.breaker,
        "state": event.state,
        "prev_state": event.prev_state,
        "current_a": report.current_a,
        "leakage_ma": report.leakage_ma,
        "threshold": report.threshold,
        "cause": report.cause,
        "timestamp": from_micros(report.time).isoformat().replace("+00:00", "Z"),
        "source_event_id": report.source_event_id,
        "sequence_gap": event.sequence_gap,
        "late": event.late,
    }


class Protection:
    """What protection reported, and the state of every breaker. Call `load` once.

    `publish` is called with "protection.event" and a `Told`, after the commit and in order. An event, its place in the log and
    its breaker are one transaction.
    """

    def __init__(
        self,
        metering: Metering,
        registry: Registry,
        database: Database,
        events: EventLog,
        clock: Clock,
        publish: Callable[[str, object], None],
    ) -> None:
        self._metering = metering
        self._registry = registry
        self._database = database
        self._events = events
        self._clock = clock
        self._publish = publish
        self._turn = asyncio.Lock()
        self._breakers: dict[tuple[int, str], Breaker] = {}
        self._names: dict[int, set[str]] = {}
        self._tenants: dict[int, str] = {}
        self._unsaved: dict[tuple[int, str], str] = {}
        self._finishing = Finishing()
        self._is_new = False
        self._saved = clock.micros()

    async def load(self) -> None:
        """Read every breaker."""
        async with self._database.read() as connection:
            for tenant, known in await store.all_breakers(connection):
                self._know(tenant, known)

    def _know(self, tenant: str, known: Breaker) -> None:
        self._breakers[known.meter, known.breaker] = known
        self._names.setdefault(known.meter, set()).add(known.breaker)
        self._tenants[known.meter] = tenant

    async def report(self, meter: Meter, found: Report) -> tuple[ProtectionEvent, bool]:
        """Take in an event; whether it is new. With a `source_event_id` that is known it is the same event.

        Raises `Conflict` where that said something else, and `Faulty` for a breaker beyond `MOST_BREAKERS`.
        """
        return await self._finishing.run(self._report(meter, found))

    async def _report(self, meter: Meter, found: Report) -> tuple[ProtectionEvent, bool]:
        async with self._turn:
            async with self._database.transaction() as connection:
                if found.source_event_id is not None:
                    known = await store.by_source(connection, meter.tenant, meter.id, found.source_event_id)
                    if known is not None:
                        if known.report != found:
                            raise Conflict("this source_event_id is that of another event")
                        return known, False
                breaker = await store.breaker(connection, meter.id, found.breaker)
                held = self._breakers.get((meter.id, found.breaker))
                if breaker is None and held is None and len(self._names.get(meter.id, ())) >= MOST_BREAKERS:
                    raise Faulty([Fault("/breaker_id", "too_many", f"a meter has at most {MOST_BREAKERS} breakers")])
                if held is not None and (breaker is None or held.time > breaker.time):
                    breaker = held
                event, after = await self._write(connection, meter, found, breaker)
                told = await self._log(connection, [(meter, event)])
            self._done(meter, [after], told)
        return event, True

    async def _write(
        self, connection: AsyncConnection, meter: Meter, found: Report, known: Breaker | None
    ) -> tuple[ProtectionEvent, Breaker | None]:
        after = step(known, meter.id, found)
        event = ProtectionEvent(0, meter.tenant, meter.id, found, after.state, after.prev_state, after.sequence_gap, after.late)
        event = msgspec.structs.replace(event, id=await store.insert(connection, event))
        if after.breaker is not None:
            await store.save(connection, meter.tenant, after.breaker)
        return event, after.breaker

    async def _log(
        self,
        connection: AsyncConnection,
        written: Sequence[tuple[Meter, ProtectionEvent]],
        cause: str | None = None,
    ) -> list[Told]:
        """Note events in the log; `cause` is the id of the entry that they follow from."""
        entries = [
            Entry(
                tenant=meter.tenant,
                kind=KIND,
                time=event.report.time,
                received=self._clock.micros(),
                site=meter.site,
                device=meter.device_key,
                subject=f"meter:{meter.id}",
                event_type=event.report.kind,
                body=shown(event) | ({} if cause is None else {CAUSE: cause}),
            )
            for meter, event in written
        ]
        logged = await self._events.append_all(connection, entries)
        return [
            Told(event, meter.site, made.sequence, made.id, entry.body)
            for (meter, event), entry, made in zip(written, entries, logged, strict=True)
            if made is not None
        ]

    def _done(self, meter: Meter, after: Sequence[Breaker | None], told: Sequence[Told]) -> None:
        for breaker in after:
            if breaker is not None:
                self._know(meter.tenant, breaker)
        for each in told:
            self._publish(KIND, each)

    async def take(self, rows: Sequence[Row]) -> None:
        """Let readings tell of breakers: a state that is not the one known is an event, whose cause is `reading`.

        A breaker that was never heard of and is closed is no event. Rows that were taken before, and late ones, change nothing.
        """
        telling = [row for row in rows if row.status is not None and _STATE in row.status]
        if not telling:
            return
        async with self._turn:
            for row in telling:
                state = note_of(row.status).breaker_state
                if state in STATES:
                    for meter in self._metering.meters.of_stream(self._registry.stream(row.stream)):
                        if meter.takes_readings:
                            try:
                                await self._reading(meter, row, state)
                            except StorageFull as error:
                                raise Unavailable(str(error)) from error

    async def _reading(self, meter: Meter, row: Row, state: State) -> None:
        time = row.time
        known = self._breakers.get((meter.id, MAIN))
        if known is not None and time <= known.time:
            return
        if state == ("closed" if known is None else known.state):
            since = time if known is None else known.since
            self._know(meter.tenant, Breaker(meter.id, MAIN, state, since, time))
            self._unsaved[meter.id, MAIN] = meter.tenant
            self._is_new = self._is_new or known is None
            return
        found = Report("breaker_state", time, state=state, cause=READING)
        async with self._database.transaction() as connection:
            event, after = await self._write(connection, meter, found, known)
            told = await self._log(connection, [(meter, event)], event_id(row))
        self._done(meter, [after], told)

    async def settle(self) -> None:
        """Write the breakers that are new; and once a minute when the others were last heard of."""
        now = self._clock.micros()
        async with self._turn:
            if not self._unsaved or not (self._is_new or now - self._saved >= SAVE_EVERY):
                return
            async with self._database.transaction() as connection:
                for name, tenant in self._unsaved.items():
                    await store.save(connection, tenant, self._breakers[name])
            self._unsaved.clear()
            self._is_new, self._saved = False, now

    def breakers(self, tenant: str, meters: Collection[int] | None = None) -> list[Breaker]:
        """The breakers of a tenant, by meter and name; `meters` are those that the caller may see."""
        found = [known for known in self._breakers.values() if self._tenants[known.meter] == tenant]
        return sorted(
            (known for known in found if meters is None or known.meter in meters),
            key=lambda known: (known.meter, known.breaker),
        )

    async def breakers_at(self, tenant: str, moment: int) -> list[Breaker]:
        """The breakers of a tenant as they were at a moment (us): `since` and `time` are those of the event that said so.

        One of which no event tells, and which has been in its state since before, was in it then.
        """
        async with self._database.read() as connection:
            found = await store.breakers_at(connection, tenant, moment)
        told = {(each.meter, each.breaker) for each in found}
        quiet = [each for each in self.breakers(tenant) if each.since <= moment and (each.meter, each.breaker) not in told]
        return sorted([*found, *quiet], key=lambda each: (each.meter, each.breaker))

    async def query(self, which: Which, place: Place | None = None, limit: int = 50) -> Page[ProtectionEvent]:
        """Events by descending (time, id), at most `limit`, and how many match in all."""
        async with self._database.read() as connection:
            return await store.newest_first(connection, which, place, limit)

    async def event(self, tenant: str, number: int, meters: Collection[int] | None = None) -> ProtectionEvent:
        """One event. Raises `NotFound`; `meters` are those that the caller may see."""
        async with self._database.read() as connection:
            found = await store.by_id(connection, tenant, number)
        if found is None or (meters is not None and found.meter not in meters):
            raise NotFound("no such event")
        return found
