"""The newest value of each column, whatever the rows that told it."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from wattline.metering.fields import LAYOUT
from wattline.model.record import Fate, Mark, Quality, Row
from wattline.registry.stream import Stream
from wattline.topology.last_rows import MOST_ROWS, Kept, LastRows

COLUMNS = (0, 2, 3, 5)
Told = tuple[int, tuple[float | None, ...]]


def _stream() -> Stream:
    return Stream(1, None, LAYOUT, ())  # type: ignore[arg-type]


def _row(time: int, values: tuple[float | None, ...], **more: object) -> Row:
    return Row(1, time, 0, values, **more)  # type: ignore[arg-type]


def _newest(kept: Kept) -> dict[int, tuple[int, float]]:
    found: dict[int, tuple[int, float]] = {}
    for row in kept.newest():
        for column in kept.columns:
            value = row.values[column]
            if value is not None:
                found.setdefault(column, (row.time, value))
    return found


VALUES = st.lists(st.one_of(st.none(), st.integers(0, 99).map(float)), min_size=6, max_size=6).map(tuple)


@settings(max_examples=300)
@given(st.lists(st.tuples(st.integers(0, 12), VALUES), max_size=40))
def test_each_column_has_its_newest_value(told: list[Told]) -> None:
    """Rows in any order, late ones too; of two of one time the later says what counts."""
    last = LastRows()
    kept = last.of(_stream(), COLUMNS)
    for time, values in told:
        last.heard([_row(time, values)])
    expected: dict[int, tuple[int, float]] = {}
    for time, values in told:
        for column in COLUMNS:
            value = values[column]
            if value is not None and (column not in expected or time >= expected[column][0]):
                expected[column] = (time, value)
    assert _newest(kept) == expected
    assert [row.time for row in kept.rows] == sorted((row.time for row in kept.rows), reverse=True)
    assert len(kept.rows) <= MOST_ROWS


def test_rows_alike_take_one_place() -> None:
    kept = LastRows().of(_stream(), COLUMNS)
    for time in range(100):
        kept.take(_row(time, (1.0, None, 2.0, None, None, None)))
        kept.take(_row(time, (None, 9.0, None, float(time), None, None)))
    assert len(kept.rows) == 2
    assert _newest(kept) == {0: (99, 1.0), 2: (99, 2.0), 3: (99, 99.0)}


def test_it_begins_with_what_the_stream_knows_and_widens() -> None:
    stream = _stream()
    stream.latest = _row(5, (1.0, 2.0, 3.0, None, None, 4.0))
    last = LastRows()
    kept = last.of(stream, (0,))
    assert _newest(kept) == {0: (5, 1.0)}
    assert last.of(stream, (5, 0)) is kept
    assert _newest(kept) == {0: (5, 1.0), 5: (5, 4.0)}


def test_what_was_taken_back_is_not_kept() -> None:
    stream = _stream()
    last = LastRows()
    kept = last.of(stream, COLUMNS)
    kept.asked = True
    last.heard([_row(1, (1.0,) * 6), _row(2, (2.0,) * 6)])
    stream.latest = None
    last.heard([_row(2, (None,) * 6, mark=Mark(bytes(16), 0, Fate.REMOVED))])
    assert (_newest(kept), kept.asked) == ({}, False)
    last.heard([_row(3, (3.0,) * 6)])
    void = (Quality.VOID, *(0,) * 5)
    last.heard([_row(3, (3.0,) * 6, quality=void, mark=Mark(bytes(16), 0, Fate.EDITED))])
    assert _newest(kept) == {}
