"""The digest: one mail that tells a recipient everything that was held back by a storm or by the rate limit."""

from __future__ import annotations

from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from wattline.model.clock import SECOND
from wattline.notify import store
from wattline.notify.model import Alert, Kind, State
from wattline.notify.outbox import Outbox
from wattline.notify.store import NewAlert
from wattline.notify.tables import ledger

#: A mail longer than this helps nobody; what is left goes into the next one.
LONGEST = 1000


async def compose_digest(outbox: Outbox, connection: AsyncConnection, tenant: str, recipient: str, now: int) -> None:
    """Put everything that waits for this recipient into one queued mail, or wait for the end of the interval.

    To be called when something that waits is due.
    """
    waiting = await store.select(connection, *store.waiting_for_digest(tenant, recipient))
    if not waiting:
        return
    last = await store.last_created(connection, tenant, Kind.DIGEST, recipient)
    again = None if last is None else last + outbox.settings.digest_interval * SECOND
    if again is not None and now < again:
        await store.update(connection, now, *_all(waiting), ledger.c.next_attempt < again, next_attempt=again)
        return
    told, left = waiting[:LONGEST], waiting[LONGEST:]
    digest = NewAlert(
        tenant=tenant,
        kind=Kind.DIGEST,
        subject="digest",
        incident=f"digest:{told[0].event_id}",
        event_id=f"digest:{told[0].event_id}",
        recipient=recipient,
        state=State.QUEUED,
        next_attempt=now,
        body={"items": [_item(alert) for alert in told], "left": len(left)},
    )
    carrier = await outbox.put(connection, digest, now)
    await store.update(connection, now, *_all(told), next_attempt=None, carried_by=carrier)


def _all(alerts: list[Alert]) -> tuple[Any, ...]:
    return (ledger.c.id.in_([alert.id for alert in alerts]), ledger.c.state == State.SUPPRESSED.value)


def _item(alert: Alert) -> dict[str, Any]:
    return {**alert.body, "kind": alert.kind.value}
