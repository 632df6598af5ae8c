"""Taking in grid events: log, breaker and alerts in one transaction."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace

from sqlalchemy.ext.asyncio import AsyncConnection

from wattline.events.model import Event
from wattline.events.service import EventLog
from wattline.feeders import store
from wattline.feeders.model import RESTORE, TRIP, Action, FeederState, GridEvent, Mail, Severity
from wattline.feeders.store import Breaker
from wattline.model.clock import Clock
from wattline.model.errors import Invalid
from wattline.notify.model import FeederRestore, FeederTrip, OtherEvent
from wattline.notify.service import Notify
from wattline.state.database import Database

KIND = "hop.grid_event"
_LONGEST_NAME = 128
_LONGEST_MESSAGE = 4000


@dataclass(frozen=True, slots=True)
class TrippedFeeder:
    """A feeder that is open: since when (microseconds), and the id of the event that opened it."""

    site: str | None
    feeder: str
    device: str
    since: int
    incident: str | None


class Feeders:
    """The breakers of every utility. `on_event` is called with each new event after its commit."""

    def __init__(
        self,
        database: Database,
        log: EventLog,
        notify: Notify,
        clock: Clock,
        on_event: Callable[[Event], None] | None = None,
    ) -> None:
        self._database = database
        self._log = log
        self._notify = notify
        self._clock = clock
        self._on_event = on_event

    async def grid_event(self, tenant: str, event: GridEvent) -> None:
        """Log an event, move its feeder, put its alerts into the ledger: all of it or nothing, durable on return.

        A repetition of an event that carried its own time writes nothing and mails nothing. Raises `Invalid` for names that are
        empty or longer than 128 characters, and for a message longer than 4,000.
        """
        _check(event)
        async with self._database.transaction() as connection:
            logged = await self._append(connection, tenant, event)
            if logged is not None:
                await self._notify.serialize(connection, tenant)
                await self._act(connection, tenant, event, logged.id)
        if logged is not None:
            self._notify.nudge()
            if self._on_event is not None:
                self._on_event(logged)

    async def tripped(self, tenant: str) -> list[TrippedFeeder]:
        """Every open feeder, the longest open first."""
        async with self._database.read() as connection:
            breakers = await store.tripped(connection, tenant)
        return [
            TrippedFeeder(breaker.site, breaker.feeder, breaker.device, breaker.state.since or 0, breaker.incident)
            for breaker in breakers
        ]

    async def _append(self, connection: AsyncConnection, tenant: str, event: GridEvent) -> Event | None:
        body = asdict(event)
        for elsewhere in ("time", "received", "site"):
            del body[elsewhere]
        body["severity"] = event.severity.value
        return await self._log.append(
            connection,
            tenant=tenant,
            kind=KIND,
            time=event.happened,
            received=event.received,
            site=event.site,
            device=event.device_id,
            subject=event.feeder_id or None,
            event_type=event.event_type,
            severity=event.severity.value,
            body=body,
            identity=event.identity,
        )

    async def _act(self, connection: AsyncConnection, tenant: str, event: GridEvent, event_id: str) -> None:
        if event.event_type == TRIP:
            await self._trip(connection, tenant, event, event_id)
        elif event.event_type == RESTORE:
            await self._restore(connection, tenant, event, event_id)
        elif event.severity is Severity.ALARM:
            await self._other(connection, tenant, event, event_id)

    async def _trip(self, connection: AsyncConnection, tenant: str, event: GridEvent, event_id: str) -> None:
        breaker = await self._breaker(connection, tenant, event)
        state, action = breaker.state.trip(event.happened, event.severity)
        incident = event_id if state.trip_seq != breaker.state.trip_seq else breaker.incident
        await self._save(connection, breaker, state, incident)
        if action is Action.ANNOUNCE_TRIP:
            trip = FeederTrip(
                tenant=tenant,
                site=event.site,
                feeder=event.feeder,
                device=event.device_id,
                incident=event_id,
                at=event.happened,
                message=event.message,
                old_state=event.old_state,
                new_state=event.new_state,
            )
            await self._notify.trip(connection, trip)

    async def _restore(self, connection: AsyncConnection, tenant: str, event: GridEvent, event_id: str) -> None:
        breaker = await self._breaker(connection, tenant, event)
        state, action = breaker.state.restore(event.happened)
        still = breaker.incident if state.tripped else None
        await self._save(connection, breaker, state, still)
        if action in (Action.ANNOUNCE_RESTORE, Action.CANCEL_TRIP) and breaker.incident and breaker.state.since is not None:
            # Told or not is a matter of each recipient: one may have the trip mail while another's is still being retried.
            restore = FeederRestore(
                tenant=tenant,
                site=event.site,
                feeder=event.feeder,
                device=event.device_id,
                incident=breaker.incident,
                event_id=event_id,
                since=breaker.state.since,
                at=event.happened,
                message=event.message,
            )
            await self._notify.restore(connection, restore)

    async def _other(self, connection: AsyncConnection, tenant: str, event: GridEvent, event_id: str) -> None:
        other = OtherEvent(
            tenant=tenant,
            site=event.site,
            feeder=event.feeder_id,
            device=event.device_id,
            event_id=event_id,
            event_type=event.event_type,
            at=event.happened,
            message=event.message,
            old_state=event.old_state,
            new_state=event.new_state,
        )
        await self._notify.event(connection, other)

    async def _breaker(self, connection: AsyncConnection, tenant: str, event: GridEvent) -> Breaker:
        """The stored feeder, with what the ledger says of the mail about its trip."""
        breaker = await store.load(connection, tenant, event.site, event.feeder, event.device_id)
        if not breaker.state.tripped or breaker.incident is None:
            return breaker
        told = await self._notify.told(connection, tenant, breaker.incident)
        mail = Mail.NONE if told is None else Mail.ACCEPTED if told else Mail.PENDING
        return replace(breaker, state=replace(breaker.state, mail=mail))

    async def _save(self, connection: AsyncConnection, breaker: Breaker, state: FeederState, incident: str | None) -> None:
        if state != breaker.state:
            await store.save(connection, replace(breaker, state=state, incident=incident), self._clock.micros())


def _check(event: GridEvent) -> None:
    for name in ("device_id", "event_type"):
        if not getattr(event, name):
            raise Invalid(f"{name} must not be empty", name)
    for name in ("device_id", "event_type", "feeder_id", "old_state", "new_state", "site"):
        if len(getattr(event, name) or "") > _LONGEST_NAME:
            raise Invalid(f"{name} is longer than {_LONGEST_NAME} characters", name)
    if len(event.message or "") > _LONGEST_MESSAGE:
        raise Invalid(f"message is longer than {_LONGEST_MESSAGE} characters", "message")
