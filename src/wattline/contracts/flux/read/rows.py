"""Whole answers: the rows of a relation, of a function, or of a write, as a query wants to see them."""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import replace

import pyarrow as pa

from wattline.contracts.flux.catalog import Relationship, RelationType
from wattline.contracts.flux.evaluate import sort
from wattline.contracts.flux.read.answer import Limits, Rows, View, beyond, too_many
from wattline.contracts.flux.read.embed import Columns, projected
from wattline.contracts.flux.read.matching import Run, kept, narrowed
from wattline.contracts.flux.read.page import Bounds, Source, counted, page
from wattline.contracts.flux.read.plan import Plan
from wattline.contracts.flux.read.planning import Planner
from wattline.contracts.flux.read.project import Grouped, group_order
from wattline.contracts.flux.relation import Need, Relations, Scan
from wattline.contracts.flux.syntax.ast import Query, Window
from wattline.contracts.flux.syntax.ranges import intersect
from wattline.contracts.flux.tables import RELATIONSHIPS

KEPT = 1024
LONGEST = 16_384
MOVING = re.compile(r"\b(now|today|tomorrow|yesterday)\b", re.IGNORECASE)
"""Literals of a time that is another one at the next request: a plan with one is not kept."""
EVERYTHING = Window()


class Reader:
    """Answers queries on relations. Keeps the plans of the latest queries."""

    def __init__(self, relations: Relations, limits: Limits, relationships: Sequence[Relationship] = RELATIONSHIPS) -> None:
        self.relations = relations
        self.limits = limits
        self._relationships = tuple(relationships)
        self._plans: OrderedDict[tuple[object, ...], Plan] = OrderedDict()

    async def read(
        self, view: View, name: str, query: Query, *, window: Window = EVERYTHING, count: bool = False, head: bool = False
    ) -> Rows:
        """The page of a relation that a query and a Range header (`window`) ask for.

        With `head` no row is made, only counted. The relation itself is one that `relations` has, and who looks may.
        Raises `Refusal`: as the planner does, 42xxx and 22xxx of casts, PGRST103, PT413.
        """
        relation = self.relations.by_name[name]
        run = Run(self.relations, self.limits, view)
        plan = self._plan(view, relation.type, query)
        return await self._answer(run, plan, lambda need: run.scan(name, need), window, count=count, head=head)

    async def of(
        self,
        view: View,
        kind: RelationType,
        rows: pa.Table | Source,
        query: Query,
        *,
        window: Window = EVERYTHING,
        count: bool = False,
        head: bool = False,
    ) -> Rows:
        """The same of rows that are there already, or of a scan of what a function returns; their own order is the default."""
        plan = self._plan(view, kind, query)
        run = Run(self.relations, self.limits, view)
        source = _given(rows, plan) if isinstance(rows, pa.Table) else rows
        return await self._answer(run, plan, source, window, count=count, head=head)

    async def represent(self, view: View, kind: RelationType, rows: pa.Table, query: Query) -> Rows:
        """Written rows as `select`, the embeds and `order` want them; filters, limit and offset on the rows themselves
        have had their say. Without an order they stay in the one they come in."""
        query = replace(
            query,
            filters=tuple(part for part in query.filters if part[0]),
            windows=tuple(part for part in query.windows if part[0]),
        )
        plan = self._plan(view, kind, query)
        if not any(not path for path, _ in query.orders):
            plan = replace(plan, order=())
        # What was written is held already, so it may be shown, however many rows it is.
        limits = replace(self.limits, max_rows=None, answer_rows=max(self.limits.answer_rows, rows.num_rows))
        run = Run(self.relations, limits, view)
        return await self._answer(run, plan, _given(rows, plan), EVERYTHING, count=False, head=False)

    def _plan(self, view: View, kind: RelationType, query: Query) -> Plan:
        key = (kind.name, query.select, query.filters, query.orders, query.windows, str(view.zone))
        plan = self._plans.get(key)
        if plan is not None:
            self._plans.move_to_end(key)
        else:
            types = {name: relation.type for name, relation in self.relations.by_name.items()}
            planner = Planner(types, self._relationships, self.limits.aggregates, view.now, view.zone, self.limits.embeds)
            plan = planner.plan(kind, query)
            said = repr(key)
            if len(said) <= LONGEST and not MOVING.search(said):
                self._plans[key] = plan
                if len(self._plans) > KEPT:
                    self._plans.popitem(last=False)
        for name in _embedded_names(plan):
            view.visible(name)
        return plan

    async def _answer(self, run: Run, plan: Plan, source: Source, window: Window, *, count: bool, head: bool) -> Rows:
        bounds = Bounds.of(intersect(window, plan.window), run.limits)
        if plan.grouped:
            return await self._grouped(run, plan, source, bounds, count=count)
        if head:
            matching = await counted(run, plan, source)
            if count and bounds.offset > matching:
                raise beyond(bounds.offset, matching)
            left = max(matching - bounds.offset, 0)
            returned = left if bounds.limit is None else min(left, bounds.limit)
            return Rows(pa.table({}), (), bounds.offset, returned, matching if count else None)
        rows, total = await page(run, plan, source, bounds, count=count)
        if total is not None and bounds.offset > total:
            raise beyond(bounds.offset, total)
        arrays, outputs = await projected(run, plan, rows)
        return _rows((arrays, outputs), bounds.offset, rows.num_rows, total)

    async def _grouped(self, run: Run, plan: Plan, source: Source, bounds: Bounds, *, count: bool) -> Rows:
        where, related = await narrowed(run, plan)
        grouped = Grouped(plan, run.view)
        async for table in kept(plan, where, related, source(Need(plan.columns, where)), look_up=False):
            grouped.add(table)
            if len(grouped) > run.limits.held_rows:
                raise too_many(run.limits.held_rows, "groups to put in order")
        _, arrays, outputs = grouped.finish()
        total = len(arrays[0])
        if count and bounds.offset > total:
            raise beyond(bounds.offset, total)
        by_ref = group_order(plan, arrays)
        if terms := [(by_ref[term.ref], term) for term in plan.order]:
            order = sort.sorted_columns(terms)
            arrays = [array.take(order) for array in arrays]
        size = bounds.most - bounds.offset
        arrays = [array.slice(bounds.offset, size) for array in arrays]
        if len(arrays[0]) > bounds.answer:
            raise too_many(bounds.answer)
        return _rows((arrays, outputs), bounds.offset, len(arrays[0]), total if count else None)


def _rows(columns: Columns, offset: int, returned: int, total: int | None) -> Rows:
    arrays, outputs = columns
    if arrays:
        table = pa.Table.from_arrays(arrays, names=[output.name for output in outputs])
    else:
        table = pa.table({"": pa.nulls(returned)}).select([])
    return Rows(table, tuple(outputs), offset, returned, total)


def _given(rows: pa.Table, plan: Plan) -> Source:
    async def one() -> AsyncIterator[pa.Table]:
        yield rows

    return lambda need: Scan(one(), ordered=not plan.order)


def _embedded_names(plan: Plan) -> Iterable[str]:
    for embedding in plan.embeddings:
        yield embedding.join.target
        yield from _embedded_names(embedding.plan)
