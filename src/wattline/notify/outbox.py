"""Where a decided alert is put: one row per recipient, queued at once or held back for a stated reason."""

from __future__ import annotations

from dataclasses import dataclass, replace

from sqlalchemy.ext.asyncio import AsyncConnection

from wattline.model.clock import SECOND
from wattline.notify import recipients, store
from wattline.notify.model import LIMITED, Reason, State
from wattline.notify.policy import AlertSettings
from wattline.notify.store import NewAlert

#: The recipient of a row that says why nobody was told.
NOBODY = ""


@dataclass(frozen=True, slots=True)
class Outbox:
    """The settings of alerting, whether there is a mail server at all, and the domain of our Message-IDs."""

    settings: AlertSettings
    delivers: bool
    domain: str

    async def put(self, connection: AsyncConnection, new: NewAlert, now: int) -> int | None:
        """Write one row as it is; None when the recipient has it already."""
        return await store.insert(connection, new, now, self.domain)

    async def over_rate(self, connection: AsyncConnection, tenant: str, recipient: str, now: int) -> bool:
        """Whether this recipient had as many mails as one may have within the window."""
        since = now - self.settings.rate_window * SECOND
        return self.settings.over_rate(await store.mails_since(connection, tenant, recipient, since))

    async def announce(self, connection: AsyncConnection, draft: NewAlert, now: int, held_until: int | None = None) -> None:
        """Write one row for every recipient of the draft's tenant.

        Queued, unless a cooldown runs until `held_until`, the recipient had enough mails (the next digest tells), or mail
        cannot be sent at all; then the row says so and nothing is lost from sight.
        """
        addresses = await recipients.addresses(connection, draft.tenant)
        if not addresses:
            new = replace(draft, recipient=NOBODY, state=State.SUPPRESSED, reason=Reason.NO_RECIPIENTS)
            await self.put(connection, new, now)
        for address in addresses:
            new = replace(draft, recipient=address, state=State.SUPPRESSED)
            if not self.delivers:
                new = replace(new, reason=Reason.NO_TRANSPORT)
            elif held_until is not None:
                new = replace(new, reason=Reason.COOLDOWN, next_attempt=held_until)
            elif draft.kind in LIMITED and await self.over_rate(connection, draft.tenant, address, now):
                new = replace(new, reason=Reason.RATE_LIMIT, next_attempt=self.digest_time(now))
            else:
                new = replace(new, state=State.QUEUED, next_attempt=now)
            await self.put(connection, new, now)

    def digest_time(self, now: int) -> int:
        """When a digest that begins to gather now goes out at the earliest."""
        return now + self.settings.digest_settle * SECOND
