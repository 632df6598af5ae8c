"""Resources in memory and in the store: read at once, written one writer after another."""

from __future__ import annotations

import asyncio
from bisect import insort
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from wattline.model.clock import Clock
from wattline.model.errors import Conflict, NotFound, Stale
from wattline.resources import store
from wattline.resources.model import Kind, Resource
from wattline.state.database import Database

Listener = Callable[[Resource], None]
Shelf = tuple[str, Kind]
"""A tenant and a kind."""


class Writer:
    """Changes within one transaction. What `Resources` shows is what is committed, and stays so until the transaction is."""

    def __init__(self, held: Resources, connection: AsyncConnection, change: int, now: int) -> None:
        self._held = held
        self.connection = connection
        self._change = change
        self._now = now
        self.written: dict[int, Resource] = {}

    def get(self, tenant: str, kind: Kind, number: int) -> Resource:
        """A resource as this transaction leaves it. Raises `NotFound`."""
        mine = self.written.get(number)
        if mine is None:
            return self._held.get(tenant, kind, number)
        if mine.removed is not None or mine.tenant != tenant or mine.kind != kind:
            raise NotFound(f"no such {kind}")
        return mine

    async def insert(self, tenant: str, kind: Kind, body: Mapping[str, Any]) -> Resource:
        """A new resource. Raises `Conflict` where its external id is taken."""
        new = Resource(0, tenant, kind, 1, self._now, self._now, None, body)
        self._check_external(new)
        new = replace(new, id=await store.insert(self.connection, new, self._change))
        self.written[new.id] = new
        return new

    async def insert_all(self, tenant: str, kind: Kind, bodies: Sequence[Mapping[str, Any]]) -> list[Resource]:
        """New resources, in order, all at once. Raises `Conflict` where an external id is taken, or named twice."""
        new = [Resource(0, tenant, kind, 1, self._now, self._now, None, body) for body in bodies]
        names = Counter(each.external_id for each in new if each.external_id is not None)
        if any(count > 1 for count in names.values()):
            raise Conflict(f"another {kind} has this external_id")
        for each in new:
            self._check_external(each)
        numbers = await store.insert_all(self.connection, new, self._change)
        made = [replace(each, id=number) for each, number in zip(new, numbers, strict=True)]
        self.written.update((each.id, each) for each in made)
        return made

    async def replace(
        self, tenant: str, kind: Kind, number: int, body: Mapping[str, Any], *, expected: int | None = None
    ) -> Resource:
        """Give a resource another body. Raises `NotFound`, `Stale` unless its version is the expected one, `Conflict`."""
        return await self._next(self._expected(tenant, kind, number, expected), body=body)

    async def remove(self, tenant: str, kind: Kind, number: int, *, expected: int | None = None) -> Resource:
        """Mark a resource as removed; what it was stays readable. Raises `NotFound`, `Stale`."""
        return await self._next(self._expected(tenant, kind, number, expected), removed=self._now)

    def _expected(self, tenant: str, kind: Kind, number: int, expected: int | None) -> Resource:
        known = self.get(tenant, kind, number)
        if expected is not None and known.version != expected:
            raise Stale(f"this {kind} was changed since: its version is {known.version}, not {expected}")
        return known

    async def _next(self, known: Resource, **values: Any) -> Resource:
        # A clock that was set back must not bring the versions out of order.
        new = replace(known, version=known.version + 1, updated=max(self._now, known.updated), **values)
        self._check_external(new)
        await store.update(self.connection, new, self._change)
        self.written[new.id] = new
        return new

    def _check_external(self, new: Resource) -> None:
        name = new.external_id
        if name is None or new.removed is not None:
            return
        other = self._held.named(new.tenant, new.kind, name)
        taken = other is not None and other.id not in self.written and other.id != new.id
        among = (r for r in self.written.values() if r.removed is None and (r.tenant, r.kind) == (new.tenant, new.kind))
        if taken or any(r.external_id == name and r.id != new.id for r in among):
            raise Conflict(f"another {new.kind} has this external_id")


