"""One page of the rows that a plan keeps: in order, from an offset, no more than a limit, and counted where that is asked."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass

import pyarrow as pa

from wattline.contracts.flux.evaluate import sort
from wattline.contracts.flux.expression import Sort
from wattline.contracts.flux.read.answer import Limits, too_many
from wattline.contracts.flux.read.matching import LARGE, Run, kept, narrowed
from wattline.contracts.flux.read.plan import Plan
from wattline.contracts.flux.relation import Need, Scan
from wattline.contracts.flux.syntax.ast import Window
from wattline.contracts.flux.syntax.ranges import MOST

Source = Callable[[Need], Scan]
WAITING = 65_536
"""Rows that wait, beyond those that are wanted, before the ones that cannot be wanted are let go."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """A window within what an answer may be. `limit` None: all, and it is an error if they are more than `answer`."""

    offset: int
    limit: int | None
    answer: int

    @classmethod
    def of(cls, window: Window, limits: Limits) -> Bounds:
        """Those of a query's window; `max_rows` is a limit where it is smaller."""
        limit = window.limit
        if limits.max_rows is not None:
            limit = limits.max_rows if limit is None else min(limit, limits.max_rows)
        return cls(window.offset or 0, limit, limits.answer_rows)

    @property
    def open(self) -> bool:
        """Whether more rows are asked for than one answer may have."""
        return self.limit is None or self.limit > self.answer

    @property
    def most(self) -> int:
        """How many rows in order decide the page: one more than an answer may have shows that it would have too many."""
        rows = self.answer + 1 if self.limit is None else min(self.limit, self.answer + 1)
        return min(self.offset + rows, MOST)


async def page(run: Run, plan: Plan, source: Source, bounds: Bounds, *, count: bool) -> tuple[pa.Table, int | None]:
    """The rows with the columns of the plan, and how many match where `count` is asked."""
    if bounds.limit == 0:
        empty = plan.relation.schema.empty_table().select(sorted(plan.columns))
        return empty, await counted(run, plan, source) if count else None
    where, related = await narrowed(run, plan)
    order = () if plan.lookups else plan.order
    # An embed's filter may drop any row, so then no number of rows is known to be enough.
    most = bounds.most if plan.related is None else None
    scan = source(Need(plan.columns, where, order, most))
    in_order = not plan.order or (scan.ordered and not plan.lookups)
    columns = [*sorted(plan.columns), *(lookup.column for lookup in plan.lookups)]
    first = _First(plan.order, bounds, run.limits, in_order)
    async with aclosing(kept(plan, where, related, scan)) as tables:
        async for table in tables:
            await first.add(table.select(columns))
            if first.complete and in_order:
                break
    rows = await first.rows()
    if rows is None:
        rows = plan.relation.schema.empty_table().select(sorted(plan.columns))
    if not count:
        return rows, None
    if first.complete and in_order:
        # The scan was told that no more rows are wanted, so another one counts them.
        total = await counted(run, plan, source)
        return rows, max(total, bounds.offset + rows.num_rows if rows.num_rows else 0)
    return rows, first.seen


async def counted(run: Run, plan: Plan, source: Source) -> int:
    """How many rows match."""
    where, related = await narrowed(run, plan)
    scan = source(Need(plan.filtered, where))
    return sum([table.num_rows async for table in kept(plan, where, related, scan, look_up=False)])


class _First:
    """Holds the first rows of an order, and lets go of what cannot be among them."""

    def __init__(self, order: tuple[Sort, ...], bounds: Bounds, limits: Limits, in_order: bool) -> None:
        self.seen = 0
        self._order = order
        self._bounds = bounds
        self._limits = limits
        self._in_order = in_order
        self._waiting: list[pa.Table] = []
        self._held = 0

    @property
    def complete(self) -> bool:
        """Whether as many rows were seen as the page can depend on."""
        return self.seen >= self._bounds.most

    async def add(self, table: pa.Table) -> None:
        """Take a slice, rows in order or not. Raises `Refusal` PT413 where the page is too large or cannot be held."""
        before, self.seen = self.seen, self.seen + table.num_rows
        bounds = self._bounds
        if bounds.open and self.seen > bounds.offset + bounds.answer:
            raise too_many(bounds.answer)
        if self._in_order:
            # What lies before the page need not be held, what lies behind it neither.
            table = table.slice(max(bounds.offset - before, 0)).slice(0, bounds.most - max(before, bounds.offset))
        self._waiting.append(table)
        self._held += table.num_rows
        if not self._in_order and self._held > 2 * min(bounds.most, self._limits.held_rows) + WAITING:
            await self._let_go()
        if self._held > self._limits.held_rows + WAITING:
            raise too_many(self._limits.held_rows, "rows to put in order")

    async def _let_go(self) -> None:
        self._waiting = [(await self._sorted()).slice(0, self._bounds.most)]
        self._held = self._waiting[0].num_rows

    async def _sorted(self) -> pa.Table:
        table = pa.concat_tables(self._waiting)
        if self._held < LARGE:
            return _in_order(table, self._order)
        return await asyncio.to_thread(_in_order, table, self._order)

    async def rows(self) -> pa.Table | None:
        """The page; None where no row was taken."""
        if not self._waiting:
            return None
        if self._in_order:
            table = pa.concat_tables(self._waiting) if len(self._waiting) > 1 else self._waiting[0]
        else:
            most = self._bounds.most - self._bounds.offset
            table = (await self._sorted()).slice(self._bounds.offset, most)
        return table


def _in_order(table: pa.Table, order: tuple[Sort, ...]) -> pa.Table:
    return table.take(sort.positions(table, order))
