"""The rows of one relation that a plan keeps, slice by slice."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from wattline.contracts.flux.evaluate.effort import costly
from wattline.contracts.flux.evaluate.filter import keep
from wattline.contracts.flux.evaluate.reference import resolve, whole
from wattline.contracts.flux.expression import Among, Both, Embedded, Expression, Ref
from wattline.contracts.flux.read.answer import Limits, View
from wattline.contracts.flux.read.plan import Embedding, Plan
from wattline.contracts.flux.relation import Need, Relations, Scan

LARGE = 50_000
"""Rows from which on a slice is filtered beside the event loop, not in it."""
FEW_KEYS = 10_000
"""Keys up to which a relation is told by which related rows it is narrowed."""


@dataclass(frozen=True, slots=True)
class Run:
    """One read on its way."""

    relations: Relations
    limits: Limits
    view: View

    def scan(self, name: str, need: Need) -> Scan:
        """The rows of a relation, as far as they are there for who looks."""
        if not self.view.visible(name):
            return Scan(_nothing(), ordered=True)
        return self.relations.by_name[name].scan(self.view.tenant, need)


async def _nothing() -> AsyncIterator[pa.Table]:
    none: tuple[pa.Table, ...] = ()
    for table in none:
        yield table


class Related:
    """What is known of an embed's rows, asked of them no oftener than needed."""

    def __init__(self, run: Run, embedding: Embedding, wanted: frozenset[str] = frozenset()) -> None:
        self._run = run
        self._embedding = embedding
        self._columns = wanted | {embedding.join.target_column}
        self._all: pa.Table | None = None
        self._asked = pa.array([], embedding.plan.relation.schema.field(embedding.join.target_column).type)
        self._there = self._asked

    async def present(self, table: pa.Table) -> pa.BooleanArray:
        """Whether each row has a related one that its filters and window keep."""
        join, keys = self._embedding.join, whole(table.column(self._embedding.join.column))
        if join.to_one:
            return pc.is_in(keys, value_set=await self.keys())
        unseen = pc.unique(keys).drop_null()
        unseen = unseen.filter(pc.invert(pc.is_in(unseen, value_set=self._asked)))
        if len(unseen):
            self._asked = pa.concat_arrays([self._asked, unseen])
            self._there = pa.concat_arrays([self._there, await self._enough(unseen)])
        return pc.is_in(keys, value_set=self._there)

    async def keys(self) -> pa.Array:
        """The keys of all related rows of a to-one embed."""
        window = self._embedding.plan.window
        kept = await self._table()
        if window.limit == 0 or (window.offset or 0) > 0:
            kept = kept.slice(0, 0)
        return whole(kept.column(self._embedding.join.target_column)).drop_null()

    async def column(self, table: pa.Table, ref: Ref) -> pa.Array:
        """A column of the one related row of each row."""
        rows = await self._table()
        places = pc.index_in(whole(table.column(self._embedding.join.column)), value_set=await self.keys())
        return resolve(rows, ref).take(places)

    async def _table(self) -> pa.Table:
        if self._all is None:
            slices = [table.select(sorted(self._columns)) async for table in self._rows(None)]
            schema = self._embedding.plan.relation.schema
            empty = schema.empty_table().select(sorted(self._columns))
            rows = pa.concat_tables([empty, *slices])
            self._all = rows.filter(pc.is_valid(rows.column(self._embedding.join.target_column)))
        return self._all

    async def _enough(self, keys: pa.Array) -> pa.Array:
        """Those of the keys that have more related rows than the window of the embed leaves out."""
        join, plan = self._embedding.join, self._embedding.plan
        if plan.window.limit == 0:
            return keys.slice(0, 0)
        among = Among(Ref(join.target_column, plan.relation.by_name[join.target_column].type), "eq", tuple(keys.to_pylist()))
        counts = np.zeros(len(keys), np.int64)
        async with aclosing(self._rows(among)) as tables:
            async for table in tables:
                places = pc.index_in(whole(table.column(join.target_column)), value_set=keys).drop_null()
                tallied = pc.value_counts(places)
                counts[tallied.field(0).to_numpy()] += tallied.field(1).to_numpy()
                if counts.min() > (plan.window.offset or 0):
                    break
        return keys.filter(pa.array(counts > (plan.window.offset or 0)))

    def _rows(self, among: Expression | None) -> AsyncGenerator[pa.Table]:
        return matching(self._run, self._embedding.plan, self._columns, among)


