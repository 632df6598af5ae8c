"""Columns as CSV: times by local clocks, no formulas, RFC 4180."""

from __future__ import annotations

import csv
import io
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wattline.metering.export.csv_text import cell, lines, numbers, repeated, stamps
from wattline.model.clock import from_micros


@settings(deadline=None)
@given(
    st.lists(st.integers(0, 4_000_000_000_000_000), min_size=1, max_size=20),
    st.sampled_from(["Europe/Berlin", "America/St_Johns", "Asia/Kathmandu", "UTC"]),
)
def test_times_are_those_of_the_clock(times: list[int], name: str) -> None:
    zone = ZoneInfo(name)
    found = stamps(np.array(times, np.int64), zone, fraction=True).to_pylist()
    assert found == [from_micros(each).astimezone(zone).isoformat(timespec="microseconds") for each in times]
    utc = stamps(np.array(times, np.int64), None, fraction=False).to_pylist()
    assert utc == [from_micros(each).isoformat(timespec="seconds").replace("+00:00", "Z") for each in times]


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx"])
def test_no_text_is_a_formula(text: str) -> None:
    assert cell(text).strip('"').startswith("'")


def test_a_reader_of_csv_reads_what_was_written() -> None:
    name = 'Hall "B", north\nside'
    text = lines([repeated(name, 2), numbers(np.array([1.5, np.nan])), pa.nulls(2, pa.string())]).decode()
    assert text.endswith("\r\n")
    assert list(csv.reader(io.StringIO(text, newline=""))) == [[name, "1.5", ""], [name, "", ""]]
