"""Reading the alert ledger: newest first, filtered, in pages."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from wattline.model.errors import Invalid
from wattline.notify.model import PRIVATE, Alert, Kind, State
from wattline.notify.store import alert_of
from wattline.notify.tables import ledger

LONGEST_PAGE = 500


@dataclass(frozen=True, slots=True)
class AlertQuery:
    """What is asked for. Times in microseconds, [start, end); `before` is the `next` of the page before.

    Letters to households are no part of the answer.

    `sites` None is everything; a set leaves out rows of other substations and rows that name more than one.
    """

    tenant: str
    start: int | None = None
    end: int | None = None
    kinds: Collection[Kind] | None = None
    states: Collection[State] | None = None
    subject: str | None = None
    recipient: str | None = None
    sites: Collection[str] | None = None
    before: int | None = None
    limit: int = 100

    def __post_init__(self) -> None:
        if not 1 <= self.limit <= LONGEST_PAGE:
            raise Invalid(f"limit must be 1 to {LONGEST_PAGE}", "limit")

    def conditions(self) -> list[sa.ColumnElement[bool]]:
        """The same question in SQL."""
        conditions = [ledger.c.tenant == self.tenant, ledger.c.kind.not_in([kind.value for kind in PRIVATE])]
        if self.start is not None:
            conditions.append(ledger.c.created >= self.start)
        if self.end is not None:
            conditions.append(ledger.c.created < self.end)
        if self.kinds is not None:
            conditions.append(ledger.c.kind.in_([kind.value for kind in self.kinds]))
        if self.states is not None:
            conditions.append(ledger.c.state.in_([state.value for state in self.states]))
        if self.subject is not None:
            conditions.append(ledger.c.subject == self.subject)
        if self.recipient is not None:
            conditions.append(ledger.c.recipient == self.recipient)
        if self.sites is not None:
            conditions.append(ledger.c.site.in_(list(self.sites)))
        if self.before is not None:
            conditions.append(ledger.c.id < self.before)
        return conditions


@dataclass(frozen=True, slots=True)
class AlertPage:
    """Rows, newest first; `next` continues after them, or is None at the end."""

    alerts: tuple[Alert, ...]
    next: int | None


async def read_page(connection: AsyncConnection, query: AlertQuery) -> AlertPage:
    """Answer a query."""
    statement = sa.select(ledger).where(*query.conditions()).order_by(ledger.c.id.desc()).limit(query.limit + 1)
    alerts = [alert_of(row) for row in await connection.execute(statement)]
    page = tuple(alerts[: query.limit])
    return AlertPage(page, page[-1].id if len(alerts) > query.limit else None)