async def narrowed(run: Run, plan: Plan) -> tuple[Expression | None, dict[str, Related]]:
    """What a store can be told to read by, and what is known of the embeds.

    Rows that must have a certain one related row are those with one of its keys: where these are few, that narrows the read.
    """
    related: dict[str, Related] = {}
    for name in _names(plan):
        wanted = frozenset(lookup.ref.column for lookup in plan.lookups if lookup.embed == name)
        related[name] = Related(run, plan.embedding(name), wanted)
    parts = [] if plan.plain is None else [plan.plain]
    for part in _parts(plan.related):
        if isinstance(part, Embedded) and (join := plan.embedding(part.name).join).to_one:
            keys = await related[part.name].keys()
            if len(keys) <= FEW_KEYS:
                kind = plan.relation.by_name[join.column].type
                parts.append(Among(Ref(join.column, kind), "eq", tuple(keys.to_pylist())))
    return (parts[0] if len(parts) == 1 else Both(tuple(parts)) if parts else None), related


def _parts(expression: Expression | None) -> tuple[Expression, ...]:
    if expression is None:
        return ()
    return expression.parts if isinstance(expression, Both) else (expression,)


def _names(plan: Plan) -> list[str]:
    names = {lookup.embed for lookup in plan.lookups}
    return [shape.name for shape in plan.embeddings if shape.name in names or _mentions(plan.related, shape.name)]


def _mentions(expression: Expression | None, name: str) -> bool:
    match expression:
        case Embedded(mentioned):
            return mentioned == name
        case None:
            return False
        case _:
            parts = getattr(expression, "parts", None) or (getattr(expression, "part", None),)
            return any(_mentions(part, name) for part in parts)


async def matching(
    run: Run,
    plan: Plan,
    columns: frozenset[str],
    extra: Expression | None = None,
) -> AsyncGenerator[pa.Table]:
    """Every slice of a relation's rows that the plan keeps, with these columns and those that its filter looks at."""
    where, related = await narrowed(run, plan)
    where = extra if where is None else where if extra is None else Both((extra, where))
    scan = run.scan(plan.relation.name, Need(columns | plan.filtered, where))
    async with aclosing(kept(plan, where, related, scan, look_up=False)) as tables:
        async for table in tables:
            yield table


async def kept(
    plan: Plan, where: Expression | None, related: Mapping[str, Related], scan: Scan, look_up: bool = True
) -> AsyncGenerator[pa.Table]:
    """The slices of a scan that are left of it, none empty; with `look_up` they have the columns that the order looks up."""
    tables = scan.tables
    try:
        async for read in tables:
            table = await _filtered(read, where)
            if plan.related is not None and table.num_rows:
                there = {name: await known.present(table) for name, known in related.items() if _mentions(plan.related, name)}
                table = keep(table, plan.related, there)
            if not table.num_rows:
                continue
            for lookup in plan.lookups if look_up else ():
                table = table.append_column(lookup.column, await related[lookup.embed].column(table, lookup.ref))
            yield table
    finally:
        close = getattr(tables, "aclose", None)
        if close is not None:
            await close()


async def _filtered(table: pa.Table, where: Expression | None) -> pa.Table:
    if table.num_rows < LARGE and not costly(where):
        return keep(table, where)
    return await asyncio.to_thread(keep, table, where)
