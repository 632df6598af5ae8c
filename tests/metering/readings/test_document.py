"""Readings as JSON: what is read at once is what is read with care, and nothing hostile does more than be refused."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wattline.metering.fields import COLUMN, FIELDS, NAMES
from wattline.metering.readings.careful import MOST_FAULTS, bounded, careful, parsed
from wattline.metering.readings.document import Malformed, Plain, plain, read
from wattline.metering.readings.model import Reading

PAGE = b'{"total_power":3600.0,"total_energy":1500.0,"voltage_a":230.1,"timestamp":"2025-10-16T10:00:00Z"}'
EARLY, LATE = (datetime(year, 1, 2, tzinfo=UTC).replace(tzinfo=None) for year in (1970, 2200))


def codes(content: bytes) -> dict[str, str]:
    return {fault.pointer: fault.code for fault in read(content).faults}


def at_once(content: bytes) -> list[Reading] | None:
    """As it is read where nothing is odd about it."""
    return plain([msgspec.json.decode(content, type=Plain)], content.count(b'"'))


def test_the_reading_of_the_page() -> None:
    found = read(PAGE)
    assert found.faults == found.ignored == ()
    assert {name: value for name, value in zip(NAMES, found.values, strict=True) if value is not None} == {
        "total_power": 3600.0,
        "total_energy": 1500.0,
        "voltage_a": 230.1,
    }
    assert found.timestamp == datetime(2025, 10, 16, 10, tzinfo=UTC)
    assert at_once(PAGE) == [found]


fields = st.fixed_dictionaries(
    {},
    optional={field.name: st.one_of(st.floats(field.low, field.high), st.integers(0, 1)) for field in FIELDS[:8]},
)
beside = st.fixed_dictionaries(
    {},
    optional={
        "timestamp": st.datetimes(EARLY, LATE, timezones=st.sampled_from([None, UTC, timezone(timedelta(hours=-5))])).map(
            datetime.isoformat
        ),
        "meter_id": st.integers(1, 2**31 - 1),
        "breaker_state": st.sampled_from(["open", "closed", "tripped"]),
        "quality": st.sampled_from(["good", "uncertain", "bad"]),
        "seq": st.integers(0, 2**53 - 1),
        "extra": st.dictionaries(
            st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=64), st.floats(-1e9, 1e9), max_size=4
        ),
    },
)
anything = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3)),
    max_leaves=6,
)


@given(fields, beside)
def test_read_at_once_and_with_care_are_the_same(values: dict[str, Any], more: dict[str, Any]) -> None:
    content = json.dumps(values | more).encode()
    found = careful(parsed(content))
    assert read(content) == found
    if not values:
        assert [fault.code for fault in found.faults] == ["no_measurement"]
    else:
        assert found.faults == ()
        for name, value in values.items():
            assert found.values[COLUMN[name]] == value


@given(st.dictionaries(st.one_of(st.sampled_from([*NAMES, "timestamp", "seq", "extra"]), st.text(max_size=8)), anything))
def test_any_object_is_read_or_refused_in_words(value: dict[str, Any]) -> None:
    content = json.dumps(value).encode()
    try:
        found = read(content)
    except Malformed:
        return
    assert found == careful(parsed(content))
    assert found.faults or any(each is not None for each in found.values)
    msgspec.json.encode([*found.faults, found.ignored])


@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(content: bytes) -> None:
    for text in (content, b'{"total_power":' + content + b"}", b'{"total_power":1,"' + content + b'":1}'):
        try:
            found = read(text)
        except Malformed:
            continue
        msgspec.json.encode([*found.faults, found.ignored])


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ('{"total_power":1,"total_power":1}', {"/total_power": "repeated"}),
        ('{"total_power":1,"total\\u005fpower":2}', {"/total_power": "repeated"}),
        ('{"total_power":1,"extra":{"a":1,"a":1}}', {"/extra/a": "repeated"}),
        ('{"total_power":NaN}', {"/total_power": "not_finite"}),
        ('{"total_power":-Infinity,"frequency":50}', {"/total_power": "not_finite"}),
        ('{"total_power":1e999}', {"/total_power": "not_finite"}),
        ('{"total_power":' + "9" * 5000 + "}", {"/total_power": "not_finite"}),
        ('{"total_power":1000000000.1}', {"/total_power": "out_of_range"}),
        ('{"total_energy":-0.1}', {"/total_energy": "out_of_range"}),
        ('{"voltage_a":1000000.1,"frequency":101}', {"/voltage_a": "out_of_range", "/frequency": "out_of_range"}),
        ('{"power_factor":1.01}', {"/power_factor": "out_of_range"}),
        ('{"thd_v_a":1000.5}', {"/thd_v_a": "out_of_range"}),
        ('{"total_power":true}', {"/total_power": "type"}),
        ('{"total_power":"1"}', {"/total_power": "type"}),
        ('{"total_power":[1]}', {"/total_power": "type"}),
        ('{"total_power":null}', {"": "no_measurement"}),
        ('{"breaker_state":"open"}', {"": "no_measurement"}),
        ('{"extra":{"a":1}}', {"": "no_measurement"}),
        ("{}", {"": "no_measurement"}),
        ("[]", {"": "type"}),
        ("1", {"": "type"}),
        ("null", {"": "type"}),
        ('{"total_power":1,"meter_id":0}', {"/meter_id": "out_of_range"}),
        ('{"total_power":1,"meter_id":1.5}', {"/meter_id": "type"}),
        ('{"total_power":1,"meter_id":true}', {"/meter_id": "type"}),
        ('{"total_power":1,"seq":-1}', {"/seq": "out_of_range"}),
        ('{"total_power":1,"seq":' + "9" * 5000 + "}", {"/seq": "not_finite"}),
        ('{"total_power":1,"breaker_state":"ajar"}', {"/breaker_state": "not_one_of"}),
        ('{"total_power":1,"quality":0}', {"/quality": "not_one_of"}),
        ('{"total_power":1,"extra":[]}', {"/extra": "type"}),
        ('{"total_power":1,"extra":{"a/b":"x","":1}}', {"/extra/a~1b": "type", "/extra": "bad_name"}),
        ('{"total_power":1,"extra":' + json.dumps({str(n): n for n in range(33)}) + "}", {"/extra": "too_many"}),
        ('{"total_power":1,"timestamp":1749652320}', {"/timestamp": "bad_timestamp"}),
        ('{"total_power":1,"timestamp":"2026-06-11"}', {"/timestamp": "bad_timestamp"}),
        ('{"total_power":1,"timestamp":"2026-06-31T00:00:00Z"}', {"/timestamp": "bad_timestamp"}),
        ('{"total_power":1,"timestamp":"2026-06-11T23:59:60Z"}', {"/timestamp": "bad_timestamp"}),
        (
            '{"total_power":"x","seq":"y","timestamp":""}',
            {"/total_power": "type", "/seq": "type", "/timestamp": "bad_timestamp"},
        ),
    ],
)
def test_what_is_wrong_is_told_all_at_once(text: str, fault: dict[str, str]) -> None:
    assert codes(text.encode()) == fault


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b'{"total_power":1}}',
        b'{"total_power":1} {"total_power":1}',
        b"\xff\xfe{}",
        b'\xef\xbb\xbf{"total_power":1}',
        b'{"total_power":1,"\xff":1}',
        b'{"total_power":1,"\\ud800":1}',
        b'{"total_power":01}',
        b'{"total_power":+1}',
        b"[" * 100_000,
        b'{"extra":' * 100_000,
        b'{"total_power":1,"x":' + b"[" * 50_000 + b"]" * 50_000 + b"}",
    ],
)
def test_what_is_no_json_is_malformed(content: bytes) -> None:
    with pytest.raises(Malformed):
        read(content)


def test_names_that_are_no_field_are_named() -> None:
    assert read(b'{"total_power":1,"vendor":{"a":[1]},"\xc3\xa9":null}').ignored == ("vendor", "é")


def test_the_faults_of_one_reading_have_an_end() -> None:
    whole = json.dumps({"total_power": 1, "extra": 1} | {str(n): n for n in range(9)}).encode()
    assert [fault.code for fault in read(whole).faults] == ["type"]
    faults = bounded([fault for fault in read(whole).faults for _ in range(MOST_FAULTS + 3)])
    assert len(faults) == MOST_FAULTS + 1
    assert faults[-1].detail == "and 3 more faults"
