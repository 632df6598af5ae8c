"""Writing changes down, telling them to listeners, and reading them again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager

from sqlalchemy.ext.asyncio import AsyncConnection

from wattline.changes import store
from wattline.changes.model import Change, Row, TooOld
from wattline.model.clock import DAY, Clock
from wattline.state.database import Database

PARTS_A_READ = 100

Listener = Callable[[Change], None]


class Commit:
    """A transaction whose changes are logged with it. `position` is that of the commit.

    `afterwards` is awaited when it is committed, before the listeners hear of it.
    """

    def __init__(self, connection: AsyncConnection, tenant: str, position: int) -> None:
        self.connection = connection
        self.tenant = tenant
        self.position = position
        self.afterwards: Callable[[], Awaitable[None]] | None = None
        self.changes: list[Change] = []

    def record(
        self,
        subject: str,
        *,
        inserted: Sequence[Row] = (),
        old: Sequence[Row] = (),
        new: Sequence[Row] = (),
        deleted: Sequence[Row] = (),
    ) -> None:
        """Log what becomes of the rows of a table; once for each table."""
        if inserted or new or deleted:
            self.changes.append(Change(self.tenant, subject, self.position, inserted, old, new, deleted))


class ChangeLog:
    """One log for all tables and tenants of a state database.

    Those who commit take turns, also across processes, so that the order of positions is the order of commits. `keep` (us) is
    for how long changes can be read again.
    """

    def __init__(self, database: Database, clock: Clock, *, keep: int = 7 * DAY) -> None:
        self._database = database
        self._clock = clock
        self._keep = keep
        self._listeners: list[Listener] = []
        self._turn = asyncio.Lock()
        self._told = 0

    async def load(self) -> None:
        """Begin to listen: what was committed before is not told."""
        async with self._turn, self._database.read() as connection:
            self._told = (await store.head(connection)).position

    def listen(self, listener: Listener) -> None:
        """Have every change told, after its commit, in order. A listener returns at once and raises nothing."""
        self._listeners.append(listener)

    @asynccontextmanager
    async def commit(self, tenant: str) -> AsyncIterator[Commit]:
        """A transaction, committed at the end of the block and then told; rolled back if the block raises."""
        async with self._turn:
            async with self._database.transaction() as connection:
                before = (await store.head(connection, lock=True)).position
                commit = Commit(connection, tenant, max(self._clock.micros(), before + 1))
                yield commit
                if commit.changes:
                    await store.append(connection, commit.position, commit.changes)
            try:
                if commit.afterwards is not None:
                    await commit.afterwards()
            finally:
                # What another process committed in between is told first, by `follow`.
                if commit.changes and self._told == before:
                    self._tell(commit.changes)
            if commit.changes and self._told != commit.position:
                await self._follow()

    async def follow(self) -> None:
        """Tell what other processes have committed; to be called every second or so."""
        async with self._turn:
            await self._follow()

    async def _follow(self) -> None:
        async with self._database.read() as connection:
            head = (await store.head(connection)).position
            if head == self._told:
                return
            parts: list[store.Part] = []
            after = (self._told + 1, -1)
            while more := await store.read(connection, after, PARTS_A_READ):
                parts += more
                after = more[-1].position, more[-1].part
        self._tell(store.assemble(parts))
        self._told = head

    def _tell(self, told: Sequence[Change]) -> None:
        for change in told:
            for listener in self._listeners:
                listener(change)
            self._told = change.position

    async def since(self, tenant: str, subject: str, position: int) -> AsyncIterator[Change]:
        """The changes to a table after a position, oldest first. Raises `TooOld` where they are no longer all there."""
        after = (position + 1, -1)
        waiting: list[store.Part] = []
        while True:
            async with self._database.read() as connection:
                if (await store.head(connection)).forgotten >= after[0]:
                    raise TooOld("changes that old are no longer kept")
                more = await store.read(connection, after, PARTS_A_READ, (tenant, subject))
            waiting += more
            if not more:
                break
            after = more[-1].position, more[-1].part
            # The newest position may have more parts to come.
            whole = [part for part in waiting if part.position < after[0]]
            waiting = waiting[len(whole) :]
            for change in store.assemble(whole):
                yield change
        for change in store.assemble(waiting):
            yield change

    async def prune(self) -> None:
        """Forget what is older than is kept; to be called every hour or so."""
        async with self._database.transaction() as connection:
            await store.forget(connection, self._clock.micros() - self._keep)
