"""The event log: append in the caller's transaction, look back page by page, follow, verify."""

from __future__ import annotations

import json
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from wattline.events import chain, store
from wattline.events.model import Counted, Entry, Event, Page, body_text, check, digest
from wattline.events.paging import Filter, check_limit, check_offset, from_cursor, to_cursor
from wattline.state.database import Database

EVERYTHING = Filter()
FOLLOW_BLOCK = 500
ADDED_AT_ONCE = 250
"""Events that are hashed in one go; whoever else needs the event loop gets it in between."""


class EventLog:
    """The log of every tenant, on one state database."""

    def __init__(self, database: Database, new_id: Callable[[], uuid.UUID] = uuid.uuid4) -> None:
        self._database = database
        self._new_id = new_id

    async def append(
        self,
        connection: AsyncConnection,
        *,
        tenant: str,
        kind: str,
        time: int,
        received: int,
        site: str | None = None,
        device: str | None = None,
        subject: str | None = None,
        event_type: str | None = None,
        severity: str | None = None,
        body: Mapping[str, Any] | None = None,
        identity: str | None = None,
    ) -> Event | None:
        """Log one event (`model.Entry` says what each part is) inside the caller's write transaction.

        None, and nothing is written, if the identity is in the log. Writers of one tenant take turns from here to the end
        of the transaction; one that logs for several tenants must do so in the order of their names. Raises `Invalid` for
        what a chain cannot hold.
        """
        entry = Entry(
            tenant=tenant,
            kind=kind,
            time=time,
            received=received,
            site=site,
            device=device,
            subject=subject,
            event_type=event_type,
            severity=severity,
            body=body or {},
            identity=identity,
        )
        (event,) = await self.append_all(connection, [entry])
        return event

    async def append_all(self, connection: AsyncConnection, entries: Sequence[Entry]) -> list[Event | None]:
        """Log many events at a fraction of the cost of `append` one by one, with the same outcome for each, in their order.

        Every tenant's events follow on one another in the order given; the tenants take their turns in the order of their
        names, so one call may log for several. Nothing is written where one entry is refused.
        """
        checked = []
        for entry in entries:
            check(entry)
            checked.append((entry, body_text(entry.body)))
        places: dict[str, list[int]] = {}
        for place, entry in enumerate(entries):
            places.setdefault(entry.tenant, []).append(place)
        found: list[Event | None] = [None] * len(entries)
        for tenant, mine in sorted(places.items()):
            made = await self._extend(connection, tenant, [checked[place] for place in mine])
            for place, event in zip(mine, made, strict=True):
                found[place] = event
        return found

    async def _extend(
        self, connection: AsyncConnection, tenant: str, entries: Sequence[tuple[Entry, str]]
    ) -> list[Event | None]:
        """Add entries, each with the text of its body, to the chain of their tenant."""
        sequence, last_hash = await store.lock_head(connection, tenant)
        named = [(entry.kind, entry.identity) for entry, _ in entries if entry.identity is not None]
        known: set[tuple[str, str | None]] = set(await store.logged(connection, tenant, named))
        found: list[Event | None] = []
        rows: list[dict[str, Any]] = []
        for entry, text in entries:
            if (entry.kind, entry.identity) in known:
                found.append(None)
                continue
            if entry.identity is not None:
                known.add((entry.kind, entry.identity))
            event = self._link(entry, text, sequence + 1, last_hash)
            sequence, last_hash = event.sequence, event.hash
            found.append(event)
            rows.append({**{name: getattr(event, name) for name in Event.__slots__}, "body": text})
            if len(rows) == ADDED_AT_ONCE:
                await store.add(connection, tenant, rows)
                rows = []
        if rows:
            await store.add(connection, tenant, rows)
        return found

    def _link(self, entry: Entry, text: str, sequence: int, previous_hash: str) -> Event:
        fields = {name: getattr(entry, name) for name in Entry.__slots__}
        # Read back from the text that is stored, so that what is hashed is what will be read.
        fields["body"] = json.loads(text)
        fields |= {"sequence": sequence, "id": str(self._new_id()), "previous_hash": previous_hash}
        return Event(**fields, hash=digest(fields))

    async def query(
        self,
        tenant: str,
        *,
        kinds: Collection[str] | None = None,
        start: int | None = None,
        end: int | None = None,
        sites: Collection[str] | None = None,
        siteless: bool | None = None,
        device: str | None = None,
        subject: str | None = None,
        event_type: str | None = None,
        severity: str | None = None,
        limit: int = 100,
        before: str | None = None,
    ) -> Page:
        """Events of [start, end), newest first by (time, sequence), at most `limit` (1 to 1000); see `paging.Filter`.

        `before` is the `next` of an earlier page. Raises `Invalid` for a limit out of range or a text that is no cursor.
        """
        check_limit(limit)
        where = Filter(kinds, start, end, sites, siteless, device, subject, event_type, severity)
        position = None if before is None else from_cursor(before)
        async with self._database.read() as connection:
            found = await store.newest_first(connection, tenant, where.conditions(), position, limit + 1)
        events = tuple(found[:limit])
        return Page(events, to_cursor(events[-1].time, events[-1].sequence) if len(found) > limit else None)

    async def counted(self, tenant: str, where: Filter, *, offset: int = 0, limit: int = 100) -> Counted:
        """Events, newest first by (time, sequence), at most `limit` (1 to 1000) after the first `offset`, and how many match.

        Raises `Invalid` for a limit or offset out of range.
        """
        check_limit(limit)
        check_offset(offset)
        async with self._database.read() as connection:
            total = await store.count(connection, tenant, where.conditions())
            if total <= offset:
                return Counted(total, ())
            found = await store.newest_first(connection, tenant, where.conditions(), None, limit, offset)
        return Counted(total, tuple(found))

    async def after(self, tenant: str, sequence: int, limit: int, where: Filter = EVERYTHING) -> tuple[list[Event], int]:
        """At most `limit` events with a sequence over this one, in order, and the sequence up to which these are all."""
        async with self._database.read() as connection:
            last = await store.last_sequence(connection, tenant)
            found = await store.in_order(connection, tenant, sequence, where.conditions(), limit)
        return found, found[-1].sequence if len(found) == limit else max(sequence, last)

    async def last_sequence(self, tenant: str) -> int:
        """The sequence of the tenant's newest event, 0 before the first: where to follow from to see only what is new."""
        async with self._database.read() as connection:
            return await store.last_sequence(connection, tenant)

    async def follow(
        self, tenant: str, after: int, pause: Callable[[], Awaitable[object]], where: Filter = EVERYTHING
    ) -> AsyncIterator[Event]:
        """Each event with a sequence over `after`, in order and without a gap, for ever.

        Once it has caught up it awaits `pause()`, which returns when there may be more (a message on the bus, a tick).
        Sequences are handed out in the order of the commits, so nothing appears behind the reader.
        """
        while True:
            block, after = await self.after(tenant, after, FOLLOW_BLOCK, where)
            for event in block:
                yield event
            if len(block) < FOLLOW_BLOCK:
                await pause()

    async def verify(self, tenant: str, advanced: chain.Advanced | None = None) -> chain.Verification:
        """Recompute the tenant's whole chain; see `chain.verify`."""
        return await chain.verify(self._database, tenant, advanced)
