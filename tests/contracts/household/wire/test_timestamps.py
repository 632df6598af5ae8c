"""One instant, however a device tells it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wattline.contracts.household.wire.timestamps import OutOfRange, instant, instant_of

SECONDS = 1727690400


@pytest.mark.parametrize(
    ("stamp", "unit"), [(SECONDS, "s"), (SECONDS * 10**3, "ms"), (SECONDS * 10**6, "us"), (SECONDS * 10**9, "ns")]
)
def test_the_size_tells_the_unit(stamp: int, unit: str) -> None:
    assert instant(stamp) == (SECONDS * 10**6, unit)
    assert instant_of(str(stamp)) == (SECONDS * 10**6, unit)


@given(st.integers(10**15, 10**16 - 1))
def test_every_unit_lands_on_the_same_instant(micros: int) -> None:
    assert instant(micros) == (micros, "us")
    assert instant(micros * 1000 + 999) == (micros, "ns")
    assert instant(micros // 1000) == (micros // 1000 * 1000, "ms")
    assert instant(micros // 10**6) == (micros // 10**6 * 10**6, "s")


def test_zero_is_now() -> None:
    assert instant(0)[0] is None
    assert instant_of(0.0)[0] is None


EDGES = [10**9, 10**10, 10**12, 10**13, 10**15, 10**16, 10**18, 10**19]


@pytest.mark.parametrize("stamp", [-1, 1, 10**9 - 1, 10**10, 10**12 - 1, 10**13, 10**15 - 1, 10**16, 10**18 - 1, 10**19])
def test_other_sizes_are_no_time(stamp: int) -> None:
    for given_as in (stamp, float(stamp) if abs(stamp) < 10**13 else stamp, str(stamp)):
        with pytest.raises(OutOfRange):
            instant_of(given_as)
    assert instant(EDGES[0])[0] == 10**15
    assert instant(2**64 - 1 if 2**64 - 1 < 10**19 else 10**19 - 1)[1] == "ns"


@pytest.mark.parametrize(
    ("stamp", "micros"),
    [
        (1727690400.25, 1727690400250000),
        (1727690400000.5, 1727690400000500),
        ("2024-09-30T10:00:00Z", 1727690400000000),
        ("2024-09-30T12:00:00.000001+02:00", 1727690400000001),
        ("2024-09-30T10:00:00", 1727690400000000),
    ],
)
def test_decimals_and_texts(stamp: float | str, micros: int) -> None:
    assert instant_of(stamp)[0] == micros


@pytest.mark.parametrize(
    "stamp",
    [
        "",
        "now",
        "1970-01-01T00:00:00Z",
        "2000-01-01T00:00:00Z",
        "2300-01-01T00:00:00Z",
        "0001-01-01T00:00:00+23:59",
        "9" * 5000,
        "２０２４-09-30",
        0.5,
        float("inf"),
        float("nan"),
        -1727690400.0,
    ],
)
def test_what_is_no_time(stamp: float | str) -> None:
    with pytest.raises(OutOfRange):
        instant_of(stamp)
