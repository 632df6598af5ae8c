"""From `queued` to `sent`: claiming a row, the SMTP dialogue, and what its outcome does to the rows that hang on it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from email.message import EmailMessage

import sqlalchemy as sa
import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from wattline.model.clock import SECOND, Clock
from wattline.notify import store
from wattline.notify.feeders import end_cooldown
from wattline.notify.letters import Letters
from wattline.notify.model import Alert, Kind, Reason, State
from wattline.notify.outbox import Outbox
from wattline.notify.smtp import Delivery, Refused, Transport, Uncertain, Unreachable
from wattline.notify.tables import ledger
from wattline.state.database import Database

_log = structlog.get_logger(__name__)
_OF_A_FEEDER = (Kind.TRIP, Kind.RESTORE)


class Overtaken(Delivery):
    """Another worker took this row over: it is theirs."""


class Courier:
    """Delivers one row at a time. Any number of couriers may work on one ledger: a row is sent by the one that claimed it."""

    def __init__(self, database: Database, clock: Clock, outbox: Outbox, letters: Letters, transport: Transport) -> None:
        self._database = database
        self._clock = clock
        self._outbox = outbox
        self._letters = letters
        self._transport = transport

    async def deliver(self, alert: Alert) -> bool:
        """Send a due row that is queued, or `sending` past its lease. False when the mail server is in trouble."""
        if not await self._claim(alert):
            return True
        attempt = alert.attempts + 1

        async def handing() -> None:
            await self._mark_handed(alert, attempt)

        try:
            await self._transport.send(self._compose(alert), alert.recipient, handing)
        except Overtaken:
            return True
        except Uncertain as error:
            await self._uncertain(alert, attempt, error)
            return False
        except Delivery as error:
            await self._not_accepted(alert, attempt, error)
            return not isinstance(error, Unreachable)
        await self._accepted(alert, attempt)
        return True

    def _compose(self, alert: Alert) -> EmailMessage:
        """The message; a row that cannot be put into words fails alone instead of holding up every other."""
        try:
            return self._letters.compose(alert)
        except Exception as error:
            _log.exception("mail cannot be composed", tenant=alert.tenant, kind=alert.kind.value, alert=alert.id)
            raise Refused(f"cannot be composed: {type(error).__name__}", permanent=True) from error

    async def postpone(self, alerts: Sequence[Alert], attempts: int) -> None:
        """The server is in trouble: these queued rows wait as long as the row that found out, without counting a try."""
        now = self._clock.micros()
        later = now + self._outbox.settings.backoff(attempts)
        for tenant in sorted({alert.tenant for alert in alerts}):
            ids = [alert.id for alert in alerts if alert.tenant == tenant]
            async with self._transaction(tenant) as connection:
                still_queued = (ledger.c.id.in_(ids), ledger.c.state == State.QUEUED.value)
                await store.update(connection, now, *still_queued, next_attempt=later)

    @asynccontextmanager
    async def _transaction(self, tenant: str) -> AsyncIterator[AsyncConnection]:
        async with self._database.transaction() as connection:
            await store.serialize(connection, tenant)
            yield connection

    async def _behind(self, connection: AsyncConnection, alert: Alert, now: int) -> bool:
        """Whether an older mail about the same feeder must go first: who reads them last to first believes the wrong thing."""
        if alert.state != State.QUEUED or alert.kind not in _OF_A_FEEDER:
            return False
        older = await store.select(
            connection,
            *store.same_feeder(alert.tenant, alert.site, alert.subject),
            ledger.c.recipient == alert.recipient,
            ledger.c.kind.in_([kind.value for kind in _OF_A_FEEDER]),
            ledger.c.state.in_([State.QUEUED.value, State.SENDING.value]),
            ledger.c.next_attempt.is_not(None),
            ledger.c.id < alert.id,
        )
        turn = max((row.next_attempt for row in older if row.next_attempt is not None), default=None)
        if turn is not None and turn > now:
            await store.update(
                connection, now, ledger.c.id == alert.id, ledger.c.state == State.QUEUED.value, next_attempt=turn
            )
        return turn is not None

    async def _claim(self, alert: Alert) -> bool:
        now = self._clock.micros()
        async with self._transaction(alert.tenant) as connection:
            if await self._behind(connection, alert, now):
                return False
            return (
                await store.update(
                    connection,
                    now,
                    ledger.c.id == alert.id,
                    ledger.c.state == alert.state.value,
                    ledger.c.attempts == alert.attempts,
                    state=State.SENDING.value,
                    attempts=alert.attempts + 1,
                    next_attempt=now + self._outbox.settings.sending_lease * SECOND,
                )
                == 1
            )

    async def _mark_handed(self, alert: Alert, attempt: int) -> None:
        """From here on the server may have accepted the mail, should we not live to see its reply."""
        now = self._clock.micros()
        async with self._transaction(alert.tenant) as connection:
            if not await self._finish(connection, alert, attempt, now, handed=now):
                raise Overtaken("another worker sends this mail")

    async def _finish(self, connection: AsyncConnection, alert: Alert, attempt: int, now: int, **values: object) -> bool:
        """Change a row that this courier claimed; False when it took so long that another claimed it since."""
        mine = (ledger.c.id == alert.id, ledger.c.state == State.SENDING.value, ledger.c.attempts == attempt)
        return await store.update(connection, now, *mine, **values) == 1

    async def _accepted(self, alert: Alert, attempt: int) -> None:
        now = self._clock.micros()
        async with self._transaction(alert.tenant) as connection:
            done = {"state": State.SENT.value, "next_attempt": None, "error": None}
            if not await self._finish(connection, alert, attempt, now, **done):
                return
            carried = await store.select(connection, *_carried(alert))
            for row in carried:
                await store.update(connection, now, ledger.c.id == row.id, state=State.SENT.value, message_id=alert.message_id)
            told = [alert.id, *(row.id for row in carried)]
            await self._release(connection, told, now)
        _log.info("mail sent", tenant=alert.tenant, kind=alert.kind.value, alert=alert.id, attempt=attempt)

    async def _release(self, connection: AsyncConnection, told: list[int], now: int) -> None:
        """Restores whose trip is now known to be told may go."""
        waiting = ledger.c.awaits.in_(told)
        own = ledger.c.state == State.QUEUED.value
        await store.update(connection, now, waiting, own, awaits=None, next_attempt=now, queued=now)
        await store.update(connection, now, waiting, awaits=None, next_attempt=self._outbox.digest_time(now))

    async def _not_accepted(self, alert: Alert, attempt: int, error: Delivery) -> None:
        settings = self._outbox.settings
        now = self._clock.micros()
        refused = isinstance(error, Refused) and error.permanent
        async with self._transaction(alert.tenant) as connection:
            if refused or settings.gives_up(alert.queued or alert.created, now):
                reason = Reason.REFUSED if refused else Reason.GAVE_UP
                values: dict[str, object] = {"state": State.FAILED.value, "reason": reason.value, "next_attempt": None}
            elif alert.handed is not None:
                # An earlier attempt may have been accepted, so this mail can no longer be called off: it is sent until it
                # arrives.
                values = {"next_attempt": now + settings.backoff(attempt)}
            elif await self._is_over(connection, alert):
                values = {"state": State.CANCELLED.value, "reason": Reason.RESTORED.value, "next_attempt": None, "handed": None}
            else:
                values = {"state": State.QUEUED.value, "next_attempt": now + settings.backoff(attempt), "handed": None}
            ended = values.get("state") in (State.FAILED.value, State.CANCELLED.value)
            if await self._finish(connection, alert, attempt, now, error=str(error), **values) and ended:
                await self._abandon(connection, alert, now)
        _log.warning(
            "mail not accepted", tenant=alert.tenant, kind=alert.kind.value, alert=alert.id, attempt=attempt, error=str(error)
        )

    async def _is_over(self, connection: AsyncConnection, alert: Alert) -> bool:
        """Whether this is a trip whose restore came while its mail was on its way."""
        of_incident = (ledger.c.tenant == alert.tenant, ledger.c.incident == alert.incident)
        answer = (ledger.c.kind == Kind.RESTORE.value, ledger.c.recipient == alert.recipient)
        return alert.kind == Kind.TRIP and bool(await store.select(connection, *of_incident, *answer))

    async def _abandon(self, connection: AsyncConnection, alert: Alert, now: int) -> None:
        """A row ends without a mail: so do the rows it carried and the restores that waited for any of them."""
        carried = await store.select(connection, *_carried(alert))
        failed = [row.id for row in carried]
        await store.update(connection, now, ledger.c.id.in_(failed), state=State.FAILED.value, next_attempt=None)
        await store.update(
            connection,
            now,
            ledger.c.awaits.in_([alert.id, *failed]),
            state=State.CANCELLED.value,
            reason=Reason.TRIP_NOT_SENT.value,
            awaits=None,
            next_attempt=None,
        )
        if alert.kind == Kind.TRIP:
            await end_cooldown(connection, alert, now)

    async def _uncertain(self, alert: Alert, attempt: int, error: Uncertain) -> None:
        """The row stays `sending`: it is sent again with the same Message-ID when its lease ends, for a limited time."""
        now = self._clock.micros()
        async with self._transaction(alert.tenant) as connection:
            if not self._outbox.settings.gives_up(alert.queued or alert.created, now):
                await self._finish(connection, alert, attempt, now, error=str(error))
                return
            values = {"state": State.FAILED.value, "reason": Reason.GAVE_UP.value, "next_attempt": None, "error": str(error)}
            if await self._finish(connection, alert, attempt, now, **values):
                await self._abandon(connection, alert, now)


def _carried(alert: Alert) -> tuple[sa.ColumnElement[bool], ...]:
    return (ledger.c.carried_by == alert.id, ledger.c.state == State.SUPPRESSED.value)
