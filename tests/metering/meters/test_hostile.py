"""Whatever JSON is sent as a document: it is checked whole, or refused with its faults; nothing else is ever raised."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.metering.conftest import House
from wattline.metering import accounts, groups, meters_checks
from wattline.metering.checks import DEEPEST, is_deep, moment, written
from wattline.metering.keeping import Keeping, merged
from wattline.model.clock import ManualClock
from wattline.model.errors import Conflict, Invalid
from wattline.state.database import Database

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)
LIKELY = st.sampled_from([1, 2, 3, 50, "virtual", "EUR", "UTC", "0.19", "kWh", "2026-01-01T00:00:00Z", "a name", True])


def bodies(fields: tuple[str, ...]) -> st.SearchStrategy[dict[str, Any]]:
    """Objects with fields of this kind, some of them as they could be."""
    entry = st.dictionaries(st.sampled_from(["meter_id", "tariff_id", "sign", "from", "to", "site", "fields"]), JSON | LIKELY)
    value = JSON | LIKELY | entry | st.lists(entry | LIKELY, max_size=3)
    return st.dictionaries(st.sampled_from(fields), value, max_size=4) | st.dictionaries(st.text(max_size=5), value, max_size=4)


@pytest.fixture(scope="module")
def keepers() -> dict[str, Keeping]:
    """The three keepers with nothing in memory: a check asks no store."""
    metering = House(Database("sqlite+aiosqlite:///:memory:"), ManualClock(datetime(2026, 6, 11, tzinfo=UTC))).metering
    return {"meter": metering.meters, "group": metering.groups, "account": metering.accounts}


def check(keeper: Keeping, body: dict[str, Any]) -> None:
    try:
        result = keeper.checked("default", None, body)
    except (Invalid, Conflict):
        return
    # Checked again it stays what it is, so that what was shown can be sent back.
    assert keeper.checked("default", None, msgspec.json.decode(msgspec.json.encode(result))) == result


@given(bodies(meters_checks.BODY))
def test_a_meter(keepers: dict[str, Keeping], body: dict[str, Any]) -> None:
    check(keepers["meter"], {"name": "x", **body})


@given(bodies(groups.BODY))
def test_a_group(keepers: dict[str, Keeping], body: dict[str, Any]) -> None:
    check(keepers["group"], {"name": "x", **body})


@given(bodies(accounts.BODY))
def test_an_account(keepers: dict[str, Keeping], body: dict[str, Any]) -> None:
    check(keepers["account"], {"name": "x", "currency": "EUR", **body})


@given(st.dictionaries(st.text(max_size=3), JSON, max_size=4), st.dictionaries(st.text(max_size=3), JSON, max_size=4))
def test_a_merge_patch_is_that_of_the_standard(body: dict[str, Any], change: dict[str, Any]) -> None:
    result = merged(body, change)
    assert not any(result.get(name, 0) is None for name, value in change.items() if value is None)
    for name, value in body.items():
        if name not in change:
            assert repr(result[name]) == repr(value)
    for name, value in change.items():
        if value is not None and not isinstance(value, dict):
            assert repr(result[name]) == repr(value)


def test_the_examples_of_the_standard_are_merged_as_it_says() -> None:
    for body, change, result in (
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
        ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
    ):
        assert merged(body, change) == result


def test_depth_counts_lists_and_objects() -> None:
    value: Any = 1
    for _ in range(DEEPEST):
        value = [value]
    assert not is_deep(value, DEEPEST)
    assert is_deep({"a": value}, DEEPEST)


@given(st.datetimes(datetime(1970, 1, 1), datetime(2169, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001
def test_a_moment_is_written_as_it_is_read(at: datetime) -> None:
    micros = moment(at.isoformat())
    assert micros is not None
    assert moment(written(micros)) == micros


@pytest.mark.parametrize(
    "text",
    ["", "2026-01-01", "2026-01-01T00:00:00", "2026-13-01T00:00:00Z", "2026-01-01T00:00:60Z", "2026-02-30T00:00:00Z",
     "2026-01-01T00:00:00+25:00", "٢٠٢٦-01-01T00:00:00Z", "2026-01-01T00:00:00Z\n", "20260101T000000Z"],
)  # fmt: skip
def test_no_other_text_is_a_moment(text: str) -> None:
    assert moment(text) is None
