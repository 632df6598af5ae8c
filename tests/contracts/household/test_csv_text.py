"""The text of a CSV file: plain decimals, safe cells, UTC times; and what a request may ask for."""

from __future__ import annotations

import csv
import io
import math
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.datastructures import QueryParams

from wattline.contracts.household.csv_range import bound, german, single, span
from wattline.contracts.household.csv_text import EXCEL, cell, line, numbers, plain, table
from wattline.model.clock import DAY, HOUR, SECOND, from_micros, to_micros
from wattline.model.errors import Invalid

BERLIN = ZoneInfo("Europe/Berlin")
TIMES = st.integers(0, 4_000_000_000 * SECOND)
FLOATS = st.floats(allow_nan=True, allow_infinity=True) | st.integers(-(10**13), 10**13).map(lambda n: n / 1e6)


@settings(deadline=None)
@given(st.lists(FLOATS, min_size=1))
def test_a_number_is_read_as_what_it_was(values: list[float]) -> None:
    texts = numbers(np.array(values)).to_pylist()
    for value, text in zip(values, texts, strict=True):
        if not math.isfinite(value):
            assert text is None
            continue
        assert float(text) == value
        assert "e" not in text.lower()
        assert len(text) == len(plain(Decimal(repr(value)))), "the shortest form"
        assert not text.startswith("-0") or value < 0


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1e-6, "0.000001"),
        (0.00001, "0.00001"),
        (-0.0, "0"),
        (1234.5678, "1234.5678"),
        (20000.0, "20000"),
        (1e22, "10000000000000000000000"),
        (2e-9, "0.000000002"),
        (-345.6, "-345.6"),
    ],
)
def test_numbers_have_no_exponent(value: float, text: str) -> None:
    assert numbers(np.array([value])).to_pylist() == [text]


