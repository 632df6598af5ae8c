"""Sums of groups, gathered slice by slice, with the result types that PostgreSQL gives them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import pyarrow as pa
import pyarrow.compute as pc

from wattline.contracts.flux.catalog import Type
from wattline.contracts.flux.errors import sql
from wattline.contracts.flux.evaluate.quotient import quotient
from wattline.contracts.flux.values.scalar import Kind, Scalar

Function = Literal["avg", "sum", "min", "max", "count"]
INTEGERS = (Type.INT2, Type.INT4, Type.INT8)
FLOATS = (Type.FLOAT4, Type.FLOAT8)
ORDERED = (*INTEGERS, *FLOATS, Type.TEXT, Type.TIMESTAMPTZ)
EXACT = pa.decimal128(38, 0)
HELD = 65_536
"""Partial groups that wait before they are put together."""


def result(function: Function, kind: Kind | None) -> Kind:
    """The type of an aggregate of a type (None: of whole rows). Raises `Refusal` 42883 where there is none."""
    if function == "count":
        return Type.INT8
    if function in ("min", "max") and kind in ORDERED:
        assert kind is not None
        return kind
    if function == "sum" and kind in FLOATS:
        assert kind is not None
        return kind
    if function == "avg" and kind in FLOATS:
        return Type.FLOAT8
    if function == "sum" and kind in (Type.INT2, Type.INT4):
        return Type.INT8
    if function in ("sum", "avg") and kind in INTEGERS:
        return Scalar.NUMERIC
    hint = "No function matches the given name and argument types. You might need to add explicit type casts."
    raise sql(404, "42883", f"function {function}({'' if kind is None else kind.sql}) does not exist", hint=hint)


@dataclass(frozen=True, slots=True)
class Measure:
    """One aggregate: its function, and the type of what goes in (None: the rows themselves)."""

    function: Function
    kind: Kind | None


class Groups:
    """Gathers `measures` for each distinct row of keys. Without a key there is one group, also of no row."""

    def __init__(self, keys: Sequence[Kind], measures: Sequence[Measure]) -> None:
        self.keys = tuple(keys)
        self.measures = tuple(measures)
        self.kinds = tuple(result(measure.function, measure.kind) for measure in measures)
        self._names = [f"k{place}" for place in range(len(keys))]
        self._held: list[pa.Table] = []
        self._rows = 0

    def add(self, keys: Sequence[pa.Array], inputs: Sequence[pa.Array | None], rows: int) -> None:
        """Take rows, column by column; the input of `count()` is None."""
        columns = {name: _canonical(key) for name, key in zip(self._names, keys, strict=True)}
        columns["rows"] = pa.repeat(pa.scalar(1, pa.int64()), rows)
        wanted = [("rows", "sum")]
        for place, (measure, column) in enumerate(zip(self.measures, inputs, strict=True)):
            if column is None:
                continue
            columns[f"n{place}"] = pc.is_valid(column).cast(pa.int64())
            wanted.append((f"n{place}", "sum"))
            if measure.function in ("sum", "avg"):
                columns[f"v{place}"] = column.cast(_sum_type(measure))
                wanted.append((f"v{place}", "sum"))
            elif measure.function in ("min", "max"):
                columns[f"v{place}"] = column
                wanted.append((f"v{place}", measure.function))
                if measure.function == "max" and pa.types.is_floating(column.type):
                    columns[f"x{place}"] = pc.is_nan(column).cast(pa.int64())
                    wanted.append((f"x{place}", "sum"))
        self._wanted = wanted
        self._hold(self._grouped(pa.table(columns)))

    def __len__(self) -> int:
        """How many groups there are, so far."""
        self._merge()
        return self._rows

    def finish(self) -> tuple[list[pa.Array], list[pa.Array]]:
        """The keys and the aggregates of each group."""
        self._merge()
        whole = self._held[0] if self._held else None
        if whole is None:
            return [pa.array([], key.arrow) for key in self.keys], [pa.array([], kind.arrow) for kind in self.kinds]
        whole = whole.combine_chunks()
        keys = [pc.cast(_one(whole, name), key.arrow) for name, key in zip(self._names, self.keys, strict=True)]
        return keys, [self._finished(whole, place) for place in range(len(self.measures))]

    def _finished(self, whole: pa.Table, place: int) -> pa.Array:
        measure, kind = self.measures[place], self.kinds[place]
        if measure.kind is None:
            return pc.fill_null(_one(whole, "rows"), 0)
        count = pc.fill_null(_one(whole, f"n{place}"), 0)
        if measure.function == "count":
            return count
        value = _one(whole, f"v{place}")
        if measure.function == "avg":
            if kind is Type.FLOAT8:
                # Of nothing: null, not 0 / 0.
                return pc.divide(value, pc.if_else(pc.equal(count, 0), None, count).cast(pa.float64()))
            return pa.array([quotient(*pair) for pair in zip(value.to_pylist(), count.to_pylist(), strict=True)], pa.string())
        if measure.function == "max" and f"x{place}" in whole.column_names:
            value = pc.if_else(pc.greater(pc.fill_null(_one(whole, f"x{place}"), 0), 0), float("nan"), value)
        if kind is Scalar.NUMERIC:
            return pa.array([None if part is None else str(part) for part in value.to_pylist()], pa.string())
        narrow = value.cast(kind.arrow, safe=False)
        if kind is Type.FLOAT4 and pc.any(pc.and_(pc.is_inf(narrow), pc.invert(pc.is_inf(value)))).as_py():
            raise sql(400, "22003", "value out of range: overflow")
        return narrow

    def _hold(self, partial: pa.Table) -> None:
        self._held.append(partial)
        self._rows += partial.num_rows
        if self._rows > HELD and len(self._held) > 1:
            self._merge()

    def _merge(self) -> None:
        if len(self._held) > 1:
            self._held = [self._grouped(pa.concat_tables(self._held))]
            self._rows = self._held[0].num_rows

    def _grouped(self, table: pa.Table) -> pa.Table:
        grouped = table.group_by(self._names, use_threads=False).aggregate(self._wanted)
        names = [name.partition("_")[0] if name not in self._names else name for name in grouped.column_names]
        return _summable(grouped.rename_columns(names))


def _one(table: pa.Table, name: str) -> pa.Array:
    column = table.column(name)
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()


def _sum_type(measure: Measure) -> pa.DataType:
    if measure.kind in FLOATS:
        return pa.float64()
    return EXACT if result(measure.function, measure.kind) is Scalar.NUMERIC else pa.int64()


def _summable(table: pa.Table) -> pa.Table:
    """Exact sums stay of one width, so that sums of sums are too."""
    fields = [pa.field(field.name, EXACT if pa.types.is_decimal(field.type) else field.type) for field in table.schema]
    return table.cast(pa.schema(fields))


def _canonical(key: pa.Array) -> pa.Array:
    """Numbers that are equal have the same bits: one zero and one NaN."""
    if not pa.types.is_floating(key.type):
        return key
    return pc.if_else(pc.is_nan(key), pa.scalar(float("nan"), key.type), pc.add(key, pa.scalar(0.0, key.type)))
