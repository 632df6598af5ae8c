"""What a trip, a restore or another alarm of a feeder puts into the ledger, inside the transaction of the event."""

from __future__ import annotations

from dataclasses import asdict, replace

from sqlalchemy.ext.asyncio import AsyncConnection

from wattline.notify import recipients, store
from wattline.notify.model import Alert, FeederRestore, FeederTrip, Kind, OtherEvent, Reason, State
from wattline.notify.outbox import NOBODY, Outbox
from wattline.notify.store import NewAlert
from wattline.notify.storms import join_storm
from wattline.notify.tables import ledger


async def announce_trip(outbox: Outbox, connection: AsyncConnection, trip: FeederTrip, now: int) -> None:
    """Tell of a feeder that opened: at once, after its cooldown if it is open then, in a storm mail, or in a digest."""
    last = await store.last_mail(connection, Kind.TRIP, trip.tenant, trip.site, trip.feeder)
    held_until = outbox.settings.cooled_until(last, outbox.settings.trip_cooldown, now)
    body = {**asdict(trip), "still": False}
    del body["tenant"], body["incident"]
    draft = NewAlert(
        tenant=trip.tenant,
        kind=Kind.TRIP,
        site=trip.site,
        subject=trip.feeder,
        incident=trip.incident,
        event_id=trip.incident,
        recipient=NOBODY,
        state=State.QUEUED,
        body=body,
    )
    await outbox.announce(connection, draft, now, held_until)
    await join_storm(outbox, connection, trip.tenant, trip.incident, now)


async def announce_restore(outbox: Outbox, connection: AsyncConnection, restore: FeederRestore, now: int) -> None:
    """Tell of a feeder that closed, to whom its trip was told and in the same way; call off what was not told yet."""
    of_incident = (ledger.c.tenant == restore.tenant, ledger.c.incident == restore.incident)
    known = set(await recipients.addresses(connection, restore.tenant))
    for trip in await store.select(connection, *of_incident, ledger.c.kind == Kind.TRIP.value):
        if _not_told_yet(trip):
            called_off = {"state": State.CANCELLED.value, "reason": Reason.RESTORED.value, "next_attempt": None}
            await store.update(connection, now, ledger.c.id == trip.id, **called_off)
            continue
        told_by = await _told_by(connection, trip)
        if told_by is not None and trip.recipient in known:
            await outbox.put(connection, _restore_row(outbox, trip, told_by, restore, now), now)


def _not_told_yet(trip: Alert) -> bool:
    """Waiting for its turn, its cooldown, its retry or its digest: no mail server has accepted it."""
    return trip.state == State.QUEUED or (trip.state == State.SUPPRESSED and trip.next_attempt is not None)


async def _told_by(connection: AsyncConnection, trip: Alert) -> Alert | None:
    """The row whose mail told of the trip, or may still do so: the storm mail or digest that names it, else its own."""
    if trip.carried_by is not None:
        (carrier,) = await store.select(connection, ledger.c.id == trip.carried_by)
        if carrier.state in (State.QUEUED, State.SENDING, State.SENT):
            return carrier
    return trip if trip.state in (State.SENDING, State.SENT) else None


def _restore_row(outbox: Outbox, trip: Alert, told_by: Alert, restore: FeederRestore, now: int) -> NewAlert:
    """The answer to a trip: a mail of its own, or a line of the digest where a storm mail or a digest named the trip."""
    body = asdict(restore)
    del body["tenant"], body["incident"], body["event_id"]
    draft = NewAlert(
        tenant=restore.tenant,
        kind=Kind.RESTORE,
        site=restore.site,
        subject=restore.feeder,
        incident=restore.incident,
        event_id=restore.event_id,
        recipient=trip.recipient,
        state=State.QUEUED,
        next_attempt=now,
        body={**body, "in_reply_to": told_by.message_id},
    )
    if not outbox.delivers:
        return replace(draft, state=State.SUPPRESSED, reason=Reason.NO_TRANSPORT, next_attempt=None)
    if told_by is not trip:
        draft = replace(draft, state=State.SUPPRESSED, reason=Reason.DIGEST, next_attempt=outbox.digest_time(now))
    if told_by.state != State.SENT:
        draft = replace(draft, awaits=told_by.id, next_attempt=None)
    return draft


async def trip_told(connection: AsyncConnection, tenant: str, incident: str) -> bool | None:
    """Whether the mail about a trip was, or may have been, accepted for any recipient; None without a row."""
    of_incident = (ledger.c.tenant == tenant, ledger.c.incident == incident, ledger.c.kind == Kind.TRIP.value)
    trips = await store.select(connection, *of_incident)
    if not trips:
        return None
    return any([await _told_by(connection, trip) is not None for trip in trips])


async def announce_event(outbox: Outbox, connection: AsyncConnection, event: OtherEvent, now: int) -> None:
    """Tell of an alarm of a type that the utility listed; within the cooldown of its feeder it is only logged."""
    if event.event_type not in await recipients.mailed_event_types(connection, event.tenant):
        return
    subject = f"{event.feeder or event.device} {event.event_type}"
    last = await store.last_mail(connection, Kind.EVENT, event.tenant, event.site, subject)
    body = asdict(event)
    del body["tenant"], body["event_id"]
    draft = NewAlert(
        tenant=event.tenant,
        kind=Kind.EVENT,
        site=event.site,
        subject=subject,
        incident=event.event_id,
        event_id=event.event_id,
        recipient=NOBODY,
        state=State.QUEUED,
        body=body,
    )
    if outbox.settings.cooled_until(last, outbox.settings.trip_cooldown, now) is None:
        await outbox.announce(connection, draft, now)
        return
    # An alarm of this sort has no end that could call a held mail off, so it is recorded and never sent later.
    for address in await recipients.addresses(connection, event.tenant):
        held = replace(draft, recipient=address, state=State.SUPPRESSED, reason=Reason.COOLDOWN)
        await outbox.put(connection, held, now)


async def release_held(outbox: Outbox, connection: AsyncConnection, row: Alert, now: int) -> None:
    """A cooldown ended and what it held still stands: mail it now, or let the digest tell if the recipient had enough."""
    values: dict[str, object] = {
        "state": State.QUEUED.value,
        "reason": Reason.COOLDOWN.value,
        "next_attempt": now,
        "queued": now,
        "body": {**row.body, "still": True},
    }
    if await outbox.over_rate(connection, row.tenant, row.recipient, now):
        values |= {
            "state": State.SUPPRESSED.value,
            "reason": Reason.RATE_LIMIT.value,
            "next_attempt": outbox.digest_time(now),
            "queued": None,
        }
    await store.update(
        connection,
        now,
        ledger.c.id == row.id,
        ledger.c.state == State.SUPPRESSED.value,
        ledger.c.reason == Reason.COOLDOWN.value,
        ledger.c.next_attempt == row.next_attempt,
        **values,
    )


async def end_cooldown(connection: AsyncConnection, trip: Alert, now: int) -> None:
    """The mail that began a cooldown will never arrive, so what the cooldown holds need not wait for its end."""
    await store.update(
        connection,
        now,
        *store.same_feeder(trip.tenant, trip.site, trip.subject),
        ledger.c.recipient == trip.recipient,
        ledger.c.kind == trip.kind.value,
        ledger.c.state == State.SUPPRESSED.value,
        ledger.c.reason == Reason.COOLDOWN.value,
        ledger.c.next_attempt > now,
        next_attempt=now,
    )