@settings(deadline=None)
@given(st.lists(st.tuples(TIMES, FLOATS, FLOATS), min_size=1, max_size=40))
def test_a_table_is_what_a_csv_reader_reads(rows: list[tuple[int, float, float]]) -> None:
    times = np.array([time for time, _, _ in rows], np.int64)
    columns = [np.array([row[at] for row in rows]) for at in (1, 2)]
    read = list(csv.reader(io.StringIO(table(columns, times).decode())))
    for (time, *values), cells in zip(rows, read, strict=True):
        assert [float(text) if text else None for text in cells[:2]] == [v if math.isfinite(v) else None for v in values]
        assert datetime.fromisoformat(cells[2]) == from_micros(time // 1000 * 1000)
        assert len(cells[2]) == 24
        assert cells[2].endswith("Z")
    german_rows = list(csv.reader(io.StringIO(table(columns, times, EXCEL).decode()), delimiter=";"))
    assert german_rows == [[*(text.replace(".", ",") for text in cells[:2]), cells[2]] for cells in read]


def test_a_table_ends_its_last_line() -> None:
    text = table([np.array([1.5, np.nan]), np.array([np.nan, 0.25])], np.array([0, 1_500_000]))
    assert text == b"1.5,,1970-01-01T00:00:00.000Z\n,0.25,1970-01-01T00:00:01.500Z\n"


@pytest.mark.parametrize("begin", ["=", "+", "-", "@", "\t", "\r", "\n"])
def test_no_text_is_a_formula(begin: str) -> None:
    assert next(csv.reader(io.StringIO(cell(f"{begin}1+1", EXCEL)), delimiter=";"))[0].startswith("'")
    assert line([f"{begin}cmd|'/c calc'!A1"]).lstrip(b'"').startswith(b"'")


@settings(deadline=None)
@given(st.lists(st.text(), min_size=2))
def test_a_line_is_read_as_its_cells(cells: list[str]) -> None:
    spelt = [text.encode("utf-8", "replace").decode() for text in cells]
    read = next(csv.reader(io.StringIO(line(cells).decode(), newline=""), strict=True))
    assert [text.removeprefix("'") for text in read] == [text.removeprefix("'") for text in spelt]


def test_a_line_keeps_its_numbers() -> None:
    assert line(["a", None, -3, Decimal("-0.100"), Decimal("1E+3")]) == b"a,,-3,-0.1,1000\n"
    assert line([Decimal("1.5"), "a;b"], EXCEL) == b'1,5;"a;b"\n'


@pytest.mark.parametrize(
    ("header", "native"),
    [
        (None, True),
        ("", True),
        ("*", True),
        ("de", True),
        ("de-DE,de;q=0.9,en;q=0.8", True),
        ("en-US,en;q=0.9,de;q=0.8", False),
        ("en", False),
        ("fr", False),
        ("fr,de;q=0.5", True),
        ("fr, *;q=0.1", True),
        ("en;q=0.5, de;q=0.5", True),
        ("de;q=0", False),
        ("de;q=0, *", False),
        ("en;q=abc", True),
        (";;,,=", True),
    ],
)
def test_a_header_is_german_unless_another_language_is_preferred(header: str | None, native: bool) -> None:
    assert german(header) is native


def asked(start: str | None = None, end: str | None = None) -> tuple[int, int]:
    query = QueryParams({name: text for name, text in (("start", start), ("end", end)) if text is not None})
    return span(bound(query, "start"), bound(query, "end"), BERLIN)


def test_days_are_local_and_both_included() -> None:
    low, high = asked("2026-03-29", "2026-03-29")
    assert (low, high - low) == (to_micros(datetime(2026, 3, 28, 23, tzinfo=UTC)), 23 * HOUR)
    low, high = asked("2025-10-26", "2025-10-27")
    assert high - low == 49 * HOUR
    assert asked() == (0, 2**52 // DAY * DAY)
    assert asked(end="2023-01-31")[1] == to_micros(datetime(2023, 1, 31, 23, tzinfo=UTC))


@pytest.mark.parametrize(
    "text",
    [
        "2026-06-11T14:32:00Z",
        "2026-06-11T16:32:00+02:00",
        "2026-06-11T16:32:00 02:00",
        "2026-06-11t16:32:00.000 0200",
        "2026-06-11T16:32 02:00",
        "2026-06-11 16:32:00",
        "2026-06-11T16:32",
    ],
)
def test_instants_are_included_to_their_millisecond(text: str) -> None:
    moment = to_micros(datetime(2026, 6, 11, 14, 32, tzinfo=UTC))
    assert asked(text, text) == (moment, moment + 1000)


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", "yesterday", "2026-13-01", "2026-02-30", "20260101", "2026-W01-1", "2026-01-01T25:00Z", "1767225600"),
        *("٢٠٢٦-٠١-٠١", "2026-01-01T00:00:00+99:00", "2026-01-01'--", "9" * 10_000, f"2026-01-01T00:00:00.{'0' * 5000}Z"),
    ],
)
@pytest.mark.parametrize("name", ["start", "end"])
def test_what_is_no_time_is_refused_by_name(name: str, text: str) -> None:
    with pytest.raises(Invalid, match=name) as refused:
        asked(**{name: text})
    assert refused.value.field == name


def test_the_end_is_not_before_the_start() -> None:
    for start, end in (("2026-01-02", "2026-01-01"), ("2026-01-01T00:00:01Z", "2026-01-01T00:00:00.999Z")):
        with pytest.raises(Invalid, match="end"):
            asked(start, end)


@pytest.mark.parametrize("text", ["0001-01-01", "9999-12-31", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00"])
def test_times_beyond_every_reading_are_no_trouble(text: str) -> None:
    for low, high in (asked(start=text), asked(end=text)):
        assert 0 <= low <= 2**52
        assert 0 <= high <= 2**52 + 1000


def test_a_parameter_is_given_once() -> None:
    with pytest.raises(Invalid, match="more than once"):
        single(QueryParams("start=2026-01-01&start=2026-01-02"), "start")


@settings(deadline=None)
@given(st.dates(date(2020, 1, 1), date(2030, 1, 1)), st.integers(0, 40))
def test_a_range_of_days_has_every_instant_of_them(first: date, more: int) -> None:
    last = first + timedelta(days=more)
    low, high = asked(first.isoformat(), last.isoformat())
    assert from_micros(low).astimezone(BERLIN).date() == first
    assert from_micros(low - 1).astimezone(BERLIN).date() < first
    assert from_micros(high - 1).astimezone(BERLIN).date() == last
    assert from_micros(high).astimezone(BERLIN).date() > last
