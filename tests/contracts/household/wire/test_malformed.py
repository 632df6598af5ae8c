"""Bytes that are no message: refused at once, whatever their length."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from wattline.contracts.household.wire import fields, requests
from wattline.contracts.household.wire.fields import Malformed
from wattline.contracts.household.wire.requests import Reading, _plain, _thorough

READERS = (requests.reading, requests.token_request, requests.script_accepted)

NO_MESSAGES = [
    ("a length beyond the end", "0a1e4142"),
    ("a length that does not end", "0aff"),
    ("a length of 64 bits", "0affffffffffffffffff0141"),
    ("a length of more than 64 bits", "0affffffffffffffffff0241"),
    ("a number of eleven bytes", "08808080808080808080808001"),
    ("a tag that does not end", "80"),
    ("field 0", "0001"),
    ("a field number beyond the most", "8080808010" + "01"),
    ("a group", "7b7c"),
    ("the end of a group", "7c"),
    ("wire type 6", "7e01"),
    ("wire type 7", "7f01"),
    ("half an eight", "f90300112233"),
    ("half a four", "fd030011"),
    ("no UTF-8", "0a02c328"),
    ("a surrogate", "0a03eda080"),
    ("a token that is a number", "0801"),
]


@pytest.mark.parametrize("read", READERS)
@pytest.mark.parametrize("data", [data for _, data in NO_MESSAGES], ids=[name for name, _ in NO_MESSAGES])
def test_no_message(read: object, data: str) -> None:
    with pytest.raises(Malformed):
        read(bytes.fromhex(data))  # type: ignore[operator]


@pytest.mark.parametrize("data", ["1801", "1a0131", "2001", "2d00000000", "310000000000000000", "120131", "1500000000"])
def test_a_known_field_of_a_reading_with_a_wire_type_that_it_never_had(data: str) -> None:
    """A value that was skipped would be taken for zero."""
    with pytest.raises(Malformed):
        requests.reading(bytes.fromhex(data))


def test_the_last_of_a_repeated_field_counts() -> None:
    found = requests.reading(bytes.fromhex("0a01410a0142100110001d00509a4419adfa5c6d454a9340"))
    assert found == Reading("B", 0, 1234.5678)
    found = requests.reading(bytes.fromhex("19adfa5c6d454a93401d00509a44"))
    assert (found.value, found.single) == (1234.5, True)


def test_a_type_is_a_number_of_32_bits_with_its_sign() -> None:
    assert requests.reading(bytes.fromhex("10ffffffffffffffffff01")).kind == -1
    assert requests.reading(bytes.fromhex("108180808010")).kind == 1


def test_numbers_may_be_padded() -> None:
    assert requests.reading(bytes.fromhex("0a8100418a0001421081003081808000")) == Reading("B", 1, timestamp=1)


PIECES = [
    "0a0141",
    "0a00",
    "1001",
    "1083808000",
    "19adfa5c6d454a9340",
    "1d00509a44",
    "21adfa5c6d454a9340",
    "29adfa5c6d454a9340",
    "3080c2fd92a432",
    "30ffffffffffffffff7f",
    "30ffffffffffffffffff01",
    "3a0141",
    "08",
    "19",
]


@given(st.lists(st.sampled_from(PIECES), max_size=8).map(lambda parts: bytes.fromhex("".join(parts))) | st.binary(max_size=40))
@example(bytes.fromhex("0ac801"))
def test_the_fast_way_reads_as_the_thorough_one(data: bytes) -> None:
    found = _plain(data)
    if found is None:
        return
    other = _thorough(data)
    assert repr(found) == repr(other)


def test_a_long_number_costs_no_more_than_its_length() -> None:
    for data in (b"\x30" + b"\xff" * 4095, b"\xff" * 4096, b"\x0a" + b"\x80" * 4095):
        with pytest.raises(Malformed):
            requests.reading(data)


def test_fields_of_many_are_read_once() -> None:
    data = b"\xa2\x06\x00" * 1000
    assert [number for number, _, _ in fields.fields(data)] == [100] * 1000
    assert requests.reading(data) == Reading()
