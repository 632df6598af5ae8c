"""Equal keys and random UUIDs."""

from __future__ import annotations

import uuid

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from wattline.contracts.flux.write import keys
from wattline.contracts.flux.write.identifiers import random_uuids

ROWS = st.lists(
    st.tuples(
        st.none() | st.sampled_from(["", "a", "b"]),
        st.none() | st.integers(-(2**63), 2**63 - 1) | st.integers(0, 2),
        st.none() | st.booleans(),
    ),
    max_size=12,
)
SCHEMA = pa.schema([("text", pa.string()), ("number", pa.int64()), ("flag", pa.bool_())])


def table(rows: list[tuple[object, ...]]) -> pa.Table:
    return pa.Table.from_pylist([dict(zip(SCHEMA.names, row, strict=True)) for row in rows], SCHEMA)


@given(ROWS)
def test_repeated(rows: list[tuple[object, ...]]) -> None:
    expected = [None not in row and row in rows[:place] for place, row in enumerate(rows)]
    assert keys.repeated(table(rows)).tolist() == expected


@given(ROWS, ROWS)
def test_places(rows: list[tuple[object, ...]], among: list[tuple[object, ...]]) -> None:
    among = list(dict.fromkeys(among))
    expected = [among.index(row) if None not in row and row in among else -1 for row in rows]
    assert keys.places(table(rows), table(among)).tolist() == expected


def test_first() -> None:
    assert keys.first(np.array([False, True, True])) == 1
    assert keys.first(np.array([False])) is None
    assert keys.first(np.array([], np.bool_)) is None


@given(st.integers(0, 5), st.binary(min_size=80, max_size=80))
def test_random_uuids_are_of_version_4(count: int, octets: bytes) -> None:
    asked = []

    def random(size: int) -> bytes:
        asked.append(size)
        return octets[:size]

    expected = [str(uuid.UUID(bytes=octets[16 * row :][:16], version=4)) for row in range(count)]
    assert random_uuids(count, random).to_pylist() == expected
    assert asked == [16 * count]
