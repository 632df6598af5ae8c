"""Every cast from every type, compared with PostgreSQL's."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wattline.contracts.flux.catalog import Type
from wattline.contracts.flux.values import cast, literal, render
from wattline.contracts.flux.values.scalar import Kind, Scalar

from .conftest import Oracle
from .refusals import BATCH, forms, told

VALUES: dict[Kind, list[str]] = {
    Type.TEXT: forms(
        "1|1.5|2.5|-2.5|abc||true|yes|2024-01-01|2024-01-01 12:00:00.5+01|12:00|24:00|12:00:00.123456789+02|T10:11|now foo|1e3"
        '|.5|5.|+1e-2|NaN|-Infinity|inf|{"b":1, "a":1.50}|[1,2|0044-03-15 BC|infinity|epoch'
        "|123e4567-e89b-12d3-a456-426614174000|99999999999|-nan|2024-06-01 10:00 America/New_York|10000-01-01"
        "|2024-02-30|12:61|1e200000|0x"
    ),
    Type.FLOAT4: forms(
        "1|1.5|2.5|3.5|-2.5|NaN|Infinity|1e30|32767.5|32767.4|-32768.5|123456.789|1.1|1e-5|2147483648|1234567.8|9.2e18|-0"
    ),
    Type.FLOAT8: forms(
        "1|1.5|2.5|-3.5|NaN|-Infinity|1e300|1e-300|415.20001220703125|123456789.123456789|1e15|2147483647.5|2147483647.4"
        "|9.223372036854775807e18|0.1|1e-7|3.4028235677973366e38|1e39|1e-46|-0"
    ),
    Type.INT2: forms("1|-1|32767|0"),
    Type.INT4: forms("1|0|32768|2147483647"),
    Type.INT8: forms("1|9223372036854775807|2147483648|16777217"),
    Type.BOOL: ["true", "false"],
    Type.UUID: ["123e4567-e89b-12d3-a456-426614174000"],
    Type.TIMESTAMPTZ: forms(
        "2024-01-01 12:00:00|2024-07-01 12:00:00.5|infinity|-infinity|0044-03-15 BC|12000-01-01|1800-01-01 00:00:00.25"
        "|0001-01-01|9999-12-31 23:59:59.999999"
    ),
    Type.JSONB: forms('1|1.5|2.5|-2.5|1e10|"a"|true|null|{"a":1}|[1]|false|1e400|70000'),
    Scalar.NUMERIC: forms("1|1.5|2.5|-2.5|NaN|Infinity|1e10|1e50|99999.5|0.1|32767.5|1e-50"),
    Scalar.DATE: forms("2024-07-01|infinity|0044-03-15 BC|12000-01-01"),
    Scalar.TIME: forms("12:00:00.5|24:00"),
    Scalar.TIMESTAMP: forms("2024-07-01 12:00:00.5|infinity|-infinity|0044-03-15 01:02:03 BC"),
    Scalar.JSON: forms('{"b":1, "a": 1.50}|1|null'),
}


def held(kind: Kind, text: str, zone: ZoneInfo | None) -> pa.Array:
    if isinstance(kind, Type):
        return pa.array([literal.parse(kind, text, 0, zone)], kind.arrow)
    return cast.convert(pa.array([text]), Type.TEXT, kind, 0, zone)


def ours(array: pa.Array, kind: Kind, target: str, zone: ZoneInfo | None) -> Any:
    found = told(lambda: cast.cast(array, kind, target, 0, zone))
    if len(found) == 4:
        return found
    column, made = found
    assert column.type == made.arrow
    text = render.print_text(column, made, zone)[0].as_py()
    return ({"t": "true", "f": "false"}.get(text, text) if made is Type.BOOL else text,)


@pytest.mark.parametrize("name", [None, "Europe/London"])
@pytest.mark.parametrize("kind", list(VALUES))
def test_every_cast_is_that_of_postgresql(oracle: Oracle, kind: Kind, name: str | None) -> None:
    oracle.zone(name or "UTC")
    zone = ZoneInfo(name) if name else None
    texts = VALUES[kind]
    for target in [*cast.TARGETS, "nosuch"]:
        for text, answer in zip(texts, oracle.cast(texts, target, kind.value), strict=True):
            array = held(kind, text, zone)
            found = ours(array, kind, target, zone)
            # What is wrong with a document is told in our words.
            told_alike = 2 if "type json" in str(answer[1:]) else 4
            assert found[:told_alike] == answer[:told_alike], (text, target)
            beside_null = pa.concat_arrays([pa.nulls(1, kind.arrow), array])
            if len(answer) == 1:
                assert cast.cast(beside_null, kind, target, 0, zone)[0][0].as_py() is None


@BATCH
@given(
    st.lists(
        st.one_of(
            st.floats(-1e5, 1e5).filter(lambda value: abs(value) > 1e-30),
            st.integers(-(2**17), 2**17).map(lambda whole: whole / 2),
        ),
        min_size=50,
    )
)
def test_floats_are_rounded_as_postgresql_rounds_them(session_oracle: Oracle, values: list[float]) -> None:
    array = pa.array(values, pa.float64())
    texts = [repr(value) for value in values]
    found, _ = cast.cast(array, Type.FLOAT8, "integer", 0)
    assert found.to_pylist() == session_oracle.column("SELECT x::float8::integer FROM t", texts)
    found, _ = cast.cast(array, Type.FLOAT8, "numeric", 0)
    assert found.to_pylist() == session_oracle.column("SELECT x::float8::numeric::text FROM t", texts)
    whole, _ = cast.cast(found, Scalar.NUMERIC, "bigint", 0)
    assert whole.to_pylist() == session_oracle.column("SELECT x::float8::numeric::bigint FROM t", texts)
    single, _ = cast.cast(array, Type.FLOAT8, "real", 0)
    assert render.print_text(single, Type.FLOAT4).to_pylist() == session_oracle.column(
        "SELECT x::float8::real::text FROM t", texts
    )


def test_names_of_types_are_read_in_any_case() -> None:
    assert cast.cast(pa.array([1.5], pa.float32()), Type.FLOAT4, " Double  PRECISION", 0)[1] is Type.FLOAT8


def test_json_of_what_only_a_cast_makes() -> None:
    def json(kind: Scalar, *texts: str) -> list[str]:
        return list(render.print_json(pa.array(texts), kind).to_pylist())

    assert json(Scalar.TIMESTAMP, "2024-01-01 12:00:00", "0044-03-15 01:02:03 BC", "infinity") == [
        '"2024-01-01T12:00:00"', '"0044-03-15T01:02:03 BC"', '"infinity"',
    ]  # fmt: skip
    assert json(Scalar.DATE, "2024-01-01") == ['"2024-01-01"']
    assert json(Scalar.TIME, "12:00:00") == ['"12:00:00"']
    assert json(Scalar.NUMERIC, "1.50", "NaN", "-Infinity") == ["1.50", '"NaN"', '"-Infinity"']
    assert json(Scalar.JSON, '{"b": 1}') == ['{"b": 1}']
