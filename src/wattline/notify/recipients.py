"""Who is told, per utility, and the further event types that a utility wants mail about."""

from __future__ import annotations

import re

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from wattline.model.errors import Invalid
from wattline.notify.model import Recipient, State
from wattline.notify.store import update
from wattline.notify.tables import event_types, ledger, recipients

# The addr-spec of RFC 5322 without quoted strings, comments and address literals: what people type, and nothing that can
# end a header or an SMTP command.
_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,187}[A-Za-z0-9])?")
_EVENT_TYPE = re.compile(r"[^\x00-\x20\x7f]{1,128}")


def checked_address(address: str) -> str:
    """The address as it is stored; raises `Invalid` for anything but a plain ASCII mailbox. The domain part is folded to lower
    case.
    """
    if not _ADDRESS.fullmatch(address) or ".." in address:
        raise Invalid("not an e-mail address", "address")
    local, _, domain = address.rpartition("@")
    return f"{local}@{domain.lower()}"


async def addresses(connection: AsyncConnection, tenant: str) -> list[str]:
    """Every address of a utility, in order."""
    statement = sa.select(recipients.c.address).where(recipients.c.tenant == tenant).order_by(recipients.c.address)
    return list((await connection.execute(statement)).scalars())


async def add(connection: AsyncConnection, tenant: str, recipient: Recipient, now: int) -> None:
    """Add a recipient, or replace what is known of an address that is there."""
    await connection.execute(
        sa.delete(recipients).where(recipients.c.tenant == tenant, recipients.c.address == recipient.address)
    )
    await connection.execute(
        sa.insert(recipients).values(
            tenant=tenant, address=recipient.address, name=recipient.name, roles=list(recipient.roles), created=now
        )
    )


async def remove(connection: AsyncConnection, tenant: str, address: str, now: int) -> bool:
    """Forget a recipient and cancel what was not handed to the mail server yet. False when there was none."""
    result = await connection.execute(
        sa.delete(recipients).where(recipients.c.tenant == tenant, recipients.c.address == address)
    )
    await update(
        connection,
        now,
        ledger.c.tenant == tenant,
        ledger.c.recipient == address,
        sa.or_(
            ledger.c.state == State.QUEUED.value,
            sa.and_(ledger.c.state == State.SUPPRESSED.value, ledger.c.next_attempt.is_not(None)),
        ),
        state=State.CANCELLED.value,
        reason="recipient_removed",
        next_attempt=None,
        awaits=None,
    )
    return result.rowcount > 0


async def listed(connection: AsyncConnection, tenant: str) -> list[Recipient]:
    """Every recipient of a utility, by address."""
    rows = await connection.execute(sa.select(recipients).where(recipients.c.tenant == tenant).order_by(recipients.c.address))
    return [Recipient(row.address, row.name, tuple(row.roles)) for row in rows]


async def mailed_event_types(connection: AsyncConnection, tenant: str) -> frozenset[str]:
    """The event types, besides trips and restores, whose alarms are mailed for this utility."""
    statement = sa.select(event_types.c.event_type).where(event_types.c.tenant == tenant)
    return frozenset((await connection.execute(statement)).scalars())


async def set_mailed_event_types(connection: AsyncConnection, tenant: str, types: frozenset[str]) -> None:
    """Replace that list. Raises `Invalid` for a name with spaces or control characters, or longer than 128."""
    for event_type in types:
        if not _EVENT_TYPE.fullmatch(event_type):
            raise Invalid("not an event type", "event_types")
    await connection.execute(sa.delete(event_types).where(event_types.c.tenant == tenant))
    if types:
        await connection.execute(
            sa.insert(event_types), [{"tenant": tenant, "event_type": event_type} for event_type in sorted(types)]
        )
