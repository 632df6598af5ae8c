"""Related rows in an answer: one object or null, or an array of them, or their columns among those of the answer."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import aclosing

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from wattline.contracts.flux.evaluate import sort
from wattline.contracts.flux.evaluate.reference import whole
from wattline.contracts.flux.expression import Among, Both, Ref
from wattline.contracts.flux.read.answer import too_many
from wattline.contracts.flux.read.matching import Run, kept, narrowed
from wattline.contracts.flux.read.page import WAITING, Bounds
from wattline.contracts.flux.read.plan import Embedding, Plan, Shown
from wattline.contracts.flux.read.project import Grouped, group_order, shown
from wattline.contracts.flux.relation import Need
from wattline.contracts.flux.values import encode, render
from wattline.contracts.flux.values.encode import Output
from wattline.contracts.flux.values.scalar import Scalar

Columns = tuple[list[pa.Array], list[Output]]


async def projected(run: Run, plan: Plan, rows: pa.Table) -> Columns:
    """What a plan shows of its rows. Raises `Refusal` PT413 where that is more than an answer may have."""
    arrays: list[pa.Array] = []
    outputs: list[Output] = []
    measured, size = 0, 0
    for shape in plan.outputs:
        if isinstance(shape, Shown):
            array, output = shown(rows, shape, run.view)
            arrays.append(array)
            outputs.append(output)
        elif isinstance(shape, Embedding) and not shape.hidden:
            more, said = await _embedded(run, shape, rows)
            arrays.extend(more)
            outputs.extend(said)
        for array, output in zip(arrays[measured:], outputs[measured:], strict=True):
            size += array.nbytes + rows.num_rows * len(output.name)
        measured = len(arrays)
        _check_size(run, size)
    return arrays, outputs


def _check_size(run: Run, size: int) -> None:
    if size > run.limits.answer_bytes:
        raise too_many(run.limits.answer_bytes, "bytes")


def _taken(run: Run, array: pa.Array, places: pa.Array) -> pa.Array:
    """Values as often as they are wanted. Raises `Refusal` PT413 before there are too many."""
    if pa.types.is_string(array.type):
        sizes = pc.binary_length(array).take(places)
        _check_size(run, pc.sum(sizes.cast(pa.int64())).as_py() or 0)
    return array.take(places)


async def _embedded(run: Run, embedding: Embedding, rows: pa.Table) -> Columns:
    keys = whole(rows.column(embedding.join.column))
    distinct = pc.unique(keys).drop_null()
    gathered = _Gathered(run, embedding, distinct)
    await gathered.read()
    of_key, arrays, outputs = await gathered.columns()
    if embedding.join.to_one:
        places = pc.index_in(keys, value_set=distinct.take(of_key))
        if embedding.spread:
            return [_taken(run, array, places) for array in arrays], outputs
        return [_taken(run, _objects(run, arrays, outputs, len(of_key)), places)], [Output(embedding.name, Scalar.JSON)]
    places = pc.index_in(keys, value_set=distinct)
    bounds = np.searchsorted(of_key.to_numpy(), np.arange(len(distinct) + 1))
    if embedding.spread:
        texts = [_texts(array, output, run) for array, output in zip(arrays, outputs, strict=True)]
        return [_lists(run, text, bounds, places) for text in texts], [Output(output.name, Scalar.JSON) for output in outputs]
    objects = _objects(run, arrays, outputs, len(of_key))
    empty = _of_none(run, embedding.plan)
    return [_lists(run, objects, bounds, places, empty)], [Output(embedding.name, Scalar.JSON)]


def _objects(run: Run, arrays: Sequence[pa.Array], outputs: Sequence[Output], rows: int) -> pa.Array:
    if not arrays:
        return pa.repeat(pa.scalar("{}"), rows)
    table = pa.Table.from_arrays(list(arrays), names=[str(place) for place in range(len(arrays))])
    return whole(encode.json_rows(table, outputs, run.view.zone))


def _texts(array: pa.Array, output: Output, run: Run) -> pa.Array:
    text = render.print_json(array, output.kind, run.view.zone)
    return pc.fill_null(text, "null")


def _lists(run: Run, texts: pa.Array, bounds: np.ndarray, places: pa.Array, empty: str = "[]") -> pa.Array:
    """JSON arrays of the texts between one bound and the next, for each place among them; `empty` of none."""
    joined = pc.binary_join(pa.ListArray.from_arrays(pa.array(bounds, pa.int32()), texts), ",")
    arrays = pc.binary_join_element_wise("[", joined, "]", "")
    arrays = pc.if_else(pa.array(np.diff(bounds) == 0), empty, arrays)
    return pc.fill_null(_taken(run, arrays, places), empty)


def _of_none(run: Run, plan: Plan) -> str:
    """The array of an embed without rows; aggregates that are grouped by nothing have a value all the same."""
    if not plan.grouped or any(isinstance(shape, Shown) for shape in plan.outputs):
        return "[]"
    _, arrays, outputs = Grouped(plan, run.view).finish()
    return f"[{_objects(run, arrays, outputs, 1)[0].as_py()}]"


class _Gathered:
    """The related rows of all keys. `of_key` is the place of each row's key, ascending."""

    def __init__(self, run: Run, embedding: Embedding, keys: pa.Array) -> None:
        self._run = run
        self._embedding = embedding
        self._plan = embedding.plan
        self._keys = keys
        self._target = embedding.join.target_column
        self._window = Bounds.of(embedding.plan.window, run.limits)
        self._columns = [
            *sorted(self._plan.columns | {self._target}),
            *(lookup.column for lookup in self._plan.lookups),
        ]
        self._waiting: list[pa.Table] = []
        self._held = 0
        self._grouped = Grouped(self._plan, run.view, self._target) if self._plan.grouped else None

    async def read(self) -> None:
        """Read what there is of them. Raises `Refusal` PT413 where it is more than an answer may have."""
        if not len(self._keys) or self._window.limit == 0:
            return
        where, related = await narrowed(self._run, self._plan)
        kind = self._plan.relation.by_name[self._target].type
        among = Among(Ref(self._target, kind), "eq", tuple(self._keys.to_pylist()))
        where = among if where is None else Both((among, where))
        order = () if self._plan.lookups or self._grouped else self._plan.order
        scan = self._run.scan(self._plan.relation.name, Need(frozenset(self._columns) - self._looked_up, where, order))
        found = np.zeros(len(self._keys), np.int64)
        async with aclosing(kept(self._plan, where, related, scan)) as tables:
            async for table in tables:
                if self._grouped is not None:
                    self._grouped.add(table)
                    self._refuse(len(self._grouped))
                    continue
                self._take(table.select(self._columns))
                if scan.ordered and not self._plan.lookups and self._window.limit is not None:
                    np.add.at(found, self._places(table).to_numpy(), 1)
                    if found.min() >= self._window.offset + self._window.limit:
                        break

    @property
    def _looked_up(self) -> frozenset[str]:
        return frozenset(lookup.column for lookup in self._plan.lookups)

    def _take(self, table: pa.Table) -> None:
        self._waiting.append(table)
        self._held += table.num_rows
        if self._window.limit is not None and self._held > WAITING:
            first = self._first(self._window.offset + self._window.limit, 0)
            self._waiting, self._held = [first], first.num_rows
        if self._window.limit is None and not self._window.offset:
            self._refuse(self._held)
        elif self._held > self._run.limits.held_rows:
            raise too_many(self._run.limits.held_rows, "rows to put in order")

    def _refuse(self, rows: int) -> None:
        if rows > self._run.limits.answer_rows:
            raise too_many(self._run.limits.answer_rows, f"rows of '{self._embedding.name}'")

    def _places(self, table: pa.Table) -> pa.Array:
        return pc.index_in(whole(table.column(self._target)), value_set=self._keys)

    def _first(self, most: int | None, offset: int) -> pa.Table:
        """The rows key by key, in order, each key's from `offset` and `most` of them."""
        table = pa.concat_tables(self._waiting)
        if self._plan.order:
            table = table.take(sort.positions(table, self._plan.order))
        places = self._places(table).to_numpy()
        by_key = np.argsort(places, kind="stable")
        places = places[by_key]
        rank = np.arange(len(places)) - np.searchsorted(places, places)
        wanted = (rank >= offset) if most is None else (rank >= offset) & (rank < offset + most)
        return table.take(pa.array(by_key[wanted]))

    async def columns(self) -> tuple[pa.Array, list[pa.Array], list[Output]]:
        """The place of each row's key, and the columns of the rows."""
        if self._grouped is not None:
            return self._groups(self._grouped)
        if self._waiting:
            table = self._first(self._window.limit, self._window.offset)
        else:
            table = self._plan.relation.schema.empty_table()
        self._refuse(table.num_rows)
        arrays, outputs = await projected(self._run, self._plan, table)
        return self._places(table), arrays, outputs

    def _groups(self, grouped: Grouped) -> tuple[pa.Array, list[pa.Array], list[Output]]:
        keys, arrays, outputs = grouped.finish()
        places = pc.index_in(keys, value_set=self._keys)
        if len(places) == 0:
            return places, arrays, outputs
        by_ref = group_order(self._plan, arrays)
        terms = [(by_ref[term.ref], term) for term in self._plan.order]
        order = sort.sorted_columns(terms).to_numpy() if terms else np.arange(len(places))
        taken = places.to_numpy()[order]
        by_key = np.argsort(taken, kind="stable")
        taken = taken[by_key]
        rank = np.arange(len(taken)) - np.searchsorted(taken, taken)
        first, limit = self._window.offset, self._window.limit
        wanted = (rank >= first) if limit is None else (rank >= first) & (rank < first + limit)
        rows = pa.array(order[by_key][wanted])
        return places.take(rows), [array.take(rows) for array in arrays], outputs
