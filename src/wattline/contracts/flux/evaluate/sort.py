"""The order of rows: stable, nulls where they are asked for, NaN above all numbers, text by code points."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from wattline.contracts.flux.catalog import Type
from wattline.contracts.flux.evaluate import documents
from wattline.contracts.flux.evaluate.reference import resolve
from wattline.contracts.flux.expression import Sort


def positions(table: pa.Table, order: Sequence[Sort]) -> pa.Array:
    """The places of the rows in their order; rows that are equal in it keep the one they have."""
    return sorted_columns([(resolve(table, term.ref), term) for term in order])


def sorted_columns(terms: Sequence[tuple[pa.Array, Sort]]) -> pa.Array:
    """The same for columns that are not in one table. Raises ValueError without a term."""
    columns: list[pa.Array] = []
    keys: list[tuple[str, str, str]] = []
    for column, term in terms:
        for part in _parts(column, term.ref.type):
            keys.append(
                (
                    str(len(columns)),
                    "descending" if term.descending else "ascending",
                    "at_start" if term.nulls_first else "at_end",
                )
            )
            columns.append(part)
    return pc.sort_indices(pa.table(columns, names=[key[0] for key in keys]), sort_keys=keys)


def _parts(column: pa.Array, kind: Type) -> list[pa.Array]:
    """Columns that Arrow sorts as PostgreSQL sorts this one."""
    if kind is Type.JSONB:
        return [documents.ranks(column)]
    if kind is Type.BOOL:
        return [column.cast(pa.int8())]
    if pa.types.is_floating(column.type):
        nan = pc.is_nan(column)
        if pc.any(nan).as_py():
            return [nan.cast(pa.int8()), column]
    return [column]