class Resources:
    """Every resource that is there is in memory; a change is durable when `writing` ends. Call `load` once, `refresh` every
    second."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._turn = asyncio.Lock()
        self._change = 0
        self._by_id: dict[int, Resource] = {}
        self._shelves: dict[Shelf, list[int]] = {}
        self._named: dict[tuple[Shelf, str], int] = {}
        self._listeners: list[tuple[Kind, Listener]] = []

    def on_change(self, kind: Kind, listener: Listener) -> None:
        """Call `listener` with every resource of a kind that was made, changed or removed, after the commit.

        Also with those that `load` finds, and those of other processes. It must be quick.
        """
        self._listeners.append((kind, listener))

    async def load(self) -> None:
        """Read everything."""
        await self.refresh()

    async def refresh(self) -> None:
        """Take over what other processes changed."""
        async with self._turn, self._database.read() as connection:
            newest = await store.newest_change(connection)
            if newest > self._change:
                await self._read(connection, newest)

    async def _read(self, connection: AsyncConnection, upto: int) -> None:
        for resource in await store.changed_since(connection, self._change):
            self._take(resource)
        self._change = upto

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[Writer]:
        """A transaction in which what is in memory is what is committed, everywhere: check, then write through the `Writer`.

        Everybody else who writes waits, in this process and in others.
        """
        async with self._turn:
            async with self._database.transaction() as connection:
                change = await store.next_change(connection)
                await self._read(connection, change - 1)
                writer = Writer(self, connection, change, self._clock.micros())
                yield writer
            self._change = change
            for resource in writer.written.values():
                self._take(resource)

    def _take(self, resource: Resource) -> None:
        shelf = (resource.tenant, resource.kind)
        former = self._by_id.get(resource.id)
        if former is not None and former.version >= resource.version:
            return
        if former is not None and former.external_id is not None and self._named.get((shelf, former.external_id)) == former.id:
            del self._named[shelf, former.external_id]
        mine = self._shelves.setdefault(shelf, [])
        if resource.removed is None:
            self._by_id[resource.id] = resource
            if former is None:
                insort(mine, resource.id)
            if resource.external_id is not None:
                self._named[shelf, resource.external_id] = resource.id
        elif former is not None:
            del self._by_id[resource.id]
            mine.remove(resource.id)
        for kind, listener in self._listeners:
            if kind == resource.kind:
                listener(resource)

    def get(self, tenant: str, kind: Kind, number: int) -> Resource:
        """One resource that is there. Raises `NotFound`."""
        found = self.find(tenant, kind, number)
        if found is None:
            raise NotFound(f"no such {kind}")
        return found

    def find(self, tenant: str, kind: Kind, number: int) -> Resource | None:
        """One resource, None where there is none, or no longer."""
        found = self._by_id.get(number)
        if found is None or found.tenant != tenant or found.kind != kind:
            return None
        return found

    def named(self, tenant: str, kind: Kind, external_id: str) -> Resource | None:
        """The resource with this external id."""
        number = self._named.get(((tenant, kind), external_id))
        return None if number is None else self._by_id[number]

    def all(self, tenant: str, kind: Kind) -> list[Resource]:
        """Every resource of a kind that is there, by id."""
        return [self._by_id[number] for number in self._shelves.get((tenant, kind), ())]

    def ids(self, tenant: str, kind: Kind) -> Sequence[int]:
        """The ids of `all`; not to be written to."""
        return self._shelves.get((tenant, kind), ())

    async def at(self, tenant: str, kind: Kind, moment: int) -> list[Resource]:
        """The resources that were there at a moment (us), as they were then, by id."""
        # What was not changed since is in memory as it was. Memory first: the store has what changes meanwhile as it was then.
        held = self.all(tenant, kind)
        async with self._database.read() as connection:
            changed, former = await store.changed_after(connection, tenant, kind, moment)
        same = [each for each in held if each.updated <= moment and each.id not in changed]
        return sorted([*same, *former], key=lambda each: each.id) if former else same
