"""What goes to one household: a row of the ledger like any other, for one address that only it has."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from wattline.model.errors import Invalid
from wattline.notify.model import PRIVATE, Letter, Reason, State
from wattline.notify.outbox import Outbox
from wattline.notify.recipients import checked_address
from wattline.notify.store import NewAlert, update
from wattline.notify.tables import ledger


async def announce_letter(outbox: Outbox, connection: AsyncConnection, letter: Letter, now: int) -> None:
    """Queue a letter; where mail cannot be sent at all its row says so. Raises `Invalid` for what is no plain mailbox."""
    if letter.kind not in PRIVATE:
        raise Invalid(f"not a letter to a household: {letter.kind}", "kind")
    new = NewAlert(
        tenant=letter.tenant,
        kind=letter.kind,
        site=letter.site,
        subject=letter.site,
        incident=letter.event_id,
        event_id=letter.event_id,
        recipient=checked_address(letter.recipient),
        state=State.QUEUED if outbox.delivers else State.SUPPRESSED,
        reason=None if outbox.delivers else Reason.NO_TRANSPORT,
        next_attempt=max(now, letter.not_before or now) if outbox.delivers else None,
        body={"title": letter.title, "language": letter.language, **letter.body},
    )
    await outbox.put(connection, new, now)


async def forget(connection: AsyncConnection, tenant: str, site: str, now: int) -> None:
    """Call off what waits to be sent to a household, and keep neither its address nor what was written to it.

    A letter that is being handed to the mail server in this moment keeps its row as it is.
    """
    of = (
        ledger.c.tenant == tenant,
        ledger.c.site == site,
        ledger.c.kind.in_([kind.value for kind in PRIVATE]),
        ledger.c.state != State.SENDING.value,
    )
    called_off = {"state": State.CANCELLED.value, "reason": Reason.RECIPIENT_REMOVED.value, "next_attempt": None}
    await update(connection, now, *of, ledger.c.state == State.QUEUED.value, **called_off)
    nobody = sa.literal("forgotten-") + sa.cast(ledger.c.id, sa.String)
    await update(connection, now, *of, recipient=nobody, body={})
