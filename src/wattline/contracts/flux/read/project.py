"""What a plan shows of rows: columns, paths, casts and what is embedded, as the columns of an answer."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from wattline.contracts.flux.evaluate.aggregate import Groups, Measure
from wattline.contracts.flux.evaluate.reference import resolve, whole
from wattline.contracts.flux.expression import Ref
from wattline.contracts.flux.read.answer import View
from wattline.contracts.flux.read.plan import Plan, Shown, Total
from wattline.contracts.flux.values.cast import cast
from wattline.contracts.flux.values.encode import Output
from wattline.contracts.flux.values.scalar import Kind


def shown(table: pa.Table, shape: Shown, view: View) -> tuple[pa.Array, Output]:
    """A column of the answer."""
    if shape.cast is None:
        return resolve(table, shape.ref), Output(shape.name, shape.ref.type)
    array, kind = _cast(resolve(table, shape.ref), shape.ref.type, shape.cast, view)
    return array, Output(shape.name, kind)


def _cast(array: pa.Array, kind: Kind, target: str | None, view: View) -> tuple[pa.Array, Kind]:
    return (array, kind) if target is None else cast(array, kind, target, view.now, view.zone)


class Grouped:
    """The groups of a plan, gathered slice by slice; by `key`, a column of the rows, apart from one another if there is one."""

    def __init__(self, plan: Plan, view: View, key: str | None = None) -> None:
        self._plan = plan
        self._view = view
        self._key = key
        self._groups: Groups | None = None
        # Types are known, and refused, even where no row comes.
        self.add(plan.relation.schema.empty_table())

    def add(self, table: pa.Table) -> None:
        """Take rows."""
        keys: list[tuple[pa.Array, Kind]] = []
        if self._key is not None:
            keys.append((whole(table.column(self._key)), self._plan.relation.by_name[self._key].type))
        inputs: list[tuple[Total, pa.Array | None, Kind | None]] = []
        for shape in self._plan.outputs:
            if isinstance(shape, Shown):
                array, output = shown(table, shape, self._view)
                keys.append((array, output.kind))
            elif isinstance(shape, Total):
                inputs.append((shape, *self._input(table, shape)))
        if self._groups is None:
            measures = [Measure(total.function, kind) for total, _, kind in inputs]
            self._groups = Groups([kind for _, kind in keys], measures)
        self._groups.add([array for array, _ in keys], [array for _, array, _ in inputs], table.num_rows)

    def _input(self, table: pa.Table, total: Total) -> tuple[pa.Array | None, Kind | None]:
        if total.ref is None:
            return None, None
        return _cast(resolve(table, total.ref), total.ref.type, total.cast, self._view)

    def __len__(self) -> int:
        return 0 if self._groups is None else len(self._groups)

    def finish(self) -> tuple[pa.Array | None, list[pa.Array], list[Output]]:
        """The keys, and the columns of the answer, a row a group."""
        assert self._groups is not None
        groups = self._groups
        keys, totals = groups.finish()
        own = keys.pop(0) if self._key is not None else None
        kinds = iter(groups.keys[len(groups.keys) - len(keys) :])
        remaining, made = iter(keys), iter(zip(totals, groups.kinds, strict=True))
        arrays: list[pa.Array] = []
        outputs: list[Output] = []
        for shape in self._plan.outputs:
            if isinstance(shape, Shown):
                arrays.append(next(remaining))
                outputs.append(Output(shape.name, next(kinds)))
            elif isinstance(shape, Total):
                array, kind = _cast(*next(made), shape.result_cast, self._view)
                arrays.append(array)
                outputs.append(Output(shape.name, kind))
        return own, arrays, outputs


def group_order(plan: Plan, arrays: Sequence[pa.Array]) -> dict[Ref, pa.Array]:
    """The columns that a plan's groups can be ordered by."""
    shapes = [shape for shape in plan.outputs if isinstance(shape, Shown | Total)]
    pairs = zip(shapes, arrays, strict=True)
    return {shape.ref: array for shape, array in pairs if isinstance(shape, Shown) and shape.cast is None}
