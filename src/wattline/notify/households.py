"""What goes to one household: a row of the ledger like any other, for one address that only it has."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncConnection

from wattline.model.errors import Invalid
from wattline.notify.model import PRIVATE, Letter, Reason, State
from wattline.notify.outbox import Outbox
from wattline.notify.recipients import checked_address
from wattline.notify.store import NewAlert


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
