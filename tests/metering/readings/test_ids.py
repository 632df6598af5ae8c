"""The ids of readings and of their events."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from wattline.metering.readings.ids import ulid

DIGITS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
streams = st.integers(1, 2**32 - 1)
times = st.integers(0, 2**52)
revisions = st.integers(0, 2**16 - 1)


def number(text: str) -> int:
    """What the digits of a ULID say, as its specification has it."""
    found = 0
    for digit in text:
        found = found * 32 + DIGITS.index(digit)
    return found


@given(streams, times, revisions)
def test_an_id_says_stream_time_and_revision(stream: int, time: int, replaced: int) -> None:
    text = ulid(stream, time, replaced)
    assert len(text) == 26
    whole = number(text)
    assert whole < 2**128
    milliseconds, micros = whole >> 80, whole >> 64 & 0xFFFF
    assert milliseconds * 1000 + micros == time
    assert (whole >> 32 & 0xFFFFFFFF, whole >> 16 & 0xFFFF) == (stream, replaced)


@given(streams, times, streams, times)
def test_ids_are_in_the_order_of_time(one: int, first: int, other: int, second: int) -> None:
    assert (ulid(one, first) < ulid(other, second)) == ((first, one) < (second, other))


def test_the_milliseconds_are_where_every_ulid_has_them() -> None:
    # The time part of the specification's example, 01ARZ3NDEK: 2016-07-30T23:54:10.259Z.
    assert ulid(1, 1469922850259 * 1000).startswith("01ARZ3NDEK")
