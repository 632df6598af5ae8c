"""Reading and writing market data."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import AsyncIterator, Callable, Hashable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import sqlalchemy as sa

from wattline.changes.service import ChangeLog, Commit
from wattline.markets import store
from wattline.markets.model import LAST_ID, Duplicate, Exhausted, Signal, SignalType, Told
from wattline.markets.selection import Selection, clause, differs, order_by
from wattline.model.clock import Clock
from wattline.model.errors import Unavailable
from wattline.state.database import Database

SIGNALS = "market_data"
TYPES = "market_types"
"""The subjects of the change log; rows are those of `model.Signal` and `model.SignalType`."""
ROWS_A_SLICE = 8192


def _uuid4() -> str:
    return str(uuid.uuid4())


class Markets:
    """The market data of every tenant. Whoever writes does so by the change log, so that writers take turns."""

    def __init__(self, database: Database, log: ChangeLog, clock: Clock, new_id: Callable[[], str] = _uuid4) -> None:
        self._database = database
        self._log = log
        self._clock = clock
        self.new_id = new_id
        self._seeded: set[str] = set()

    async def _seed(self, tenant: str) -> None:
        if tenant in self._seeded:
            return
        async with self._database.read() as connection:
            seeded = await store.is_seeded(connection, tenant)
        if not seeded:
            async with self._database.transaction() as connection:
                await store.insert_seeds(connection, tenant, self._clock.micros())
        self._seeded.add(tenant)

    async def types(self, tenant: str) -> list[SignalType]:
        """Every type of the tenant, by id; the first ones are made here."""
        await self._seed(tenant)
        async with self._database.read() as connection:
            return await store.types(connection, tenant)

    async def reserve_type_ids(self, tenant: str, count: int) -> list[int]:
        """Ids that no type has or had by itself, in order; given out once, also where they are not used after all.

        Raises `Exhausted`.
        """
        await self._seed(tenant)
        reserved: list[int] = []
        async with self._database.transaction() as connection:
            following = await store.next_type_id(connection, tenant)
            while len(reserved) < count:
                candidates = range(following, min(following + count - len(reserved), LAST_ID + 1))
                if not candidates:
                    raise Exhausted(f"all ids up to {LAST_ID} have been given out")
                taken = {row.id for row in await store.types_named(connection, tenant, "id", candidates)}
                reserved += [candidate for candidate in candidates if candidate not in taken]
                following = candidates.stop
            await store.set_next_type_id(connection, tenant, following)
        return reserved

    async def write_types(
        self,
        tenant: str,
        *,
        inserted: Sequence[SignalType] = (),
        old: Sequence[SignalType] = (),
        new: Sequence[SignalType] = (),
        deleted: Sequence[SignalType] = (),
    ) -> None:
        """Change types, all or nothing: `old` becomes `new`, row by row.

        Raises `Duplicate` where an id or a name would be there twice, `Unavailable` where `old` or `deleted` is no longer so.
        """
        await self._seed(tenant)
        async with self._log.commit(tenant) as commit:
            connection = commit.connection
            gone = [*old, *deleted]
            _check_present(gone, await store.types_named(connection, tenant, "id", [row.id for row in gone]))
            coming = [*new, *inserted]
            for column in ("id", "name"):
                keys = [getattr(row, column) for row in coming]
                held = await store.types_named(connection, tenant, column, keys)
                staying = {getattr(row, column) for row in held} - {getattr(row, column) for row in gone}
                _check_unique(column, keys, staying)
            # Deleted and made anew, so that types may exchange their names.
            await store.delete_types(connection, tenant, [row.id for row in gone])
            await store.insert_types(connection, tenant, coming)
            commit.record(TYPES, inserted=inserted, old=old, new=new, deleted=deleted)

    @asynccontextmanager
    async def scan(self, tenant: str, wanted: Selection) -> AsyncIterator[AsyncIterator[Sequence[Any]]]:
        """The rows of a selection in slices, all of one moment; each row has the wanted columns in order."""
        columns = [store.market_data.c[name] for name in wanted.columns]
        query = sa.select(*columns).where(store.market_data.c.tenant == tenant, *map(clause, wanted.where))
        query = query.order_by(*order_by(wanted.order))
        if wanted.most is not None:
            query = query.limit(wanted.most)
        async with self._database.read() as connection:
            result = await connection.stream(query)
            try:
                yield result.partitions(ROWS_A_SLICE)
            finally:
                # Its own context manager leaves the cursor open where a reader stops early.
                await result.close()

    async def signals(self, tenant: str, ids: Sequence[str]) -> list[Signal]:
        """The rows of these ids, as they came."""
        async with self._database.read() as connection:
            return await store.signals(connection, tenant, ids)

    async def write(
        self,
        tenant: str,
        *,
        inserted: Sequence[Signal] = (),
        old: Sequence[Signal] = (),
        new: Sequence[Signal] = (),
        deleted: Sequence[Signal] = (),
    ) -> None:
        """Change rows, all or nothing: `old` becomes `new`, row by row.

        Raises `Duplicate` where an id would be there twice, `Unavailable` where `old` or `deleted` is no longer so.
        """
        async with self._log.commit(tenant) as commit:
            connection = commit.connection
            gone = [*old, *deleted]
            _check_present(gone, await store.signals(connection, tenant, [row.id for row in gone]))
            keys = [row.id for row in (*new, *inserted)]
            staying = {row.id for row in await store.signals(connection, tenant, keys)} - {row.id for row in gone}
            _check_unique("id", keys, staying)
            await store.delete_signals(connection, tenant, [row.id for row in deleted])
            await store.update_signals(connection, tenant, old, new)
            await self._insert(commit, inserted)
            commit.record(SIGNALS, inserted=inserted, old=old, new=new, deleted=deleted)

    async def _insert(self, commit: Commit, rows: Sequence[Signal]) -> None:
        await store.insert_signals(commit.connection, commit.tenant, rows)

    async def insert_batch(self, tenant: str, told: Sequence[Told]) -> list[Signal]:
        """Add what is new in a market's own account, all or nothing; what was added.

        A value is new where its time and type have none yet, or where the newest one there is None or differs by more than
        1e-6. No value (None) is new only where there is none. Later elements see what earlier ones added.
        """
        async with self._log.commit(tenant) as commit:
            keys = list(dict.fromkeys((each.type, each.time) for each in told))
            newest = await store.newest(commit.connection, tenant, keys)
            now = self._clock.micros()
            added = []
            for each in told:
                was = newest.get((each.type, each.time))
                if was is None or (each.value is not None and differs(was, each.value)):
                    newest[each.type, each.time] = each.value
                    added.append(Signal(self.new_id(), each.time, each.type, each.value, None, now))
            await self._insert(commit, added)
            commit.record(SIGNALS, inserted=added)
        return added


def _check_unique(column: str, keys: Sequence[Hashable], held: set[Any]) -> None:
    repeated = {key for key, count in Counter(keys).items() if count > 1}
    for key in keys:
        if key in held or key in repeated:
            assert isinstance(key, str | int)
            raise Duplicate(column, key)


def _check_present(expected: Sequence[Signal | SignalType], held: Sequence[Signal | SignalType]) -> None:
    """Another process may have changed a row after this one looked at it."""
    # As text, because NaN does not equal itself.
    present = {row.id: repr(row) for row in held}
    if any(present.get(row.id) != repr(row) for row in expected):
        raise Unavailable("the rows were changed meanwhile", retry_after=1)
