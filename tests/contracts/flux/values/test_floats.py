"""float4 and float8 as text, compared with PostgreSQL bit pattern by bit pattern."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wattline.contracts.flux.catalog import Type
from wattline.contracts.flux.values import floats, render

from .conftest import Oracle
from .refusals import BATCH

EDGES = [
    0.0, -0.0, 1.0, -25.0, 415.2, 123456.7, 999999.0, 999999.94, 1e6, 1234567.0, -1234567.5, 1048576.0, 9999999.0, 1e7,
    16777216.0, 33554430.0, 33554432.0, 33554434.0, 33554488.0, 67108868.0, 1e-4, 0.00012, 9.9999e-5, 1e-5, 1e10, 1.5e10, 1e15,
    999999999999999.0, 123456789012345.6, 1e16, 1e22, 1e23, 9007199254740993.0, 2.0**70, 3.4028234e38, 1.17549435e-38, 1e-45,
    float("nan"), float("inf"), float("-inf"),
]  # fmt: skip
SINGLES = st.one_of(
    st.floats(width=32),
    st.floats(1e6, 2**27, width=32),
    st.integers(2**25, 2**31).map(lambda whole: float(np.float32(whole * 8))),
    st.integers(-149, 127).map(lambda power: 2.0**power),
    st.sampled_from(EDGES),
)
DOUBLES = st.one_of(
    st.floats(),
    st.floats(1e10, 1e18),
    st.integers(2**53, 2**63).map(lambda whole: float(whole * 1000)),
    st.integers(-1074, 1023).map(lambda power: 2.0**power),
    st.sampled_from(EDGES),
)


def compare(oracle: Oracle, kind: Type, values: list[float]) -> None:
    with np.errstate(over="ignore"):
        exact = np.array(values, kind.arrow.to_pandas_dtype())
    given = [None if not np.isfinite(value) else float(value).hex() for value in exact.astype(np.float64)]
    # A hexadecimal literal says the very bits, by way of which no other code's printing is trusted.
    names = {True: "NaN", False: ""}
    texts = [hexadecimal or names[bool(np.isnan(v))] or str(v) for hexadecimal, v in zip(given, exact, strict=True)]
    query = "SELECT x::float4::text FROM t" if kind is Type.FLOAT4 else "SELECT x::float8::text FROM t"
    theirs = oracle.column(query, texts)
    assert floats.text(pa.array([*exact, None], kind.arrow)).to_pylist() == [*theirs, None]
    query = "SELECT to_json(x::float4)::text FROM t" if kind is Type.FLOAT4 else "SELECT to_json(x::float8)::text FROM t"
    assert render.print_json(pa.array([None, *exact], kind.arrow), kind).to_pylist() == [None, *oracle.column(query, texts)]


@pytest.mark.parametrize("kind", [Type.FLOAT4, Type.FLOAT8])
def test_edges_are_printed_as_postgresql_prints_them(oracle: Oracle, kind: Type) -> None:
    compare(oracle, kind, EDGES)
    for value in EDGES:
        compare(oracle, kind, [value])


@BATCH
@given(st.lists(SINGLES, min_size=100))
def test_any_float4_is_printed_as_postgresql_prints_it(session_oracle: Oracle, values: list[float]) -> None:
    compare(session_oracle, Type.FLOAT4, values)


@BATCH
@given(st.lists(DOUBLES, min_size=100))
def test_any_float8_is_printed_as_postgresql_prints_it(session_oracle: Oracle, values: list[float]) -> None:
    compare(session_oracle, Type.FLOAT8, values)


def test_many_random_bit_patterns(oracle: Oracle) -> None:
    random = np.random.default_rng(4)
    single = random.integers(0, 2**32, 20_000, np.uint32).view(np.float32)
    compare(oracle, Type.FLOAT4, [float(value) for value in single])
    double = random.integers(0, 2**64, 20_000, np.uint64).view(np.float64)
    compare(oracle, Type.FLOAT8, [float(value) for value in double])


def test_a_slice_is_printed_as_itself() -> None:
    array = pa.array([1e7, None, float("nan"), 1.5, 2e6, -3e6], pa.float32())
    assert floats.text(array.slice(1, 4)).to_pylist() == [None, "NaN", "1.5", "2e+06"]
    assert floats.text(array.slice(0, 0)).to_pylist() == []
