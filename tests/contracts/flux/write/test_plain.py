"""Bodies that are read the short way say the same as the long way."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wattline.contracts.flux.errors import Refusal
from wattline.contracts.flux.tables import BESS
from wattline.contracts.flux.values.payload import column
from wattline.contracts.flux.write import plain
from wattline.contracts.flux.write.payload import parse

JSON = "application/json"
NUMBERS = st.one_of(
    st.none(),
    st.integers(-(2**26), 2**26),
    st.floats(allow_nan=False, allow_infinity=False),
    st.floats(width=32, allow_nan=False, allow_infinity=False),
    st.decimals(-1000, 1000, places=2).map(float),
    # Around halfway between two float4, just over and just under.
    st.builds(lambda whole, end: whole + 0.5 + end, st.integers(2**22, 2**24), st.sampled_from([0, 1e-9, -1e-9, 0.25])),
)
KEYS = st.lists(st.sampled_from(["soe", "target_power", "time", "command_source", "other"]), max_size=4, unique=True)


def read(body: bytes, columns: tuple[str, ...] | None, short: bool) -> Any:
    """Count, keys, and the measures as float4; or the refusal."""
    try:
        payload = parse(body, JSON, columns, BESS if short else None)
        found: dict[str, list[Any]] = {}
        for key, values in payload.values.items():
            if isinstance(values, pa.Array):
                found[key] = values.to_pylist()
            elif key in ("soe", "target_power"):
                sent = [None if value is plain.MISSING else value for value in values]
                found[key] = column(BESS.by_name[key], sent, 0).to_pylist()
            else:
                found[key] = [bytes(value) if isinstance(value, msgspec.Raw) else value for value in values]
        return payload.count, found
    except Refusal as refusal:
        return refusal.code, refusal.message


@given(st.lists(st.fixed_dictionaries({"soe": NUMBERS, "target_power": NUMBERS, "time": st.just("now")}), max_size=4))
def test_numbers(rows: list[dict[str, Any]]) -> None:
    body = json.dumps(rows).encode()
    assert read(body, None, short=True) == read(body, None, short=False)


@given(KEYS, KEYS, st.none() | KEYS.map(tuple).filter(bool), st.booleans())
def test_keys(first: list[str], second: list[str], columns: tuple[str, ...] | None, number: bool) -> None:
    value = 1.5 if number else "1.5"
    body = json.dumps([dict.fromkeys(keys, value) for keys in (first, second)]).encode()
    assert read(body, columns, short=True) == read(body, columns, short=False)


@pytest.mark.parametrize(
    "number",
    [
        "1e39", "3.4028235677973366e38", "3.4028235e38", "1e-39", "1e-400", "0." + "0" * 400 + "1", "-0.0", "0", "1E5",
        "16777217", "16777217.0000000000001", "16777216.9999999999999", "-16777219.00000000000001", "1e400", "9" * 50,
        '"NaN"', "true", "null", "[1]", "{}",
    ],
)  # fmt: skip
def test_odd_numbers(number: str) -> None:
    for body in (f'{{"soe":{number},"target_power":1}}', f'[{{"soe":1}},{{"soe":{number}}}]'):
        assert str(read(body.encode(), None, short=True)) == str(read(body.encode(), None, short=False))


def test_the_short_way_is_taken() -> None:
    found = plain.values(b'[{"time":"now","soe":415.2},{"time":"now","soe":null}]', BESS, None)
    assert found is not None
    assert found[0] == 2
    assert found[1]["soe"].equals(pa.array([415.2, None], pa.float32()))
    assert plain.values(b'[{"time":"now","soe":1,"x":2}]', BESS, ("time", "soe")) is not None
    assert plain.values(b'[{"time":"now","soe":1,"x":2}]', BESS, None) is None
