"""`market_data` and `market_data_types`: rows of the platform's market data."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from wattline.changes.service import ChangeLog
from wattline.contracts.flux import errors
from wattline.contracts.flux.catalog import RelationType, Unique
from wattline.contracts.flux.errors import Refusal
from wattline.contracts.flux.relation import Edit, Need, Scan, TableChange
from wattline.contracts.flux.relations import terms
from wattline.contracts.flux.relations.history import History, Publish
from wattline.contracts.flux.tables import MARKET, MARKET_TYPES
from wattline.contracts.flux.values.constraint import duplicate, null_violation
from wattline.markets.model import LAST_ID, Duplicate, Exhausted, Signal, SignalType, Told
from wattline.markets.selection import Selection
from wattline.markets.service import SIGNALS, TYPES, Markets

DOMAIN_NAMES = {"created_at": "created"}


def _places(kind: RelationType, fields: Sequence[str]) -> list[int]:
    return [fields.index(DOMAIN_NAMES.get(column.name, column.name)) for column in kind.columns]


def _refused(kind: RelationType, error: Duplicate) -> Refusal:
    unique = next(unique for unique in kind.uniques if unique.columns == (error.column,))
    key = pa.table({error.column: pa.array([error.value], kind.by_name[error.column].type.arrow)})
    return duplicate(unique, key, kind)


class MarketData:
    """`market_data` (`relation.Relation`), narrowed and put in order by its store where that has the words for it."""

    type = MARKET

    def __init__(self, markets: Markets, log: ChangeLog, publish: Publish) -> None:
        self.turn = asyncio.Lock()
        self._markets = markets
        self._history = History(MARKET, SIGNALS, _places(MARKET, Signal._fields), log, publish)

    def scan(self, tenant: str, need: Need) -> Scan:
        """In the order that is needed, unless it looks into the metadata."""
        names = [column.name for column in MARKET.columns if column.name in need.columns] or ["time"]
        filtered, order = terms.terms(need.where), terms.order(need.order)
        most = need.most if filtered.exact and order is not None else None
        columns = tuple(DOMAIN_NAMES.get(name, name) for name in names)
        return Scan(self._tables(tenant, names, Selection(columns, filtered.held, order or (), most)), order is not None)

    async def _tables(self, tenant: str, names: Sequence[str], wanted: Selection) -> AsyncIterator[pa.Table]:
        kinds = [MARKET.by_name[name].type.arrow for name in names]
        async with self._markets.scan(tenant, wanted) as slices:
            async for rows in slices:
                arrays = [pa.array(column, kind) for column, kind in zip(zip(*rows, strict=True), kinds, strict=True)]
                yield pa.table(arrays, names=list(names))

    async def find(self, tenant: str, unique: Unique, keys: pa.Table) -> pa.Table:
        """The rows of these ids."""
        ids = [key for key in keys.column("id").to_pylist() if key is not None]
        return self._history.table(await self._markets.signals(tenant, ids))

    async def commit(self, tenant: str, edit: Edit) -> None:
        """See `relation.Relation`. Raises `Refusal` 23505, also where another process was quicker."""
        inserted, old, new, deleted = (
            [Signal(*row) for row in self._history.rows(side)] for side in (edit.inserted, edit.old, edit.new, edit.deleted)
        )
        try:
            await self._markets.write(tenant, inserted=inserted, old=old, new=new, deleted=deleted)
        except Duplicate as error:
            raise _refused(MARKET, error) from None

    def changes(self, tenant: str, since: int) -> AsyncIterator[TableChange]:
        """See `relation.Relation`."""
        return self._history.since(tenant, since)

    async def insert_batch(self, tenant: str, data: pa.Table, now: int) -> None:
        """`insert_market_data_batch`: of a table of time, type and value the rows that differ from the newest of their key.

        Raises `Refusal` 23502 where a time or a type is null.
        """
        missing = pc.or_(pc.is_null(data.column("time")), pc.is_null(data.column("type")))
        if pc.any(missing).as_py():
            raise await self._null(tenant, data.filter(missing).slice(0, 1), now)
        columns = (data.column(name).to_pylist() for name in Told._fields)
        async with self.turn:
            await self._markets.insert_batch(tenant, [Told(*row) for row in zip(*columns, strict=True)])

    async def _null(self, tenant: str, row: pa.Table, now: int) -> Refusal:
        given: dict[str, Any] = {
            "id": pa.array([self._markets.new_id()]),
            "created_at": pa.array([now]),
            "metadata": pa.nulls(1, pa.string()),
        }
        columns = [given[name] if name in given else row.column(name) for name in MARKET.schema.names]
        refusal = null_violation(MARKET, pa.table(columns, schema=MARKET.schema))
        assert refusal is not None
        return refusal


class MarketTypes:
    """`market_data_types` (`relation.Relation`, `relation.Numbered`): few rows, read as a whole."""

    type = MARKET_TYPES

    def __init__(self, markets: Markets, log: ChangeLog, publish: Publish) -> None:
        self.turn = asyncio.Lock()
        self._markets = markets
        self._history = History(MARKET_TYPES, TYPES, _places(MARKET_TYPES, SignalType._fields), log, publish)

    def scan(self, tenant: str, need: Need) -> Scan:
        """All of them, by id."""
        return Scan(self._tables(tenant), [(term.ref.column, term.descending) for term in need.order] == [("id", False)])

    async def _tables(self, tenant: str) -> AsyncIterator[pa.Table]:
        yield self._history.table(await self._markets.types(tenant))

    async def find(self, tenant: str, unique: Unique, keys: pa.Table) -> pa.Table:
        """The types of these ids or names."""
        (column,) = unique.columns
        wanted = set(keys.column(column).to_pylist())
        return self._history.table([each for each in await self._markets.types(tenant) if getattr(each, column) in wanted])

    async def commit(self, tenant: str, edit: Edit) -> None:
        """See `relation.Relation`. Raises `Refusal` 23505, also where another process was quicker."""
        inserted, old, new, deleted = (
            [SignalType(*row) for row in self._history.rows(side)] for side in (edit.inserted, edit.old, edit.new, edit.deleted)
        )
        try:
            await self._markets.write_types(tenant, inserted=inserted, old=old, new=new, deleted=deleted)
        except Duplicate as error:
            raise _refused(MARKET_TYPES, error) from None

    async def next_values(self, tenant: str, count: int) -> Sequence[int]:
        """See `relation.Numbered`; ids that rows have already are passed over."""
        try:
            return await self._markets.reserve_type_ids(tenant, count)
        except Exhausted:
            message = f'nextval: reached maximum value of sequence "market_data_types_id_seq" ({LAST_ID})'
            raise errors.sql(400, "2200H", message) from None

    def changes(self, tenant: str, since: int) -> AsyncIterator[TableChange]:
        """See `relation.Relation`."""
        return self._history.since(tenant, since)
