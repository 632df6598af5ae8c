"""Times in and out, compared with PostgreSQL in several zones."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wattline.contracts.flux.catalog import Type
from wattline.contracts.flux.values import columns, moment, render, times, zones

from .conftest import Oracle
from .refusals import BATCH, forms, told

ZONES = [None, "Europe/London", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe"]
FORMS = forms(
    """2024-01-01T12:00:00Z|2024-01-01 12:00:00|2024-01-01|epoch|infinity|-infinity|+infinity|inf|-inf|epoch 10:00|now 10:00
2024-01-01T12|2024-01-01 12|2024-01-01T12Z|2024-01-01T1200|2024-01-01T120000|2024-01-01 120000|20240101|20240101T120000
20240101T120000Z|20240101 120000|20240101T120000.5+01|20240101120000|240101|2024-1-5|24-1-5|2024/01/05|1/8/1999|13/8/1999
1-8-1999|1.8.1999|1/8/70|1/8/69|2024.001|2024-001|2024-366|2023-366|2023-367|2023-000|J2451187|January 8, 1999
8 January 1999|Jan-08-1999|08-Jan-1999|1999-Jan-08|Jan 8 1999 12:00|2024-01-01 12:00 PM|2024-01-01 12:00 AM
2024-01-01 13:00 PM|2024-01-01 1:30pm|2024-01-01 12:00:00 Europe/London|2024-06-01 12:00 europe/london
2024-06-01 12:00 America/New_York|2024-01-01 12:00:00 EST|2024-01-01T12:00:00EST|2024-01-01 12:00:00 UTC+3
2024-01-01 Foo/Bar|2024-01-01 foo|2024-01-01T12:00:00+0100|2024-01-01T12:00:00+01:00:30|2024-01-01T12:00:00+1
2024-01-01T12:00:00+100|2024-01-01T12:00:00 +01|2024-01-01T12:00:00 01:00|2024-01-01T12:00:00+ 01|2024-01-01T12:00:00+16
2024-01-01T12:00:00+15:59|2024-01-01T12:00:00+01:60|2024-13-01|2024-02-30|2024-02-29|2023-02-29|1900-02-29|2000-02-29
2024-00-01|2024-01-32|2024-01-00|2024-01-01 24:00:00|2024-01-01 24:00:01|2024-01-01 25:00|2024-01-01 23:59:60
2024-01-01 23:59:60.5|2024-01-01 23:59:61|2024-01-01 12:60|2024-01-01 23:59:59.9999999|x||  2024-01-01  |y
2024-01-01T12:00:00.123456789|2024-01-01T12:00:00.1234565|2024-01-01T12:00:00.1234575|2024-01-01T12:00:00.
2024-01-01T12:00:00,5|2024-01-01T12:00.5|44-03-15 BC|0044-03-15 BC|0044-03-15 12:00 BC|0044-03-15 12:00 AD|4714-11-25 BC
4714-11-22 BC|294278-01-01|10000-01-01|294000-06-01 00:00:00.000001|99999999-01-01|999999999999-01-01|0000-01-01|0-01-01
001-01-01|2024-01-01T|2024-01-01t12:00z|2024-01-01Z|2024-01-01+01|2024-01-01 +01|12:00|Mon 2024-01-01
Monday, January 1, 2024 12:00|Mon, 01 Jan 2024 12:00:00 GMT|2024-01-01T12:00:00.5Zfoo|2024-01-01T12:00:00-00:00
2024-01-01T12:00:00−01|2024-01-01T12:00:00.000Z|2024-01-01T12:00:00+01:00 BC|2024-W01-1|2024-01|2024|20240132|1704110400
2024-01-01 zulu|2024-01-01 12:00 z|2024-01-01 12:00:00 PST8PDT|January|2024-01-01 2024-01-02
2024-01-01 12:00 13:00|2024-01-01 12:0:0|2024-01-01 1:2:3|2024-01-01 12:00:00.5.5|2024-01-01 -1:00|2024-1-1T1:2|invalid
current|1800-01-01 00:00 Europe/London|2024-01-01T12:00:00.0000000001|2024-01-01T12:00:00.99999949999999|2024-03-31 01:30
2024-03-31 00:59|2024-03-31 02:00|2024-10-27 01:30|2024-10-27 00:59|2024-10-27 02:00|1800-01-01|1847-12-01 00:00|2500-07-01
20000-07-01|0044-07-01 BC|2024-03-10 02:30|2024-11-03 01:30|2024-10-06 02:15|2024-04-07 01:45"""
)


def zone_of(oracle: Oracle, name: str | None) -> ZoneInfo | None:
    oracle.zone(name or "UTC")
    return ZoneInfo(name) if name else None


def instants(oracle: Oracle, texts: list[str]) -> list[Any]:
    """Microseconds since 1970, infinities as we hold them."""
    query = """SELECT CASE x::timestamptz WHEN 'infinity' THEN 9223372036854775807 WHEN '-infinity' THEN -9223372036854775808
               ELSE extract(epoch FROM x::timestamptz) * 1000000 END FROM t"""
    return [int(value) for value in oracle.column(query, texts)]


def compare(oracle: Oracle, texts: list[str], zone: ZoneInfo | None) -> None:
    """Each text by itself, and those that are times as one column."""
    answers = oracle.cast(texts, "timestamptz")
    good = [text for text, answer in zip(texts, answers, strict=True) if len(answer) == 1]
    known = dict(zip(good, instants(oracle, good), strict=True))
    for text, answer in zip(texts, answers, strict=True):
        assert told(lambda text=text: moment.parse(text, 0, zone)) == known.get(text, answer), text
    column = columns.parse(Type.TIMESTAMPTZ, pa.array([None, *good], pa.string()), 0, zone)
    assert column.to_pylist() == [None, *(known[text] for text in good)]


@pytest.mark.parametrize("name", ZONES)
def test_every_form_of_a_time_is_read_as_postgresql_reads_it(oracle: Oracle, name: str | None) -> None:
    compare(oracle, FORMS, zone_of(oracle, name))


plain = st.from_regex(
    r"(19|20)[0-9]{2}-(0[1-9]|1[0-2])-([0-2][0-9]|3[01])([T ]([01][0-9]|2[0-4]):[0-5][0-9](:[0-5][0-9](\.[0-9]{1,9})?)?"
    r"(Z|[+-](0[0-9]|1[0-6])(:?[0-5][0-9])?)?)?",
    fullmatch=True,
)


@BATCH
@given(st.lists(plain, min_size=60, max_size=200), st.sampled_from(ZONES))
def test_any_iso_time_is_read_as_postgresql_reads_it(session_oracle: Oracle, texts: list[str], name: str | None) -> None:
    compare(session_oracle, texts, zone_of(session_oracle, name))


def test_the_words_of_the_day_go_by_the_clock_and_the_zone() -> None:
    now, london = 1_719_788_400_500_000, ZoneInfo("Europe/London")  # 2024-06-30T23:00:00.5Z, past midnight in London
    hour = 3_600_000_000
    assert moment.parse(" NOW ", now) == moment.parse("now", now, london) == now
    assert moment.parse("today", now) == 1_719_705_600_000_000
    assert moment.parse("today", now, london) == 1_719_788_400_000_000
    assert moment.parse("tomorrow 01:00", now) == 1_719_705_600_000_000 + 25 * hour
    assert moment.parse("yesterday", now, london) == 1_719_788_400_000_000 - 24 * hour
    assert moment.parse("today 04:00+02", now) == 1_719_705_600_000_000 + 2 * hour


def test_a_time_beyond_what_a_column_holds_is_refused() -> None:
    for text in ("294247-01-10T04:00:54.775807Z", "294276-12-31", "x" * 200, "2024-01-01 " + "a_" * 60 + "!"):
        assert told(lambda text=text: moment.parse(text, 0))[0] in {"22007", "22008"}


def test_infinities_mix_with_other_times_in_a_column() -> None:
    column = columns.parse(Type.TIMESTAMPTZ, pa.array(["infinity", "1970-01-01", "-infinity"]), 0)
    assert column.to_pylist() == [moment.INFINITY, 0, moment.MINUS_INFINITY]


@pytest.mark.parametrize(("quote", "separator"), [("", " "), ('"', "T")])
@BATCH
@given(
    st.lists(
        st.one_of(
            st.integers(-210_866_803_200_000_000, 9_223_371_331_199_999_999),
            st.integers(1_700_000_000, 1_800_000_000).map(lambda second: second * 1_000_000),
            st.integers(-5_000_000_000_000_000, 5_000_000_000_000_000),
            st.sampled_from([moment.INFINITY, moment.MINUS_INFINITY, 0, -1, 253_402_300_800_000_000, -62_135_596_800_000_001]),
        ),
        min_size=50,
    ),
    st.sampled_from(ZONES),
)
def test_times_are_printed_as_postgresql_prints_them(
    session_oracle: Oracle, quote: str, separator: str, values: list[int], name: str | None
) -> None:
    zone = zone_of(session_oracle, name)
    texts = [
        {moment.INFINITY: "infinity", moment.MINUS_INFINITY: "-infinity"}.get(us) or times.one(us, None, json=False)
        for us in values
    ]
    # The oracle first reads our own text of the time in UTC, which must be the very same time to it.
    assert instants(session_oracle, texts) == values
    array = pa.array([*values, None], pa.int64())
    if quote:
        theirs = session_oracle.column("SELECT to_json(x::timestamptz)::text FROM t", texts)
        ours = render.print_json(array, Type.TIMESTAMPTZ, zone)
    else:
        theirs = session_oracle.column("SELECT x::timestamptz::text FROM t", texts)
        ours = render.print_text(array, Type.TIMESTAMPTZ, zone)
    assert ours.to_pylist() == [*theirs, None]


def test_offsets_of_a_column_change_within_a_day() -> None:
    london = ZoneInfo("Europe/London")
    change = 1_711_846_800_000_000  # 2024-03-31T01:00:00Z
    found = zones.offsets(np.array([change - 1, change, change + 1], np.int64), london)
    assert found.tolist() == [0, 3600, 3600]


def test_zones_are_found_in_any_case() -> None:
    assert zones.named("europe/LONDON") == ZoneInfo("Europe/London")
    for name in ("", "nowhere", "../etc/passwd", "/etc/localtime", "Europe"):
        assert zones.named(name) is None
