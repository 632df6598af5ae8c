"""Columns of a request body, compared with PostgreSQL's `json_to_recordset`."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wattline.contracts.flux.catalog import Column, Type
from wattline.contracts.flux.errors import Refusal
from wattline.contracts.flux.tables import METER
from wattline.contracts.flux.values import payload, render

from .conftest import Oracle
from .refusals import BATCH, forms, told

ROWS = msgspec.json.Decoder(list[dict[str, msgspec.Raw]])
TOKENS = forms(
    r"""1|1.5|4.5|1e5|12.50|-0|0|true|false|null|"1"|"t"|"NaN"|"-Infinity"|"x"|""|" 1 "|{"a": 1}|[1, 2]|"\u0041"|"é\n"|70000
1e50|1e-60|1e400|99999999999999999999|"2024-01-01T12:00:00.123456789Z"|"123E4567-E89B-12D3-A456-426614174000"|"{\"b\": 1}"
16777217|"now"|"\u0000"|"\ud83d\ude00"|{"b":1.50,"a":[null],"a":2}|3.4028236e38|0.1|1e1000"""
)
QUERY = """CREATE FUNCTION pg_temp.read(kind text, token text) RETURNS text[] LANGUAGE plpgsql AS $$
DECLARE found text; state text; message text; details text; hint text;
BEGIN
    EXECUTE format('SELECT v::text FROM json_to_recordset($1) AS _(v %s)', kind) INTO found
        USING json_build_array(('{"v": ' || token || '}')::json);
    RETURN ARRAY[found];
EXCEPTION WHEN others THEN
    GET STACKED DIAGNOSTICS
        state = returned_sqlstate, message = message_text, details = pg_exception_detail, hint = pg_exception_hint;
    RETURN ARRAY[state, message, nullif(details, ''), nullif(hint, '')];
END $$"""


def raws(tokens: list[str]) -> list[msgspec.Raw]:
    body = "[" + ",".join('{"v": ' + token + " }" for token in tokens) + "]"
    return [row["v"] for row in ROWS.decode(body.encode())]


def printed(kind: Type, values: list[Any]) -> Any:
    """The texts of the column, or its refusal."""
    found = told(lambda: payload.column(Column("v", kind), values, 0))
    if isinstance(found, tuple):
        return found
    assert found.type == kind.arrow
    texts = render.print_text(found, kind).to_pylist()
    return [{"t": "true", "f": "false"}.get(text, text) for text in texts] if kind is Type.BOOL else texts


@pytest.fixture(scope="session")
def recordset(session_oracle: Oracle) -> Oracle:
    session_oracle.connection.execute(QUERY.encode())
    return session_oracle


@pytest.mark.parametrize("kind", list(Type))
def test_each_json_value_becomes_what_postgresql_makes_of_it(recordset: Oracle, kind: Type) -> None:
    recordset.zone("UTC")
    values = raws(TOKENS)
    good = []
    for token, value in zip(TOKENS, values, strict=True):
        row = recordset.connection.execute("SELECT pg_temp.read(%s, %s)", (kind.value, token)).fetchone()
        assert row is not None
        answer = tuple(row[0])
        if kind is Type.TIMESTAMPTZ and token == '"now"':
            assert printed(kind, [value]) == ["1970-01-01 00:00:00+00"]
            continue
        assert printed(kind, [value]) == (list(answer) if len(answer) == 1 else answer), token
        if len(answer) == 1:
            good.append((value, answer[0]))
    assert printed(kind, [value for value, _ in good]) == [text for _, text in good]


@BATCH
@given(st.lists(st.one_of(st.none(), st.floats(allow_nan=False, allow_infinity=False, width=32), st.integers(-(2**31), 2**31))))
def test_a_column_of_numbers_is_each_of_its_numbers(values: list[float | None]) -> None:
    tokens = [msgspec.json.encode(value).decode() for value in values]
    whole = printed(Type.FLOAT4, raws(tokens))
    assert whole == [printed(Type.FLOAT4, raws([token]))[0] for token in tokens]
    assert whole == printed(Type.FLOAT4, list(values))


def test_text_of_a_form_or_csv_is_read_as_text() -> None:
    assert printed(Type.FLOAT4, ["1.5", None, " 2"]) == ["1.5", None, "2"]
    assert printed(Type.TEXT, ["null", "", None]) == ["null", "", None]
    assert printed(Type.JSONB, ['{"a":1}', None]) == ['"{\\"a\\":1}"', None]
    assert printed(Type.BOOL, ["on", "0"]) == ["true", "false"]
    assert printed(Type.INT2, ["1", "4.5"])[0] == "22P02"


def test_columns_without_a_value() -> None:
    for kind in Type:
        assert printed(kind, []) == []
        assert printed(kind, [None, None]) == printed(kind, raws(["null", "null"])) == [None, None]


def test_uuids_of_any_form_mix_with_nulls() -> None:
    first, second = UUID(int=1), UUID(int=2**127 + 3)
    values = [str(first).upper(), None, str(second)]
    assert printed(Type.UUID, values) == [str(first), None, str(second)]
    assert printed(Type.UUID, [*values, first.hex]) == [str(first), None, str(second), str(first)]


def test_what_is_no_utf8_is_no_json() -> None:
    for value in (msgspec.Raw(b'"\xff"'), "\ud800"):
        with pytest.raises(Refusal) as refused:
            payload.column(Column("v", Type.TEXT), [value, 1], 0)
        assert (refused.value.status, refused.value.code) == (400, "PGRST102")


def test_a_body_of_a_thousand_rows_keeps_every_value() -> None:
    rows = [
        {
            column.name: f"2024-01-01T{second // 60 % 24:02d}:{second % 60:02d}:07.{second:06d}Z"
            if column.type is Type.TIMESTAMPTZ
            else str(UUID(int=second))
            if column.type is Type.UUID
            else second + place / 64
            for place, column in enumerate(METER.columns)
        }
        for second in range(1000)
    ]
    decoded = ROWS.decode(msgspec.json.encode(rows))
    for place, column in enumerate(METER.columns):
        found = payload.column(column, [row[column.name] for row in decoded], 0)
        if column.type is Type.FLOAT4:
            assert found.to_pylist() == [second + place / 64 for second in range(1000)]
        elif column.type is Type.UUID:
            assert found.to_pylist() == [str(UUID(int=second)) for second in range(1000)]
        else:
            base = 1_704_067_200_000_000 + 7_000_000
            expected = [base + (second // 60 % 24 * 3600 + second % 60 * 60) * 1_000_000 + second for second in range(1000)]
            assert found.to_pylist() == expected
