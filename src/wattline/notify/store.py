"""Rows of the alert ledger: how they are written, read and changed. Every change names the state that it starts from."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from wattline.notify.model import DIGESTED, LIMITED, Alert, Kind, Reason, State
from wattline.notify.tables import ledger

_LIVE = [State.QUEUED.value, State.SENDING.value, State.SENT.value]
_LIMITED = [kind.value for kind in LIMITED]
_DIGESTED = [reason.value for reason in DIGESTED]


@dataclass(frozen=True, slots=True)
class NewAlert:
    """A row to be written; the fields are those of `Alert`."""

    tenant: str
    kind: Kind
    subject: str
    incident: str
    event_id: str
    recipient: str
    state: State
    body: Mapping[str, Any]
    site: str | None = None
    reason: Reason | None = None
    next_attempt: int | None = None
    carried_by: int | None = None
    awaits: int | None = None

    def message_id(self, domain: str) -> str:
        """The Message-ID of RFC 5322 that this alert has for ever: a function of what it is about and whom it is for."""
        text = "\x1f".join((self.tenant, self.kind, self.event_id, self.recipient))
        return f"<{hashlib.sha256(text.encode()).hexdigest()[:40]}@{domain}>"


def alert_of(row: sa.Row[Any]) -> Alert:
    """The ledger row as the domain knows it."""
    fields = dict(row._mapping)
    fields["kind"] = Kind(fields["kind"])
    fields["state"] = State(fields["state"])
    return Alert(**fields)


async def serialize(connection: AsyncConnection, tenant: str) -> None:
    """Make the ledger transactions of one utility follow one another, so that each sees what the one before it did.

    SQLite has one writer at a time anyway. On PostgreSQL a restore could otherwise begin to wait for a trip mail in the very
    moment in which another worker finishes it.
    """
    if connection.dialect.name == "postgresql":
        key = int.from_bytes(hashlib.sha256(f"alert ledger {tenant}".encode()).digest()[:8], signed=True)
        await connection.execute(sa.select(sa.func.pg_advisory_xact_lock(sa.cast(key, sa.BigInteger))))


async def insert(connection: AsyncConnection, new: NewAlert, now: int, domain: str) -> int | None:
    """Write a row and give its id, or None when this recipient already has a row of this kind for this event."""
    engine_insert = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    statement = (
        engine_insert(ledger)
        .values(
            tenant=new.tenant,
            kind=new.kind.value,
            site=new.site,
            subject=new.subject,
            incident=new.incident,
            event_id=new.event_id,
            recipient=new.recipient,
            state=new.state.value,
            reason=new.reason.value if new.reason else None,
            message_id=new.message_id(domain),
            attempts=0,
            next_attempt=new.next_attempt,
            created=now,
            handed=None,
            # What is held back is tried for as long from when it may go.
            queued=(new.next_attempt or now) if new.state == State.QUEUED and new.awaits is None else None,
            updated=now,
            error=None,
            carried_by=new.carried_by,
            awaits=new.awaits,
            body=dict(new.body),
        )
        .on_conflict_do_nothing()
        .returning(ledger.c.id)
    )
    found: int | None = (await connection.execute(statement)).scalar()
    return found


async def update(connection: AsyncConnection, now: int, *conditions: sa.ColumnElement[bool], **values: Any) -> int:
    """Change the rows that meet every condition, and say how many did."""
    result = await connection.execute(sa.update(ledger).where(*conditions).values(updated=now, **values))
    return result.rowcount


async def select(connection: AsyncConnection, *conditions: sa.ColumnElement[bool]) -> list[Alert]:
    """The rows that meet every condition, oldest first."""
    statement = sa.select(ledger).where(*conditions).order_by(ledger.c.id)
    return [alert_of(row) for row in await connection.execute(statement)]


async def due(connection: AsyncConnection, now: int, limit: int) -> list[Alert]:
    """The rows to which something has to happen by now, the longest due first."""
    statement = sa.select(ledger).where(ledger.c.next_attempt <= now).order_by(ledger.c.next_attempt, ledger.c.id)
    return [alert_of(row) for row in await connection.execute(statement.limit(limit))]


async def next_due(connection: AsyncConnection) -> int | None:
    """When the next thing has to happen, in microseconds; None when nothing is waiting."""
    found: int | None = (await connection.execute(sa.select(sa.func.min(ledger.c.next_attempt)))).scalar()
    return found


def same_feeder(tenant: str, site: str | None, feeder: str) -> tuple[sa.ColumnElement[bool], ...]:
    """The conditions that pick the rows of one feeder of one substation."""
    of_site = ledger.c.site.is_(None) if site is None else ledger.c.site == site
    return (ledger.c.tenant == tenant, of_site, ledger.c.subject == feeder)


async def last_mail(connection: AsyncConnection, kind: Kind, tenant: str, site: str | None, subject: str) -> int | None:
    """When this kind of alert about this feeder last got a mail of its own that was, or still may be, accepted."""
    statement = sa.select(sa.func.max(ledger.c.queued)).where(
        *same_feeder(tenant, site, subject), ledger.c.kind == kind.value, ledger.c.state.in_(_LIVE)
    )
    found: int | None = (await connection.execute(statement)).scalar()
    return found


async def mails_since(connection: AsyncConnection, tenant: str, recipient: str, since: int) -> int:
    """How many mails that count towards the rate limit went to this recipient after `since`."""
    statement = sa.select(sa.func.count()).where(
        ledger.c.tenant == tenant,
        ledger.c.recipient == recipient,
        ledger.c.queued > since,
        ledger.c.kind.in_(_LIMITED),
        ledger.c.state.in_(_LIVE),
    )
    return (await connection.execute(statement)).scalar_one()


async def feeders_tripped_since(connection: AsyncConnection, tenant: str, since: int) -> int:
    """How many different feeders of a utility tripped, with an alarm, after `since`."""
    feeders = (
        sa.select(ledger.c.site, ledger.c.subject)
        .where(ledger.c.tenant == tenant, ledger.c.kind == Kind.TRIP.value, ledger.c.created > since)
        .distinct()
        .subquery()
    )
    return (await connection.execute(sa.select(sa.func.count()).select_from(feeders))).scalar_one()


async def last_created(connection: AsyncConnection, tenant: str, kind: Kind, recipient: str | None = None) -> int | None:
    """When the newest row of a kind was written, for one recipient or for any."""
    statement = sa.select(sa.func.max(ledger.c.created)).where(ledger.c.tenant == tenant, ledger.c.kind == kind.value)
    if recipient is not None:
        statement = statement.where(ledger.c.recipient == recipient)
    found: int | None = (await connection.execute(statement)).scalar()
    return found


def waiting_for_digest(tenant: str, recipient: str) -> Sequence[sa.ColumnElement[bool]]:
    """The conditions that pick what the next digest of a recipient tells."""
    return (
        ledger.c.tenant == tenant,
        ledger.c.recipient == recipient,
        ledger.c.state == State.SUPPRESSED.value,
        ledger.c.reason.in_(_DIGESTED),
        ledger.c.carried_by.is_(None),
        ledger.c.next_attempt.is_not(None),
    )
