"""A storm: so many feeders trip at once that one mail names them all, and digests tell the rest."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncConnection

from wattline.model.clock import SECOND
from wattline.notify import recipients, store
from wattline.notify.model import Alert, Kind, Reason, State
from wattline.notify.outbox import Outbox
from wattline.notify.store import NewAlert
from wattline.notify.tables import ledger


async def join_storm(outbox: Outbox, connection: AsyncConnection, tenant: str, incident: str, now: int) -> None:
    """After a trip was put into the ledger: begin a storm, fold the trip into a running one, or do nothing.

    A storm that begins again within the digest interval is the same storm: it gets no second storm mail.
    """
    settings = outbox.settings
    if not outbox.delivers:
        return
    since = now - settings.storm_window * SECOND
    if not settings.is_storm(await store.feeders_tripped_since(connection, tenant, since)):
        return
    last = await store.last_created(connection, tenant, Kind.STORM)
    if last is None or now - last >= settings.digest_interval * SECOND:
        for recipient in await recipients.addresses(connection, tenant):
            await _begin(outbox, connection, tenant, incident, recipient, since, now)
        return
    await store.update(
        connection,
        now,
        ledger.c.tenant == tenant,
        ledger.c.incident == incident,
        ledger.c.kind == Kind.TRIP.value,
        ledger.c.state == State.QUEUED.value,
        state=State.SUPPRESSED.value,
        reason=Reason.STORM.value,
        next_attempt=outbox.digest_time(now),
        queued=None,
    )


async def _begin(
    outbox: Outbox, connection: AsyncConnection, tenant: str, incident: str, recipient: str, since: int, now: int
) -> None:
    """Write the storm mail of one recipient, naming every feeder that tripped in the window and was not restored since."""
    in_window = (ledger.c.tenant == tenant, ledger.c.recipient == recipient, ledger.c.created > since)
    trips = await store.select(connection, *in_window, ledger.c.kind == Kind.TRIP.value)
    restores = await store.select(connection, *in_window, ledger.c.kind == Kind.RESTORE.value)
    over = {restore.incident for restore in restores}
    named = [trip for trip in trips if trip.incident not in over and _can_be_named(trip)]
    if not named:
        return
    storm = NewAlert(
        tenant=tenant,
        kind=Kind.STORM,
        subject="storm",
        incident=incident,
        event_id=incident,
        recipient=recipient,
        state=State.QUEUED,
        next_attempt=now,
        body={"feeders": [dict(trip.body) for trip in named], "window_seconds": outbox.settings.storm_window},
    )
    carrier = await outbox.put(connection, storm, now)
    if carrier is not None:
        await _carry(connection, named, carrier, now)


def _can_be_named(trip: Alert) -> bool:
    """Everything but what was cancelled, failed for good, or is told by another mail already."""
    return trip.carried_by is None and (
        trip.state in (State.QUEUED, State.SENDING, State.SENT) or trip.next_attempt is not None
    )


async def _carry(connection: AsyncConnection, named: Sequence[Alert], carrier: int, now: int) -> None:
    """Mark who is named: a trip that has its own mail keeps it, one that still waits is told by the storm mail instead."""
    told = [trip.id for trip in named if trip.state in (State.SENDING, State.SENT)]
    waiting = [trip.id for trip in named if trip.id not in set(told)]
    await store.update(connection, now, ledger.c.id.in_(told), carried_by=carrier)
    await store.update(
        connection,
        now,
        ledger.c.id.in_(waiting),
        state=State.SUPPRESSED.value,
        reason=Reason.STORM.value,
        next_attempt=None,
        queued=None,
        carried_by=carrier,
    )
