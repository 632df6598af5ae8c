"""Alerting as one service: causes come in inside their own transactions, `tick` does everything that is due."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from wattline.model.clock import SECOND, Clock
from wattline.model.errors import Invalid
from wattline.notify import recipients, store
from wattline.notify.anomalies import announce_anomaly, announce_clearing
from wattline.notify.changes import Changes
from wattline.notify.delivery import Courier
from wattline.notify.digest import compose_digest
from wattline.notify.feeders import announce_event, announce_restore, announce_trip, release_held, trip_told
from wattline.notify.households import announce_letter
from wattline.notify.ledger import AlertPage, AlertQuery, read_page
from wattline.notify.letters import Letters
from wattline.notify.model import Alert, AnomalyEdge, FeederRestore, FeederTrip, Letter, OtherEvent, Reason, Recipient, State
from wattline.notify.outbox import Outbox
from wattline.notify.policy import AlertSettings
from wattline.notify.smtp import Transport
from wattline.state.database import Database

_log = structlog.get_logger(__name__)
_LONGEST_INCIDENT = 128
_BATCH = 100
#: A tick stops after this many batches, so that one that finds work without end still gives way.
_BATCHES = 100


class Notify:
    """The alert ledger of every utility, and the mail that goes out of it.

    `transport` None means that no mail server is configured: alerts are recorded as suppressed (`no_transport`) and never sent.
    `sender` is the address mail comes from. `on_change` is called by `run` with each row that is new or
    changed, after its commit. `wake` is set whenever there may be something to deliver at once.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        settings: AlertSettings | None = None,
        transport: Transport | None = None,
        sender: str = "wattline@localhost",
        on_change: Callable[[Alert], None] | None = None,
    ) -> None:
        self.settings = settings or AlertSettings()
        self.wake = asyncio.Event()
        self._database = database
        self._clock = clock
        self._transport = transport
        self._outbox = Outbox(self.settings, transport is not None, sender.rpartition("@")[2])
        self._courier = Courier(database, clock, self._outbox, Letters(sender), transport) if transport else None
        self._ticking = asyncio.Lock()
        self._changes = None if on_change is None else Changes(database, clock, on_change)

    async def serialize(self, connection: AsyncConnection, tenant: str) -> None:
        """Let the ledger transactions of a utility follow one another; to be called before its state is read."""
        await store.serialize(connection, tenant)

    async def told(self, connection: AsyncConnection, tenant: str, incident: str) -> bool | None:
        """Whether anybody was, or may have been, told of a trip; None when it has no row in the ledger."""
        return await trip_told(connection, tenant, incident)

    async def trip(self, connection: AsyncConnection, trip: FeederTrip) -> None:
        """A feeder opened, with an alarm. Call `serialize` before, and `nudge` once the transaction is committed."""
        await announce_trip(self._outbox, connection, trip, self._clock.micros())

    async def restore(self, connection: AsyncConnection, restore: FeederRestore) -> None:
        """A feeder that had tripped closed. Call `serialize` before, and `nudge` once the transaction is committed."""
        await announce_restore(self._outbox, connection, restore, self._clock.micros())

    async def event(self, connection: AsyncConnection, event: OtherEvent) -> None:
        """An alarm of another type. Call `serialize` before, and `nudge` once the transaction is committed."""
        await announce_event(self._outbox, connection, event, self._clock.micros())

    async def anomaly(self, edge: AnomalyEdge) -> None:
        """An anomaly began or ended. Telling the same edge twice changes nothing."""
        if not edge.sites:
            raise Invalid("an anomaly names at least one substation", "sites")
        if not 0 < len(edge.incident) <= _LONGEST_INCIDENT:
            raise Invalid(f"incident must have 1 to {_LONGEST_INCIDENT} characters", "incident")
        announce = announce_anomaly if edge.raised else announce_clearing
        async with self._database.transaction() as connection:
            await store.serialize(connection, edge.tenant)
            await announce(self._outbox, connection, edge, self._clock.micros())
        self.nudge()

    async def letter(self, connection: AsyncConnection, letter: Letter) -> None:
        """Write to one household. Call `nudge` once the transaction is committed; again is without effect."""
        await announce_letter(self._outbox, connection, letter, self._clock.micros())

    def nudge(self) -> None:
        """Say that there may be something to deliver at once."""
        self.wake.set()

    async def tick(self) -> int:
        """Do everything that is due now: deliveries, retries, resends, ended cooldowns, digests. Gives how many rows were due.

        Costs one indexed look-up when nothing is due. Safe to call from any number of processes at once.
        """
        if self._courier is None:
            return 0
        handled = 0
        async with self._ticking:
            try:
                for _ in range(_BATCHES):
                    async with self._database.read() as connection:
                        due = await store.due(connection, self._clock.micros(), _BATCH)
                    if not due:
                        break
                    handled += len(due)
                    await self._advance(due)
                    await self._deliver(due, self._courier)
            finally:
                await self._transport_closed()
        return handled

    async def next_due(self) -> int | None:
        """When `tick` will next have something to do, in microseconds since 1970; None when nothing waits."""
        async with self._database.read() as connection:
            return await store.next_due(connection)

    async def run(self, longest_wait: float = 5.0) -> None:
        """Tick whenever something is due, until cancelled; looks at least every `longest_wait` seconds."""
        while True:
            self.wake.clear()
            try:
                wait = await self._worked(longest_wait)
            except Exception:
                # A store that is away now must not end delivery for ever; the rows are still there when it is back.
                _log.exception("alerts cannot be delivered now")
                wait = longest_wait
            _heed_cancellation()
            try:
                async with asyncio.timeout(wait):
                    await self.wake.wait()
            except TimeoutError:
                continue

    async def _worked(self, longest_wait: float) -> float:
        """Tick, and say how many seconds there is nothing to do."""
        await self.tick()
        if self._changes is not None:
            await self._changes.announce()
        due = await self.next_due()
        return longest_wait if due is None else min(longest_wait, max(0.0, (due - self._clock.micros()) / SECOND))

    async def _transport_closed(self) -> None:
        if self._transport is not None:
            await self._transport.close()

    async def _advance(self, due: list[Alert]) -> None:
        """Let go what cooldowns held, and compose the digests that are due."""
        held = [alert for alert in due if alert.state == State.SUPPRESSED]
        for alert in held:
            if alert.reason == Reason.COOLDOWN:
                async with self._database.transaction() as connection:
                    await store.serialize(connection, alert.tenant)
                    await release_held(self._outbox, connection, alert, self._clock.micros())
        for tenant, recipient in sorted({(alert.tenant, alert.recipient) for alert in held if alert.reason != Reason.COOLDOWN}):
            async with self._database.transaction() as connection:
                await store.serialize(connection, tenant)
                await compose_digest(self._outbox, connection, tenant, recipient, self._clock.micros())

    async def _deliver(self, due: list[Alert], courier: Courier) -> None:
        """Send what is queued, in order; on trouble with the server the rest waits too."""
        mails = [alert for alert in due if alert.state in (State.QUEUED, State.SENDING)]
        for index, alert in enumerate(mails):
            _heed_cancellation()
            if not await courier.deliver(alert):
                await courier.postpone(mails[index + 1 :], alert.attempts + 1)
                return

    async def alerts(self, query: AlertQuery) -> AlertPage:
        """The ledger, newest first."""
        async with self._database.read() as connection:
            return await read_page(connection, query)

    async def add_recipient(self, tenant: str, address: str, name: str | None = None) -> Recipient:
        """Tell this address from now on. Raises `Invalid` unless it is a plain mailbox; adding it again renames it."""
        recipient = Recipient(recipients.checked_address(address), name)
        async with self._database.transaction() as connection:
            await recipients.add(connection, tenant, recipient, self._clock.micros())
        return recipient

    async def remove_recipient(self, tenant: str, address: str) -> bool:
        """Stop telling this address, and call off what it was still to get. False when it was not there."""
        async with self._database.transaction() as connection:
            await store.serialize(connection, tenant)
            checked = recipients.checked_address(address)
            return await recipients.remove(connection, tenant, checked, self._clock.micros())

    async def recipients(self, tenant: str) -> list[Recipient]:
        """Who is told, by address."""
        async with self._database.read() as connection:
            return await recipients.listed(connection, tenant)

    async def set_mailed_event_types(self, tenant: str, event_types: Collection[str]) -> None:
        """Mail about ALARM events of these types too; trips and restores always are."""
        async with self._database.transaction() as connection:
            await recipients.set_mailed_event_types(connection, tenant, frozenset(event_types))

    async def mailed_event_types(self, tenant: str) -> frozenset[str]:
        """The further event types that are mailed."""
        async with self._database.read() as connection:
            return await recipients.mailed_event_types(connection, tenant)


def _heed_cancellation() -> None:
    """Raise a cancellation that this task was asked for and that got lost on the way.

    Before Python 3.12 `asyncio.wait_for`, which the SMTP client stands on, drops one that comes together with its result.
    """
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError
