"""A relation whose rows are a table in memory: all that the protocol promises, and a log of what was asked of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pyarrow as pa
import pyarrow.compute as pc

from wattline.contracts.flux.catalog import RelationType, Unique
from wattline.contracts.flux.evaluate import filter as where
from wattline.contracts.flux.evaluate import sort
from wattline.contracts.flux.relation import Edit, Need, Relations, Scan, TableChange


class MemoryRelation:
    """Rows by tenant. `ordered`: whether a scan comes in the order that is asked for; `slice_rows`: how large its tables are.

    `needs` has every need that a scan was asked for, `read` how many rows were taken from scans.
    """

    def __init__(self, kind: RelationType, *, ordered: bool = False, slice_rows: int = 1000) -> None:
        self.type = kind
        self.turn = asyncio.Lock()
        self.ordered = ordered
        self.slice_rows = slice_rows
        self.rows: dict[str, pa.Table] = {}
        self.needs: list[Need] = []
        self.read = 0
        self._changes: list[TableChange] = []

    def put(self, tenant: str, *rows: dict[str, object]) -> None:
        """Add rows as they are held in memory; a column that is not named is null."""
        table = pa.Table.from_pylist(
            [{column.name: row.get(column.name) for column in self.type.columns} for row in rows], self.type.schema
        )
        self.rows[tenant] = pa.concat_tables([self._of(tenant), table]).combine_chunks()

    def _of(self, tenant: str) -> pa.Table:
        return self.rows.get(tenant, self.type.schema.empty_table())

    def scan(self, tenant: str, need: Need) -> Scan:
        """The needed columns; as many rows as there are, or as are needed where they come in order."""
        self.needs.append(need)
        table = self._of(tenant)
        ordered = self.ordered and bool(need.order)
        if ordered:
            table = where.keep(table, need.where)
            table = table.take(sort.positions(table, need.order)).slice(0, need.most)
        return Scan(self._slices(table.select(sorted(need.columns))), ordered=ordered)

    async def _slices(self, table: pa.Table) -> AsyncIterator[pa.Table]:
        for start in range(0, table.num_rows, self.slice_rows):
            part = table.slice(start, self.slice_rows)
            self.read += part.num_rows
            yield part

    async def find(self, tenant: str, unique: Unique, keys: pa.Table) -> pa.Table:
        """The rows with one of the keys."""
        return self._of(tenant).filter(_among(self._of(tenant), keys, unique.columns))

    async def commit(self, tenant: str, edit: Edit) -> None:
        """Do all of it and tell it."""
        table = self._of(tenant)
        for gone in (edit.deleted, edit.old):
            if gone is not None and gone.num_rows:
                table = table.filter(pc.invert(_among(table, gone, _identity(self.type))))
        parts = [part for part in (edit.new, edit.inserted) if part is not None]
        self.rows[tenant] = pa.concat_tables([table, *parts]).combine_chunks()
        self._changes.append(TableChange(tenant, self.type.name, len(self._changes) + 1, edit))

    async def changes(self, tenant: str, since: int) -> AsyncIterator[TableChange]:
        """The changes after a position that were committed until now."""
        for change in self._changes:
            if change.tenant == tenant and change.position > since:
                yield change


def _identity(kind: RelationType) -> tuple[str, ...]:
    return kind.uniques[0].columns if kind.uniques else tuple(column.name for column in kind.columns)


def _among(table: pa.Table, keys: pa.Table, columns: tuple[str, ...]) -> pa.BooleanArray:
    wanted = {tuple(row[name] for name in columns) for row in keys.select(columns).to_pylist()}
    return pa.array([tuple(row[name] for name in columns) in wanted for row in table.select(columns).to_pylist()], pa.bool_())


def relations(*members: MemoryRelation) -> Relations:
    """Those, by their names."""
    return Relations({member.type.name: member for member in members})
