"""`mg_*_readings_5m` and `_30m`: read-only relations of intervals, computed from the readings when they are asked for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence

import numpy as np
import pyarrow as pa

from wattline.contracts.flux.catalog import RelationType, Unique
from wattline.contracts.flux.errors import sql
from wattline.contracts.flux.expression import Sort
from wattline.contracts.flux.relation import Edit, Need, Scan, TableChange
from wattline.contracts.flux.relations.intervals import MOST_DEVICES, ROOM, Block, IntervalRows, Plan, Wanted
from wattline.contracts.flux.relations.narrowing import span, values
from wattline.contracts.flux.tables import BESS_ROLLUPS, METER_ROLLUPS
from wattline.model.clock import MINUTE

WIDTHS = {
    kind.name: width * MINUTE for pair in (BESS_ROLLUPS, METER_ROLLUPS) for kind, width in zip(pair, (5, 30), strict=True)
}
"""The length of each relation's intervals, in us."""


class Rollup:
    """One of them (`relation.Relation`). A row is an interval of a device in which it has rows, whatever they hold."""

    def __init__(self, kind: RelationType, rows: IntervalRows) -> None:
        self.type = kind
        self.turn = asyncio.Lock()
        self._rows = rows
        self._width = WIDTHS[kind.name]

    def scan(self, tenant: str, need: Need) -> Scan:
        """By time, up or down, and by device within an instant."""
        names = [column.name for column in self.type.columns if column.name in need.columns] or ["time_b"]
        ordered = _by_time(need.order)
        downwards = ordered and need.order[0].descending
        return Scan(self._tables(tenant, names, need, downwards, need.most if ordered else None), ordered)

    async def _tables(
        self, tenant: str, names: Sequence[str], need: Need, downwards: bool, most: int | None
    ) -> AsyncIterator[pa.Table]:
        wanted = Wanted(tuple(dict.fromkeys(name.rpartition("_")[0] for name in names if name not in ("device_id", "time_b"))))
        times, only = span(need.where, "time_b"), values(need.where, "device_id")
        plan = await self._rows.plan(tenant, wanted, only, times.start, times.end, self._width)
        async for part in self._parts(plan, downwards, most):
            blocks = [
                await self._rows.read(part.part(first, MOST_DEVICES, part.start, part.end), first)
                for first in range(0, len(part.uuids), MOST_DEVICES)
            ]
            block = blocks[0]
            for other in blocks[1:]:
                block = block.then(other)
            order = np.lexsort((block.series, -block.start if downwards else block.start))
            yield self._table(block.take(order), plan, names)

    async def _parts(self, plan: Plan, downwards: bool, most: int | None) -> AsyncIterator[Plan]:
        """The plan in slices of time, from one end to the other; the first are small where few rows are wanted."""
        devices = len(plan.uuids)
        if not devices:
            return
        largest = max(ROOM // devices, 1)
        size = largest if most is None else min(max(2 * most // devices, 1), largest)
        start, end = plan.start, plan.end
        while start < end:
            length = size * self._width
            a, b = (max(end - length, start), end) if downwards else (start, min(start + length, end))
            yield plan.part(0, devices, a, b)
            start, end = (start, a) if downwards else (b, end)
            size = min(4 * size, largest)

    def _table(self, block: Block, plan: Plan, names: Sequence[str]) -> pa.Table:
        found: list[pa.Array] = []
        for name in names:
            column, _, what = name.rpartition("_")
            if name == "time_b":
                found.append(pa.array(block.start))
            elif name == "device_id":
                found.append(pa.array(plan.uuids, pa.string()).take(pa.array(block.series)))
            elif what == "avg":
                found.append(block.means(plan.wanted.values.index(column)))
            else:
                found.append(block.minima(plan.wanted.values.index(column)))
        return pa.table(found, names=list(names))

    async def find(self, tenant: str, unique: Unique, keys: pa.Table) -> pa.Table:
        """No row: a rollup has no unique key that one could have."""
        return self.type.schema.empty_table()

    async def commit(self, tenant: str, edit: Edit) -> None:
        """It cannot be written to. Raises `Refusal`."""
        raise sql(403, "42501", f"permission denied for table {self.type.name}")

    async def changes(self, tenant: str, since: int) -> AsyncIterator[TableChange]:
        """Nothing is ever committed to it."""
        none: tuple[TableChange, ...] = ()
        for change in none:
            yield change


def _by_time(order: Sequence[Sort]) -> bool:
    """Whether an order is that in which rows are read: by time, then by device upwards."""
    names = [(term.ref.column, term.descending) for term in order[:2]]
    return bool(names) and names[0][0] == "time_b" and names[1:] in ([], [("device_id", False)])
