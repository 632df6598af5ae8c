"""What a reference names in a table."""

from __future__ import annotations

import pyarrow as pa

from wattline.contracts.flux.evaluate.documents import at_path
from wattline.contracts.flux.expression import Ref


def whole(column: pa.ChunkedArray) -> pa.Array:
    """A column of a table as one array, without a copy where it is one already."""
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()


def resolve(table: pa.Table, ref: Ref) -> pa.Array:
    """The values of a reference, row by row."""
    column = whole(table.column(ref.column))
    return at_path(column, ref.path) if ref.path else column
